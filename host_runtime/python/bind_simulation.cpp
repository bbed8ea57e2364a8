// Networks that run: Simulation and run().
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/memory_archive.hpp"
#include "host_runtime/graph/crossbar_mapping.hpp"
#include "host_runtime/graph/crossbar_report.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/graph/state_file.hpp"
#include "host_runtime/graph/step_warnings.hpp"
#include "host_runtime/python/bindings.hpp"
#include "host_runtime/python/event_array.hpp"
#include "host_runtime/python/py_network.hpp"
#include "host_runtime/results/discretisation_report.hpp"
#include "host_runtime/results/placement_report.hpp"
#include "host_runtime/results/programming_warnings.hpp"

namespace py = pybind11;

namespace memprop::host::python {
namespace {

py::object from_json(const nlohmann::ordered_json& json) {
    return py::module_::import("json").attr("loads")(
        json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// What a simulation is asked for besides its network.
struct Settings {
    std::optional<double> dt;
    std::optional<std::string> integrator, reset;
    std::optional<bool> first_step_recurrence;
    std::optional<std::string> arithmetic, if_integration, current_jump;
    std::string engine;
    std::optional<std::string> chip;
    std::optional<std::string> crossbar;
    std::optional<double> device_time;
    py::object overrides;
    std::optional<std::int64_t> seed;
};

class Simulation {
public:
    Simulation(const PyNetwork& network, const Settings& settings) {
        bool found = false;
        discretisation_ = discretisation_of(network.graph(), network.file, found);
        if (settings.dt) {
            discretisation_.dt_seconds = *settings.dt;
        }
        if (settings.integrator) {
            discretisation_.integrator = integrator_from(*settings.integrator);
        }
        if (settings.reset) {
            discretisation_.reset = reset_rule_from(*settings.reset);
        }
        if (settings.first_step_recurrence) {
            discretisation_.first_step_recurrence = *settings.first_step_recurrence;
        }
        if (settings.arithmetic) {
            discretisation_.arithmetic = arithmetic_from(*settings.arithmetic);
        }
        if (settings.if_integration) {
            discretisation_.if_integration = if_integration_from(*settings.if_integration);
        }
        if (settings.current_jump) {
            discretisation_.current_jump = current_jump_from(*settings.current_jump);
        }
        if (settings.engine != "functional" && settings.engine != "cycle") {
            throw InputError("engine", settings.engine, "must be functional or cycle");
        }
        std::vector<std::string> overrides = override_list(settings.overrides, settings.seed);
        if (settings.engine == "cycle") {
            discretisation_ = suited_to_chip(discretisation_);
            const std::vector<std::string> of_chip = take_overrides_of("chip", overrides);
            chip_ = settings.chip ? load_experiment(*settings.chip, of_chip).chip
                                  : parse_experiment("", "overrides", of_chip).chip;
        } else if (settings.chip) {
            throw InputError("chip needs engine = \"cycle\"");
        }
        if (settings.crossbar) {
            const auto config = load_experiment(*settings.crossbar, overrides);
            device_time_seconds_ = settings.device_time.value_or(config.task.update_interval_seconds);
            crossbar_ = config;
            without_effect_ = keys_without_effect_in_run(config, settings.engine == "cycle", overrides);
            warn_without_effect(without_effect_);
        } else if (settings.device_time || !overrides.empty()) {
            throw InputError("device_time, overrides and seed need crossbar");
        }
        load_and_warn(network);
        bool states_its_own = false;
        if (discretisation_of(network.graph(), network.file, states_its_own) != discretisation_ ||
            !states_its_own) {
            for (const std::string& text : step_warnings(network.graph(), network.file, discretisation_)) {
                warn(text);
            }
        }
        for (const std::string& text : network.graph().warnings) {
            warnings_.push_back(text);  // which Network.warnings has shown
        }
    }

    py::dict run(const py::object& events, std::optional<std::int64_t> steps,
                 const std::vector<std::string>& probes);

    std::uint64_t steps_done() const { return running_->steps_done(); }
    void reset() { running_->reset(); }
    void save(const std::string& file) {
        const py::gil_scoped_release no_gil;
        save_state(*running_, discretisation_, mapping_.get(), file);
    }
    void restore(const std::string& file) {
        const py::gil_scoped_release no_gil;
        load_state(*running_, discretisation_, mapping_.get(), file);
    }

    /// Other weights, the same state; devices are fresh and programmed anew.
    void reload(const PyNetwork& network) {
        MemoryWriter state;
        running_->write_state(state, RunningNetwork::StateParts::network);
        load_and_warn(network, &state);
    }

    /// Noise-free, at the device time of reads; as the node computes with them, or of its devices.
    py::array_t<double> weights(const std::string& node);
    py::array_t<double> conductances(const std::string& node);

    const std::vector<std::string>& warnings() const { return warnings_; }

private:
    /// As a Python warning too, once.
    void warn(const std::string& text) {
        if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) {
            warnings_.push_back(text);
            if (PyErr_WarnEx(PyExc_UserWarning, fmt::format("{}: {}", network_.file, text).c_str(), 1) < 0) {
                throw py::error_already_set();
            }
        }
    }
    MappedLayer* layer_of(const std::string& node);
    std::vector<double> differences_us(MappedLayer& layer, std::size_t array);

    struct Recorded {
        std::uint32_t node;
        std::vector<std::int64_t> spikes;  // step, index
        std::vector<double> v, i;
    };

    void load_and_warn(const PyNetwork& network, const MemoryWriter* state = nullptr) {
        {
            const py::gil_scoped_release no_gil;
            load(network, state);
        }
        if (mapping_ != nullptr) {
            for (const std::string& line : programming_warnings(*mapping_)) {
                warn(line);
            }
        }
    }

    /// Nothing changes unless the network can be loaded and suits the state, if there is one.
    void load(const PyNetwork& network, const MemoryWriter* state = nullptr) {
        std::unique_ptr<CrossbarMapping> mapping;
        if (crossbar_) {
            mapping = std::make_unique<CrossbarMapping>(*crossbar_, device_time_seconds_);
        }
        std::unique_ptr<RunningNetwork> fresh;
        const ChipNetwork* on_chip = nullptr;
        if (chip_) {
            auto network_on_chip = std::make_unique<ChipNetwork>(network.graph(), network.file,
                                                                 discretisation_, *chip_, mapping.get());
            on_chip = network_on_chip.get();
            fresh = std::move(network_on_chip);
        } else {
            fresh = std::make_unique<FunctionalNetwork>(network.graph(), network.file, discretisation_,
                                                        mapping.get());
        }
        if (state != nullptr) {
            MemoryReader reader(state->items());
            fresh->read_state(reader, RunningNetwork::StateParts::network);
        }
        running_ = std::move(fresh);  // before the mapping it uses
        on_chip_ = on_chip;
        mapping_ = std::move(mapping);
        network_ = network;
        silence_.emplace(network.graph(), network.file, discretisation_);
    }

    PyNetwork network_;
    Discretisation discretisation_;
    std::optional<learning::ExperimentConfig> crossbar_;
    std::vector<KeyWithoutEffect> without_effect_;
    double device_time_seconds_ = 0.0;  // of reads, after programming
    std::optional<hw::chip::ChipConfig> chip_;
    std::unique_ptr<CrossbarMapping> mapping_;
    std::unique_ptr<RunningNetwork> running_;
    const ChipNetwork* on_chip_ = nullptr;  // running_, if it is one
    std::vector<std::string> warnings_;
    std::optional<SilenceWatch> silence_;
};

template <class T>
py::array_t<T> matrix(const std::vector<T>& values, std::size_t rows, std::size_t columns) {
    py::array_t<T> result({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)});
    std::copy(values.begin(), values.end(), result.mutable_data());
    return result;
}

py::dict Simulation::run(const py::object& events, std::optional<std::int64_t> steps,
                         const std::vector<std::string>& probes) {
    RunningNetwork& s = *running_;
    const auto todo = sorted_events(events, s);
    if (steps && (*steps < 0 || *steps > std::int64_t{1} << 31)) {
        throw InputError("steps", *steps, "must be in [0, 2^31]");
    }
    const auto begin = static_cast<std::int64_t>(s.steps_done());
    const std::int64_t end =
        steps ? begin + *steps
              : (todo.empty() ? begin
                              : todo.back().first + 1 + static_cast<std::int64_t>(s.longest_delay_steps()));
    std::vector<Recorded> spiking, probed;
    for (std::uint32_t n = 0; n < s.nodes().size(); ++n) {
        if (nir::is_spiking(s.nodes()[n].type)) {
            spiking.push_back({n, {}, {}, {}});
        }
    }
    for (const std::string& name : probes) {
        const auto node = s.find(name);
        if (!node || s.membrane(*node).empty()) {
            throw InputError("probe", name, "is no node with state");
        }
        probed.push_back({*node, {}, {}, {}});
    }
    std::vector<double> output, row(s.output_size());
    {
        const py::gil_scoped_release no_gil;
        InterruptCheck check;
        std::vector<std::uint32_t> inputs;
        std::size_t next = 0;
        for (std::int64_t step = begin; step < end; ++step) {
            inputs.clear();
            for (; next < todo.size() && todo[next].first == step; ++next) {
                inputs.push_back(todo[next].second);
            }
            s.step(inputs);
            silence_->note(s);
            for (Recorded& r : spiking) {
                for (const std::uint32_t index : s.spikes(r.node)) {
                    r.spikes.push_back(step);
                    r.spikes.push_back(index);
                }
            }
            for (Recorded& r : probed) {
                const auto v = s.membrane(r.node), i = s.current(r.node);
                r.v.insert(r.v.end(), v.begin(), v.end());
                r.i.insert(r.i.end(), i.begin(), i.end());
            }
            s.read_output(row);
            output.insert(output.end(), row.begin(), row.end());
            check();
        }
        s.check_finite();
    }
    if (!todo.empty()) {
        for (const std::string& text : silence_->warnings()) {
            warn(text);
        }
    }
    const auto count = static_cast<std::size_t>(end - begin);
    py::dict spikes, state, result;
    for (const Recorded& r : spiking) {
        spikes[py::str(s.nodes()[r.node].name)] = matrix(r.spikes, r.spikes.size() / 2, 2);
    }
    for (const Recorded& r : probed) {
        py::dict of_node;
        of_node["v"] = matrix(r.v, count, s.membrane(r.node).size());
        if (!s.current(r.node).empty()) {
            of_node["i"] = matrix(r.i, count, s.current(r.node).size());
        }
        state[py::str(s.nodes()[r.node].name)] = of_node;
    }
    result["steps"] = count;
    result["spikes"] = spikes;
    result["state"] = state;
    result["output"] = matrix(output, count, row.size());
    if (on_chip_ != nullptr) {
        nlohmann::ordered_json chip;
        add_placement(*on_chip_, chip);
        for (const auto& [key, value] : chip.items()) {
            result[py::str(key)] = from_json(value);
        }
    }
    result["energy_j"] = from_json(on_chip_ != nullptr ? chip_energy_json(*on_chip_, mapping_.get())
                                                       : energy_json(mapping_.get()));
    result["programming"] = from_json(programming_json(mapping_.get()));
    result["keys_without_effect"] = from_json(without_effect_json(without_effect_));
    result["converters"] = from_json(converters_json(mapping_.get()));
    result["discretisation"] = from_json(discretisation_json(discretisation_));
    result["warnings"] = warnings_;
    return result;
}

MappedLayer* Simulation::layer_of(const std::string& node) {
    if (!running_->find(node) || network_.dataset(node, "weight").shape.size() < 2) {
        throw InputError("node", node, "has no weights");
    }
    if (mapping_ != nullptr) {
        for (const auto& layer : mapping_->layers()) {
            if (layer->node == node) {
                return layer.get();
            }
        }
    }
    return nullptr;
}

std::vector<double> Simulation::differences_us(MappedLayer& layer, std::size_t array) {
    crossbar::SynapseArray& devices = layer.arrays[array]->array;
    std::vector<float> us(devices.synapses());
    devices.state(layer.ticks, us);
    devices.renew(layer.ticks);
    return {us.begin(), us.end()};
}

py::array_t<double> Simulation::conductances(const std::string& node) {
    MappedLayer* const layer = layer_of(node);
    if (layer == nullptr) {
        throw InputError("node", node, "is on no crossbar");
    }
    const crossbar::SynapseArray& first = layer->arrays.front()->array;
    py::array_t<double> result(
        {layer->arrays.size(), std::size_t{first.rows()}, std::size_t{first.columns()}});
    double* out = result.mutable_data();
    for (std::size_t m = 0; m < layer->arrays.size(); ++m) {
        const std::vector<double> us = differences_us(*layer, m);
        out = std::copy(us.begin(), us.end(), out);
    }
    return result;
}

py::array_t<double> Simulation::weights(const std::string& node) {
    const nir::Dataset& weight = network_.dataset(node, "weight");
    MappedLayer* const layer = layer_of(node);
    py::array_t<double> result(std::vector<py::ssize_t>(weight.shape.begin(), weight.shape.end()));
    double* const out = result.mutable_data();
    if (layer == nullptr) {
        for (py::ssize_t i = 0; i < result.size(); ++i) {
            out[i] = nir::number_at(weight, static_cast<std::uint64_t>(i));
        }
        return result;
    }
    for (std::size_t m = 0; m < layer->arrays.size(); ++m) {  // the file's order is [array][column][row]
        const MappedArray& mapped = *layer->arrays[m];
        const std::size_t rows = mapped.array.rows(), columns = mapped.array.columns();
        const double unit = static_cast<double>(mapped.weight_per_us * mapped.compensation);
        const std::vector<double> us = differences_us(*layer, m);
        for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < columns; ++c) {
                out[(m * columns + c) * rows + r] = unit * us[r * columns + c];
            }
        }
    }
    return result;
}

constexpr const char* kSettingsDoc = R"(
dt: time step in seconds; default 1e-3 or what the file states.
integrator: "euler" or "exponential". reset: "file", "zero", "subtract", "subtract_carry", "subtract_next".
first_step_recurrence: whether feedback delivers its bias in step 0.
arithmetic: "graph" (double precision), or "single" or "double" with the operations of memprop's training.
if_integration: "per_step" (v += r x) or "per_second" (dv/dt = r x) of I and IF nodes.
current_jump: "scaled" (by dt/tau_syn w_in x) or "unscaled" (by w_in x, as Norse computes) of CubaLI and CubaLIF nodes.
engine: "functional", or "cycle": the cycle-level chip, one in a process. chip: a file whose table [chip] describes it;
    overrides that begin with "chip." change it. The dict then has cycles, load_cycles, mapping and chip too.
crossbar: an experiment (TOML) whose devices hold the weights, programmed by write-verify; device_time: seconds
    from programming to the reads; overrides, seed: of that experiment.)";

}  // namespace

void bind_simulation(py::module_ module) {
    const std::string simulation_doc =
        std::string("A network that runs in pieces: run() goes on where the last one ended.\n") +
        kSettingsDoc;
    const auto make = [](const PyNetwork& network, std::optional<double> dt,
                         std::optional<std::string> integrator, std::optional<std::string> reset,
                         std::optional<bool> first_step_recurrence, std::optional<std::string> arithmetic,
                         std::string engine, std::optional<std::string> chip,
                         std::optional<std::string> crossbar, std::optional<double> device_time,
                         py::object overrides, std::optional<std::int64_t> seed,
                         std::optional<std::string> if_integration, std::optional<std::string> current_jump) {
        return std::make_unique<Simulation>(
            network, Settings{dt, std::move(integrator), std::move(reset), first_step_recurrence,
                              std::move(arithmetic), std::move(if_integration), std::move(current_jump),
                              std::move(engine), std::move(chip), std::move(crossbar), device_time,
                              std::move(overrides), seed});
    };
    py::class_<Simulation>(module, "Simulation", simulation_doc.c_str())
        .def(py::init(make), py::arg("network"), py::kw_only(), py::arg("dt") = py::none(),
             py::arg("integrator") = py::none(), py::arg("reset") = py::none(),
             py::arg("first_step_recurrence") = py::none(), py::arg("arithmetic") = py::none(),
             py::arg("engine") = "functional", py::arg("chip") = py::none(), py::arg("crossbar") = py::none(),
             py::arg("device_time") = py::none(), py::arg("overrides") = py::none(),
             py::arg("seed") = py::none(), py::arg("if_integration") = py::none(),
             py::arg("current_jump") = py::none())
        .def(
            "run", &Simulation::run, py::arg("events"), py::arg("steps") = py::none(), py::kw_only(),
            py::arg("probe") = std::vector<std::string>(),
            R"(Runs `steps` more steps (default: to the last event, and as long as Delays hold it) and returns
a dict: spikes (node -> int64 [n, 2]: step, index), output (float64 [steps, outputs]), state (probed node ->
{"v": float64 [steps, neurons], "i": ...}), steps, energy_j, programming.

events: int64 [n, 2] of (step, index) in any order, steps counted from the start of the simulation. What Ctrl-C
interrupts stays at the step it has reached.)")
        .def_property_readonly("steps_done", &Simulation::steps_done)
        .def_property_readonly("warnings", &Simulation::warnings,
                               "What was tolerated in the file or looks wrong about the run, one line each; "
                               "also given as Python warnings.")
        .def("weights", &Simulation::weights, py::arg("node"),
             "float64, in the shape of the node's weight: the weights it computes with. On devices those of "
             "their "
             "noise-free conductances at the device time.")
        .def("conductances", &Simulation::conductances, py::arg("node"),
             "float64 [array, row, column], uS: noise-free differential conductances at the device time, of "
             "a node "
             "whose weights are on a crossbar. A convolution has an array per group.")
        .def("reset", &Simulation::reset, "State back to the beginning; weights stay.")
        .def("reload", &Simulation::reload, py::arg("network"),
             "Other weights; the state stays. On crossbars they are programmed onto fresh devices.")
        .def("save", &Simulation::save, py::arg("path"), "Writes the state to a file.")
        .def("restore", &Simulation::restore, py::arg("path"),
             "Replaces the state by that of a file; the simulation goes on bit for bit.");

    const std::string run_doc =
        std::string(R"(Runs a network on events from its initial state and returns a dict of NumPy arrays:
spikes (node -> int64 [n, 2]: step, index), output (float64 [steps, outputs]), state (probed node -> {"v": float64
[steps, neurons], "i": ...}), steps, energy_j, programming.

events: int64 [n, 2] of (step, index) in any order; events of one step and index add up.
steps: default the last event's step + 1 + the longest Delay.
probe: names of nodes whose state is returned.)") +
        kSettingsDoc;
    module.def(
        "run",
        [make](const PyNetwork& network, const py::object& events, std::optional<std::int64_t> steps,
               std::optional<double> dt, const std::vector<std::string>& probe,
               std::optional<std::string> integrator, std::optional<std::string> reset,
               std::optional<bool> first_step_recurrence, std::optional<std::string> arithmetic,
               std::string engine, std::optional<std::string> chip, std::optional<std::string> crossbar,
               std::optional<double> device_time, py::object overrides, std::optional<std::int64_t> seed,
               std::optional<std::string> if_integration, std::optional<std::string> current_jump) {
            return make(network, dt, std::move(integrator), std::move(reset), first_step_recurrence,
                        std::move(arithmetic), std::move(engine), std::move(chip), std::move(crossbar),
                        device_time, std::move(overrides), seed, std::move(if_integration),
                        std::move(current_jump))
                ->run(events, steps, probe);
        },
        py::arg("net"), py::arg("events"), py::arg("steps") = py::none(), py::arg("dt") = py::none(),
        py::kw_only(), py::arg("probe") = std::vector<std::string>(), py::arg("integrator") = py::none(),
        py::arg("reset") = py::none(), py::arg("first_step_recurrence") = py::none(),
        py::arg("arithmetic") = py::none(), py::arg("engine") = "functional", py::arg("chip") = py::none(),
        py::arg("crossbar") = py::none(), py::arg("device_time") = py::none(),
        py::arg("overrides") = py::none(), py::arg("seed") = py::none(),
        py::arg("if_integration") = py::none(), py::arg("current_jump") = py::none(), run_doc.c_str());
}

}  // namespace memprop::host::python
