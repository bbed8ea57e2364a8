#include "host_runtime/cli/network_options.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/exchange/export.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

Discretisation discretisation_from(const po::variables_map& options, const nir::Network& network,
                                   const std::string& file) {
    bool found = false;
    Discretisation result = discretisation_of(network, file, found);
    if (found) {
        fmt::print(stderr, "memprop: {} states its own discretisation (metadata memprop)\n", file);
    }
    if (options.count("dt") != 0) {
        result.dt_seconds = options["dt"].as<double>();
    }
    if (options.count("integrator") != 0) {
        result.integrator = integrator_from(options["integrator"].as<std::string>());
    }
    if (options.count("reset") != 0) {
        result.reset = reset_rule_from(options["reset"].as<std::string>());
    }
    if (options.count("first-step-recurrence") != 0) {
        const auto value = options["first-step-recurrence"].as<std::string>();
        if (value != "on" && value != "off") {
            throw InputError("first-step-recurrence", value, "must be on or off");
        }
        result.first_step_recurrence = value == "on";
    }
    check(result);
    return result;
}

void print_settings(const Discretisation& d, const Simulator& simulator) {
    fmt::print(
        stderr,
        "memprop: dt = {} s, integrator = {}, reset = {}, first-step-recurrence = {}, arithmetic = {}\n",
        d.dt_seconds, to_string(d.integrator), to_string(d.reset), d.first_step_recurrence ? "on" : "off",
        to_string(d.arithmetic));
    for (const auto& [source, target] : simulator.delayed_edges()) {
        fmt::print(stderr, "memprop: edge {} -> {} closes a cycle and delivers the previous step's value\n",
                   source, target);
    }
}

std::unique_ptr<CrossbarMapping> mapping_from(const po::variables_map& options) {
    if (options.count("crossbar") == 0) {
        for (const char* name : {"device-time", "set", "seed"}) {
            if (options.count(name) != 0) {
                throw InputError(fmt::format("--{} needs --crossbar EXPERIMENT.toml", name));
            }
        }
        return nullptr;
    }
    std::vector<std::string> overrides;
    if (options.count("set") != 0) {
        overrides = options["set"].as<std::vector<std::string>>();
    }
    if (options.count("seed") != 0) {
        overrides.push_back(fmt::format("run.seed={}", options["seed"].as<std::int64_t>()));
    }
    const learning::ExperimentConfig config =
        load_experiment(options["crossbar"].as<std::string>(), overrides);
    const double seconds = options.count("device-time") != 0 ? options["device-time"].as<double>()
                                                             : config.task.update_interval_seconds;
    return std::make_unique<CrossbarMapping>(config, seconds);
}

double mean_error_us(const MappedLayer& layer) {
    return layer.programming.synapses == 0
               ? 0.0
               : layer.programming.absolute_error_us / double(layer.programming.synapses);
}

double success_rate(const MappedLayer& layer) {
    return double(layer.programming.converged) / std::max(1.0, double(layer.programming.synapses));
}

}  // namespace

void add_network_options(po::options_description& options) {
    options.add_options()                                                                          //
        ("dt", po::value<double>(), "time step in seconds; default 1e-3 or what the file states")  //
        ("integrator", po::value<std::string>(), "euler (default) or exponential")                 //
        ("reset", po::value<std::string>(),
         "file (default), zero, subtract, subtract_carry or subtract_next")  //
        ("first-step-recurrence", po::value<std::string>(),
         "on (default) or off: whether feedback delivers its bias in step 0")  //
        ("crossbar", po::value<std::string>()->value_name("EXPERIMENT.toml"),
         "program the weights of Linear, Affine and Conv nodes onto crossbars by write-verify and read them "
         "with noise and drift")  //
        ("device-time", po::value<double>()->value_name("S"),
         "seconds from programming to the reads; default task.update_interval_seconds")  //
        ("set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
         "override one key of --crossbar; may be repeated")  //
        ("seed", po::value<std::int64_t>()->value_name("N"),
         "sets run.seed of --crossbar, which fixes everything random")  //
        ("width", po::value<std::uint32_t>()->default_value(0, ""),
         "pixels of the camera, if the Input's shape does not say")  //
        ("height", po::value<std::uint32_t>()->default_value(0, ""), "the same");
}

LoadedNetwork load_network_with(const po::variables_map& options, const std::string& file) {
    LoadedNetwork loaded;
    loaded.file = file;
    loaded.mapping = mapping_from(options);
    const nir::Network network = load_network(file);
    for (const std::string& warning : network.warnings) {
        fmt::print(stderr, "memprop: warning: {}: {}\n", file, warning);
    }
    loaded.discretisation = discretisation_from(options, network, file);
    loaded.simulator =
        std::make_unique<Simulator>(network, file, loaded.discretisation, loaded.mapping.get());
    print_settings(loaded.discretisation, *loaded.simulator);
    if (loaded.mapping != nullptr) {
        print_programming(*loaded.mapping);
    }
    loaded.reader.dt_seconds = loaded.discretisation.dt_seconds;
    loaded.reader.input_size = loaded.simulator->input_size();
    loaded.reader.input_shape = loaded.simulator->input_shape();
    loaded.reader.width = options["width"].as<std::uint32_t>();
    loaded.reader.height = options["height"].as<std::uint32_t>();
    return loaded;
}

nlohmann::ordered_json programming_json(const CrossbarMapping* mapping) {
    auto result = nlohmann::ordered_json::array();
    if (mapping == nullptr) {
        return result;
    }
    for (const auto& layer : mapping->layers()) {
        const crossbar::ProgrammingReport& report = layer->programming;
        const bool verified = layer->arrays.front()->array.model().takes_pulses();
        result.push_back(
            {{"node", layer->node},
             {"arrays", layer->arrays.size()},
             {"tiles", layer->tiles},
             {"synapses", report.synapses},
             {"weight_per_us", layer->weight_per_us},
             {"success_rate", verified ? nlohmann::ordered_json(success_rate(*layer)) : nullptr},
             {"mean_error_us", mean_error_us(*layer)},
             {"largest_error_us", report.largest_error_us},
             {"mean_error_weight", mean_error_us(*layer) * layer->weight_per_us},
             {"largest_weight", layer->largest_weight},
             {"pulses", {{"set", layer->spent.set_pulses}, {"reset", layer->spent.reset_pulses}}},
             {"pulses_per_synapse", double(report.pulses) / std::max(1.0, double(report.synapses))},
             {"verify_reads", report.verify_reads},
             {"seconds", report.seconds},
             {"energy_j", layer->spent.energy(mapping->energy_cost()).total_j()}});
    }
    return result;
}

nlohmann::ordered_json energy_json(const CrossbarMapping* mapping) {
    if (mapping == nullptr) {
        return nullptr;
    }
    const crossbar::EnergyBreakdown energy = mapping->counters().energy(mapping->energy_cost());
    return {{"total", energy.total_j()},
            {"set", energy.set_j},
            {"reset", energy.reset_j},
            {"read", energy.read_j},
            {"verify_read", energy.verify_read_j},
            {"wires", energy.wires_j},
            {"adc", energy.adc_j}};
}

void print_programming(const CrossbarMapping& mapping) {
    fmt::print(stderr, "memprop: weights on crossbars, read {} s after programming\n",
               mapping.device_time_seconds());
    for (const auto& layer : mapping.layers()) {
        const crossbar::ProgrammingReport& report = layer->programming;
        fmt::print(
            stderr,
            "  {:<24} {} synapses, {} tiles, 1 uS = weight {:.4g}; error mean {:.3g} uS, largest {:.3g} "
            "uS; {:.1f} pulses and {:.1f} verifying reads per synapse, {:.1f} % within the tolerance, "
            "{:.3g} s\n",
            layer->node, report.synapses, layer->tiles, layer->weight_per_us, mean_error_us(*layer),
            report.largest_error_us, double(report.pulses) / std::max(1.0, double(report.synapses)),
            double(report.verify_reads) / std::max(1.0, double(report.synapses)),
            100.0 * success_rate(*layer), report.seconds);
    }
}

}  // namespace memprop::host::cli
