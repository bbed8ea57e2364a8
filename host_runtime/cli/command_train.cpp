#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "crossbar/device/device_model.hpp"
#include "host_runtime/chip/waveform_request.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/interrupt.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/cli/progress.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/results/converters_report.hpp"
#include "host_runtime/results/energy_report.hpp"
#include "host_runtime/results/energy_text.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "host_runtime/training.hpp"
#include "learning/task/task.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kUsage =
    "memprop train EXPERIMENT.toml [--set KEY=VALUE]... [--out DIR] [--seed N] [--json]\n"
    "       memprop train --resume DIR [EXPERIMENT.toml] [--set run.epochs=N] [--json]\n"
    "       memprop train EXPERIMENT.toml --init CHECKPOINT.h5|NETWORK.nir [--evaluate] [--json]\n"
    "       memprop train --list";
constexpr std::string_view kNotes =
    "Results go into DIR: config.toml (resolved), result.json, history.csv, run.h5 and checkpoint.h5.\n"
    "SIGINT, SIGTERM or SIGHUP writes a checkpoint; --resume DIR continues bit for bit.\n"
    "`memprop config EXPERIMENT.toml` explains every key. `scripts/plot.py DIR` draws the result.\n";

struct Options {
    std::string experiment, out, resume, init, engine, trace, trace_steps;
    std::vector<std::string> overrides;
    std::int64_t seed = 0;
    bool list = false, evaluate = false, json = false;
};

template <class Kinds>
void print_kinds(std::string_view title, const Kinds& kinds) {
    put("{}:\n", title);
    for (const auto& kind : kinds) {
        put("  {:<20} {}\n", kind.name, kind.description);
    }
}

void print_list() {
    struct Named {
        std::string_view name, description;
    };
    print_kinds("Tasks (task.name)", learning::task_kinds());
    print_kinds("Tasks from files (task.name, task.file)", file_task_kinds());
    print_kinds("Devices (crossbar.device)", crossbar::device_kinds());
    print_kinds("Update schemes (update.scheme)", learning::scheme_kinds());
    print_kinds("Neuron models (network.neuron)",
                std::initializer_list<Named>{{"lif", "leaky integrate-and-fire"},
                                             {"alif", "LIF whose threshold rises with its spikes"}});
}

std::filesystem::path default_directory(const std::string& experiment, std::int64_t seed) {
    const std::time_t now = std::time(nullptr);
    return std::filesystem::path("results") / fmt::format("{}-{}-{:%Y%m%dT%H%M%S}",
                                                          std::filesystem::path(experiment).stem().string(),
                                                          seed, fmt::localtime(now));
}

TrainRequest make_request(const Options& options, const po::variables_map& values) {
    std::vector<std::string> overrides = options.overrides;
    if (values.count("seed") != 0) {
        overrides.push_back(fmt::format("run.seed={}", options.seed));
    }
    if (values.count("engine") != 0) {
        overrides.push_back(fmt::format("run.engine={}", options.engine));
    }
    TrainRequest request;
    request.resume = !options.resume.empty();
    request.evaluate = options.evaluate;
    if (request.resume && (!options.out.empty() || !options.init.empty() || options.evaluate)) {
        throw InputError(
            "--resume continues a run as it was: --out, --init and --evaluate do not go with it");
    }
    if (options.evaluate && options.init.empty()) {
        throw InputError("--evaluate needs the weights of --init CHECKPOINT.h5 or NETWORK.nir");
    }
    if (request.resume && !std::filesystem::is_directory(options.resume)) {
        throw InputError(fmt::format("--resume {}: is not a directory", options.resume));
    }
    std::string experiment = options.experiment;
    if (experiment.empty() && request.resume) {
        experiment = (std::filesystem::path(options.resume) / "config.toml").string();
    }
    if (experiment.empty()) {
        throw InputError(fmt::format("an experiment file is needed\nUsage: {}", kUsage));
    }
    request.config = load_experiment(experiment, overrides);
    request.directory = request.resume        ? std::filesystem::path(options.resume)
                        : options.out.empty() ? default_directory(experiment, request.config.run.seed)
                                              : std::filesystem::path(options.out);
    if (!options.init.empty()) {
        request.init = options.init;
    }
    if (!options.trace.empty()) {
        request.waveforms = parse_waveforms(options.trace, options.trace_steps);
    } else if (!options.trace_steps.empty()) {
        throw InputError("--trace-steps needs --trace FILE.vcd");
    }
    return request;
}

std::string chip_text(const nlohmann::ordered_json& result) {
    std::string text;
    const auto to = std::back_inserter(text);
    const auto& chip = result["chip"];
    const double period_us = 1e-3 * chip["clock_period_ns"].get<double>();
    const double mean = chip["step_cycles_mean"].get<double>();
    fmt::format_to(
        to,
        "chip             {} x {} cores, {} in use; {} cycles in all; a time step takes {:.0f} cycles "
        "({:.2f} us), at most {}; {} deadline misses\n",
        chip["mesh"][0].get<int>(), chip["mesh"][1].get<int>(), chip["cores"].size(),
        result["cycles"].get<std::uint64_t>(), mean, mean * period_us,
        chip["step_cycles_max"].get<std::uint64_t>(), result["deadline_misses"].get<std::uint64_t>());
    std::string phases;
    for (const auto& [phase, cycles] : chip["phase_cycles"].items()) {
        phases += fmt::format("{}{} {:.3g}", phases.empty() ? "" : ", ", phase, cycles.get<double>());
    }
    fmt::format_to(to, "chip cycles      {}\n", phases);
    const auto& latency = chip["flit_latency_cycles"];
    fmt::format_to(to, "flits            {}, latency mean {:.1f}, 95 % {}, max {} cycles\n",
                   latency["flits"].get<std::uint64_t>(), latency["mean"].get<double>(),
                   latency["p95"].get<std::uint64_t>(), latency["max"].get<std::uint64_t>());
    return text;
}

std::string report_text(const TrainRequest& request, const nlohmann::ordered_json& result) {
    std::string text;
    const auto to = std::back_inserter(text);
    const auto& metrics = result["metrics"];
    const double normalised = metrics["normalised_loss"].get<double>(),
                 loss = result["final_loss"].get<double>();
    fmt::format_to(to, "final loss       {:.5g} ({}{})\n", loss, request.evaluate ? "one pass" : "last epoch",
                   normalised > 0.0 ? fmt::format("; a silent network has {:.3g}", loss / normalised) : "");
    for (const auto& [key, value] : metrics.items()) {
        if (key.ends_with("accuracy")) {
            fmt::format_to(to, "{:<16} {:.2f} %\n", key, 100.0 * value.get<double>());
        } else if (key.ends_with("r2") && !value.is_null()) {
            fmt::format_to(to, "{:<16} {:.4f}\n", key, value.get<double>());
        } else if (value.is_string()) {
            fmt::format_to(to, "{:<16} {}\n", key, value.get<std::string>());
        }
    }
    fmt::format_to(to, "time             {:.2f} s, {} steps, {} spikes\n", result["wall_s"].get<double>(),
                   result["steps"].get<std::uint64_t>(), result["spikes"].get<std::uint64_t>());
    if (!result["device"].is_null() || result.contains("chip")) {
        fmt::format_to(to, "energy           {}\n", energy_text(result["energy_j"]));
    }
    if (!result["device"].is_null()) {
        fmt::format_to(to,
                       "wear             {:.2f} SET pulses per synapse, at most {} pulses on one device, {} "
                       "refreshed pairs\n",
                       result["pulses_per_synapse"].get<double>(),
                       result["pulses_per_device_max"].get<std::uint64_t>(),
                       result["refresh"]["pairs"].get<std::uint64_t>());
        if (const std::string converters = converters_text(result["converters"]); !converters.empty()) {
            fmt::format_to(to, "converters       {}\n", converters);
        }
        fmt::format_to(to, "energy figures   {}\n", result["energy_source"].get<std::string>());
        if (const std::string missing =
                missing_energy_text(request.config.crossbar.energy, result["device"].get<std::string>());
            !missing.empty()) {
            fmt::format_to(to, "energy missing   {}\n", missing);
        }
    }
    if (result.contains("chip")) {
        text += chip_text(result);
    }
    fmt::format_to(to, "results          {}\n", request.directory.string());
    return text;
}

}  // namespace

int command_train(Arguments arguments) {
    Options options;
    po::options_description visible("Options"), hidden;
    visible.add_options()("set", po::value(&options.overrides)->value_name("KEY=VALUE")->composing(),
                          "override one key of the experiment; may be repeated")(
        "out", po::value(&options.out)->value_name("DIR"),
        "new directory for results (default results/NAME-SEED-TIME)")(
        "seed", po::value(&options.seed)->value_name("N"), "sets run.seed, which fixes everything random")(
        "engine", po::value(&options.engine)->value_name("NAME"), "sets run.engine: functional or cycle")(
        "resume", po::value(&options.resume)->value_name("DIR"), "continue the run in DIR")(
        "init", po::value(&options.init)->value_name("FILE"),
        "start from the weights of a checkpoint.h5 or of a NIR network of the "
        "form Input -> Linear -> LIF (-> Linear -> LIF) -> Linear -> LI -> Output")(
        "evaluate", po::bool_switch(&options.evaluate), "one pass without learning over the samples")(
        "trace", po::value(&options.trace)->value_name("FILE.vcd"),
        "waveforms of the chip (engine cycle) for gtkwave and other viewers")(
        "trace-steps", po::value(&options.trace_steps)->value_name("FIRST:LAST"),
        "waveforms of these time steps only, counted over all samples of this process")(
        "list", po::bool_switch(&options.list), "list tasks, devices, update schemes and neuron models")(
        "json", po::bool_switch(&options.json), "the last line of stdout is the result as one JSON object")(
        "help,h", "explain and exit");
    hidden.add_options()("experiment", po::value(&options.experiment));
    po::positional_options_description positional;
    positional.add("experiment", 1);
    po::variables_map values;
    if (!parse_options(arguments, kUsage, visible, hidden, positional, kNotes, values)) {
        return 0;
    }
    if (options.list) {
        print_list();
        return 0;
    }
    TrainRequest request = make_request(options, values);
    catch_interrupts();
    std::optional<Progress> progress;
    request.progress = [&](std::uint64_t done, std::optional<double> loss) {
        if (!progress) {
            progress.emplace("epoch", static_cast<std::uint64_t>(request.config.run.epochs), done);
        }
        progress->update(done, loss);
    };
    request.warn = [](const std::string& line) { say("memprop: warning: {}\n", line); };
    request.without_effect = [](const std::vector<KeyWithoutEffect>& keys) {
        say_text(without_effect_text(keys));
    };
    request.interrupted = [] { return interrupt_signal() != 0; };
    const TrainOutcome outcome = run_training(request);
    progress.reset();
    if (outcome.interrupted) {
        say("stopped by a signal; continue with: memprop train --resume {}\n", request.directory.string());
        return 128 + interrupt_signal();
    }
    const std::string report = report_text(request, outcome.result);
    if (options.json) {
        say_text(report);
        put("{}\n", outcome.result.dump());
    } else {
        put_text(report);
    }
    return 0;
}

}  // namespace memprop::host::cli
