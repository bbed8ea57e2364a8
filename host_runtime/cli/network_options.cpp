#include "host_runtime/cli/network_options.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/results/placement_report.hpp"
#include "host_runtime/results/programming_warnings.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

Discretisation discretisation_from(const po::variables_map& options, const nir::Network& network,
                                   const std::string& file) {
    bool found = false;
    Discretisation result = discretisation_of(network, file, found);
    if (found) {
        say("memprop: {} states its own discretisation (metadata memprop)\n", file);
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
    if (options.count("arithmetic") != 0) {
        result.arithmetic = arithmetic_from(options["arithmetic"].as<std::string>());
    }
    if (options.count("if-integration") != 0) {
        result.if_integration = if_integration_from(options["if-integration"].as<std::string>());
    }
    if (options.count("current-jump") != 0) {
        result.current_jump = current_jump_from(options["current-jump"].as<std::string>());
    }
    check(result);
    return result;
}

bool on_chip(const po::variables_map& options) {
    if (options.count("engine") == 0) {
        return false;
    }
    const auto engine = options["engine"].as<std::string>();
    if (engine != "functional" && engine != "cycle") {
        throw InputError("engine", engine, "must be functional or cycle");
    }
    return engine == "cycle";
}

std::vector<std::string> overrides_from(const po::variables_map& options) {
    return options.count("set") != 0 ? options["set"].as<std::vector<std::string>>()
                                     : std::vector<std::string>();
}

hw::chip::ChipConfig chip_from(const po::variables_map& options, std::span<const std::string> overrides) {
    return options.count("chip") != 0 ? load_experiment(options["chip"].as<std::string>(), overrides).chip
                                      : parse_experiment("", "--set", overrides).chip;
}

void print_settings(const Discretisation& d, const RunningNetwork& network) {
    say("memprop: dt = {} s, integrator = {}, reset = {}, first-step-recurrence = {}, arithmetic = {}, "
        "if-integration = {}, current-jump = {}\n",
        d.dt_seconds, to_string(d.integrator), to_string(d.reset), d.first_step_recurrence ? "on" : "off",
        to_string(d.arithmetic), to_string(d.if_integration), to_string(d.current_jump));
    for (const auto& [source, target] : network.delayed_edges()) {
        say("memprop: edge {} -> {} closes a cycle and delivers the previous step's value\n", source, target);
    }
}

/// Names the keys without effect on standard error and in `without_effect`.
std::unique_ptr<CrossbarMapping> mapping_from(const po::variables_map& options,
                                              std::vector<std::string> overrides, bool chip,
                                              std::vector<KeyWithoutEffect>& without_effect) {
    if (options.count("crossbar") == 0) {
        for (const char* name : {"device-time", "seed"}) {
            if (options.count(name) != 0) {
                throw InputError(fmt::format("--{} needs --crossbar EXPERIMENT.toml", name));
            }
        }
        if (!overrides.empty()) {
            throw InputError(
                fmt::format("--set {} needs --crossbar EXPERIMENT.toml, keys of chip. --engine cycle",
                            overrides.front()));
        }
        return nullptr;
    }
    if (options.count("seed") != 0) {
        overrides.push_back(fmt::format("run.seed={}", options["seed"].as<std::int64_t>()));
    }
    const Experiment config = load_experiment(options["crossbar"].as<std::string>(), overrides);
    without_effect = keys_without_effect_in_run(config, chip, overrides);
    say_text(without_effect_text(without_effect));
    const double seconds = options.count("device-time") != 0 ? options["device-time"].as<double>()
                                                             : config.task.update_interval_seconds;
    return std::make_unique<CrossbarMapping>(config, seconds);
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
        ("arithmetic", po::value<std::string>(),
         "of weights and neurons: graph (default: double precision), or the operations of memprop's training "
         "in single or double precision; default of networks trained by memprop: as they were trained")  //
        ("if-integration", po::value<std::string>(),
         "input of I and IF nodes: per_step (default: v += r x) or per_second (dv/dt = r x: v += dt r x)")  //
        ("current-jump", po::value<std::string>(),
         "of CubaLI and CubaLIF nodes: scaled (default: an input raises the current by dt/tau_syn w_in x) or "
         "unscaled (by w_in x, as Norse computes)")  //
        ("crossbar", po::value<std::string>()->value_name("EXPERIMENT.toml"),
         "program the weights of Linear, Affine and Conv nodes onto crossbars by write-verify and read them "
         "with noise and drift")  //
        ("device-time", po::value<double>()->value_name("S"),
         "seconds from programming to the reads; default task.update_interval_seconds")  //
        ("set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
         "override one key of --crossbar or, if it begins with chip., of --chip; may be repeated")  //
        ("seed", po::value<std::int64_t>()->value_name("N"),
         "sets run.seed of --crossbar, which fixes everything random")  //
        ("width", po::value<std::uint32_t>()->default_value(0, ""),
         "pixels of the camera, if the Input's shape does not say")  //
        ("height", po::value<std::uint32_t>()->default_value(0, ""), "the same");
}

void print_warning(const std::string& file, const std::string& warning) {
    say("memprop: warning: {}: {}\n", file, warning);
}

void add_engine_options(po::options_description& options) {
    options.add_options()  //
        ("engine", po::value<std::string>(),
         "functional (default), or cycle: the network is placed on the cycle-level chip and runs there; "
         "layers that the chip has no unit for are refused")  //
        ("chip", po::value<std::string>()->value_name("CHIP.toml"),
         "the table [chip] of this file describes the chip; default: `memprop config` shows it");
}

LoadedNetwork load_network_with(const po::variables_map& options, const std::string& file) {
    LoadedNetwork loaded;
    loaded.file = file;
    const bool chip = on_chip(options);
    if (!chip && options.count("chip") != 0) {
        throw InputError("--chip needs --engine cycle");
    }
    std::vector<std::string> overrides = overrides_from(options);
    const std::vector<std::string> of_chip =
        chip ? take_overrides_of("chip", overrides) : std::vector<std::string>();
    loaded.mapping = mapping_from(options, std::move(overrides), chip, loaded.without_effect);
    const nir::Network network = load_network(file);
    loaded.warnings = network.warnings;
    loaded.discretisation = discretisation_from(options, network, file);
    bool states_its_own = false;
    if (discretisation_of(network, file, states_its_own) != loaded.discretisation || !states_its_own) {
        for (std::string& warning : step_warnings(network, file, loaded.discretisation)) {
            loaded.warnings.push_back(std::move(warning));
        }
    }
    for (const std::string& warning : loaded.warnings) {
        print_warning(file, warning);
    }
    loaded.silence.emplace(network, file, loaded.discretisation);
    if (chip) {
        if (loaded.discretisation.arithmetic == Arithmetic::graph) {
            say("memprop: the chip computes in single precision; --arithmetic single gives the functional "
                "engine the same bits\n");
        }
        loaded.discretisation = suited_to_chip(loaded.discretisation);
        auto on_chip = std::make_unique<ChipNetwork>(network, file, loaded.discretisation,
                                                     chip_from(options, of_chip), loaded.mapping.get());
        loaded.chip = on_chip.get();
        loaded.network = std::move(on_chip);
    } else {
        loaded.network =
            std::make_unique<FunctionalNetwork>(network, file, loaded.discretisation, loaded.mapping.get());
    }
    print_settings(loaded.discretisation, *loaded.network);
    if (loaded.chip != nullptr) {
        say_text(placement_text(*loaded.chip));
    }
    if (loaded.mapping != nullptr) {
        say_text(programming_text(*loaded.mapping));
        for (const std::string& line : programming_warnings(*loaded.mapping)) {
            say("memprop: warning: {}\n", line);
        }
    }
    loaded.reader.dt_seconds = loaded.discretisation.dt_seconds;
    loaded.reader.input_size = loaded.network->input_size();
    loaded.reader.input_shape = loaded.network->input_shape();
    loaded.reader.width = options["width"].as<std::uint32_t>();
    loaded.reader.height = options["height"].as<std::uint32_t>();
    return loaded;
}

}  // namespace memprop::host::cli
