// memprop serve NETWORK --listen ADDRESS: keeps a network running on live events.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/interrupt.hpp"
#include "host_runtime/cli/network_options.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/exchange/initial_weights.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/graph/state_file.hpp"
#include "host_runtime/live/learning_network.hpp"
#include "host_runtime/live/server.hpp"
#include "host_runtime/live/simulated_network.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/results/discretisation_report.hpp"
#include "host_runtime/results/energy_report.hpp"
#include "host_runtime/results/placement_report.hpp"
#include "host_runtime/results/programming_warnings.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kUsage =
    "memprop serve NETWORK --listen tcp://HOST:PORT|udp://HOST:PORT [--realtime] [options]\n"
    "       memprop serve NETWORK --listen ... --learn EXPERIMENT.toml [--save FILE] [options]";
constexpr std::string_view kNotes =
    "Words in and out have 32 bits, little-endian: bit 31 = 1 no time, 0 a word with the time in\n"
    "microseconds follows; x in bits 30-16; polarity in bit 15; y in bits 14-0. Input [2, H, W] or [H, W]:\n"
    "pixels; any other shape: x is the flat index. Words out: x = neuron, y = number of the Output; an\n"
    "Output that no spikes feed sends the index of its largest entry, once per step.\n"
    "Without --realtime words are placed by their times (without times: by their arrival), and a step runs\n"
    "when a word of a later step has come or the peer closes. The network goes on with the next peer; one\n"
    "peer at a time; one that does nothing for a second gives way if another waits. All sources that send\n"
    "into a UDP port within a second are one peer with one clock. TCP peers that send too fast are held\n"
    "back; UDP words without room are dropped and counted.\n"
    "--engine cycle: the network runs on the cycle-level chip, with the same answers as --arithmetic "
    "single.\n"
    "If --crossbar puts weights behind an input onto devices, a second event there within a step ends the\n"
    "server with an error: its word line can be driven once in a step.\n"
    "--learn: a word with x = 0x7FFF is a target for its step: y is the label (learning.loss =\n"
    "\"cross_entropy\") or the readout that should be 1 (\"mse\"). Weights change after every task.steps\n"
    "steps, or within them with learning.update_every_steps.\n"
    "Ends with SIGINT, SIGTERM or SIGHUP or after --steps.\n";

struct Served {
    std::unique_ptr<live::LiveNetwork> network;
    live::LearningNetwork* learning = nullptr;
    LoadedNetwork loaded;
    events::ReaderOptions reader;
    double dt_seconds = 0.0;
};

Served serve_simulator(const po::variables_map& options, const std::string& file) {
    if (options.count("save") != 0) {
        throw InputError("--save needs --learn EXPERIMENT.toml; --save-state keeps the state of a run");
    }
    Served served;
    served.loaded = load_network_with(options, file);
    if (options.count("load-state") != 0) {
        load_state(*served.loaded.network, served.loaded.discretisation, served.loaded.mapping.get(),
                   options["load-state"].as<std::string>());
    }
    served.network =
        std::make_unique<live::SimulatedNetwork>(*served.loaded.network, &*served.loaded.silence);
    served.reader = served.loaded.reader;
    served.dt_seconds = served.loaded.discretisation.dt_seconds;
    return served;
}

Served serve_learning(const po::variables_map& options, const std::string& file) {
    for (const char* name : {"crossbar", "device-time", "dt", "integrator", "reset", "first-step-recurrence",
                             "save-state", "load-state", "engine", "chip"}) {
        if (options.count(name) != 0) {
            throw InputError(
                fmt::format("--{} does not go with --learn: the experiment says how the network is "
                            "computed, and --save keeps what it learned",
                            name));
        }
    }
    std::vector<std::string> overrides;
    if (options.count("set") != 0) {
        overrides = options["set"].as<std::vector<std::string>>();
    }
    if (options.count("seed") != 0) {
        overrides.push_back(fmt::format("run.seed={}", options["seed"].as<std::int64_t>()));
    }
    const Experiment config = load_experiment(options["learn"].as<std::string>(), overrides);
    const nir::Network network = load_network(file);
    Served served;
    served.loaded.warnings = initial_weights_warnings(network, file, config);
    for (const std::string& warning : served.loaded.warnings) {
        print_warning(file, warning);
    }
    auto learner = std::make_unique<live::LearningNetwork>(
        network, file, config,
        options.count("save") != 0 ? std::filesystem::path(options["save"].as<std::string>())
                                   : std::filesystem::path());
    served.learning = learner.get();
    for (const std::string& line : programming_warnings(learner->trainer(), learner->config())) {
        say("memprop: warning: {}\n", line);
    }
    say_text(
        without_effect_text(keys_without_effect(learner->config(), learner->config(), learner->trainer())));
    served.network = std::move(learner);
    served.dt_seconds = config.network.time_step_seconds;
    const nir::FlatGraph graph = nir::flatten(network, file);
    served.reader.dt_seconds = served.dt_seconds;
    served.reader.input_size = static_cast<std::uint64_t>(config.network.inputs);
    if (graph.inputs.size() == 1) {
        served.reader.input_shape = graph.nodes[graph.inputs.front()].output_shape;
    }
    served.reader.width = options["width"].as<std::uint32_t>();
    served.reader.height = options["height"].as<std::uint32_t>();
    return served;
}

nlohmann::ordered_json report_json(const live::ServerReport& report, const live::PortCounters& port,
                                   const Served& served, double wall_s) {
    nlohmann::ordered_json json{
        {"steps", report.steps},
        {"events", report.events},
        {"output_words", port.sent_words},
        {"peers", port.peers},
        {"dropped_events", port.dropped_words},
        {"lost_datagrams", port.lost_datagrams},
        {"malformed_words", report.malformed_words},
        {"unfinished_words", port.unfinished_words},
        {"late_events", report.late_events},
        {"shortened_pauses", report.shortened_pauses},
        {"clock_gaps", report.clock_gaps},
        {"unsent_words", port.unsent_words},
        {"latency_median_s", report.latency.quantile(0.5)},
        {"latency_99_s", report.latency.quantile(0.99)},
        {"deadline_misses", report.deadline_misses},
        {"skipped_steps", report.skipped_steps},
        {"wall_s", wall_s},
        {"discretisation", served.learning != nullptr ? nlohmann::ordered_json()
                                                      : discretisation_json(served.loaded.discretisation)},
        {"warnings", served.loaded.warnings},
        {"engine", served.loaded.chip != nullptr ? "cycle" : "functional"},
        {"energy_j", energy_json(served.loaded.mapping.get())}};
    if (served.loaded.chip != nullptr) {
        json["energy_j"] = chip_energy_json(*served.loaded.chip, served.loaded.mapping.get());
        add_placement(*served.loaded.chip, json);
    }
    if (served.learning != nullptr) {
        const learning::TrainerBase& trainer = served.learning->trainer();
        json["targets"] = report.targets;
        json["updates"] = trainer.samples_done();
        json["loss_history"] = trainer.history().loss;
        const auto& cost = served.learning->config().crossbar.energy;
        json["energy_j"] = {{"total", or_null(trainer.counters().energy(cost).total_j())}};
    }
    return json;
}

std::string report_text(const nlohmann::ordered_json& r) {
    std::string text = fmt::format("{} steps, {} events in, {} words out, {} peers, {:.3f} s\n",
                                   r["steps"].get<std::uint64_t>(), r["events"].get<std::uint64_t>(),
                                   r["output_words"].get<std::uint64_t>(), r["peers"].get<std::uint64_t>(),
                                   r["wall_s"].get<double>());
    text += fmt::format("latency {:.3g} s (median), {:.3g} s (99 %)\n", r["latency_median_s"].get<double>(),
                        r["latency_99_s"].get<double>());
    for (const char* name :
         {"dropped_events", "lost_datagrams", "malformed_words", "unfinished_words", "late_events",
          "clock_gaps", "shortened_pauses", "unsent_words", "deadline_misses", "skipped_steps"}) {
        if (r[name].get<std::uint64_t>() > 0) {
            text += fmt::format("{}: {}\n", name, r[name].get<std::uint64_t>());
        }
    }
    return text;
}

/// What was learned exists nowhere else: if it cannot be written to its place, it goes into the directory
/// for temporary files. False, said on standard error, if the place had to be left.
bool save_somewhere(const std::filesystem::path& target,
                    const std::function<void(const std::filesystem::path&)>& save) {
    try {
        save(target);
        return true;
    } catch (const std::exception& error) {
        say("memprop: {}\n", error.what());
    }
    try {
        const std::filesystem::path other =
            std::filesystem::temp_directory_path() /
            fmt::format("memprop-{}-{}", ::getpid(), target.filename().string());
        save(other);
        say("memprop: {} holds what should be in {}\n", other.string(), target.string());
    } catch (const std::exception& error) {
        say("memprop: {}; {} is lost\n", error.what(), target.string());
    }
    return false;
}

po::options_description visible_options() {
    po::options_description options("Options");
    options.add_options()               //
        ("help,h", "explain and exit")  //
        ("listen", po::value<std::string>()->required()->value_name("ADDRESS"),
         "tcp://HOST:PORT or udp://HOST:PORT; port 0: the system chooses, and a line on standard error "
         "tells")                                                                                           //
        ("realtime", "run a step every dt of the wall clock on what has come; times of words are ignored")  //
        ("steps", po::value<std::uint64_t>(), "stop after so many steps")                                   //
        ("learn", po::value<std::string>()->value_name("EXPERIMENT.toml"),
         "train the network by target words as the experiment says")  //
        ("save", po::value<std::string>()->value_name("FILE"),
         "with --learn: what was learned as .nir or .h5 (checkpoint), written at the end and when a peer "
         "goes")                                                                                    //
        ("save-state", po::value<std::string>()->value_name("FILE"), "write the state at the end")  //
        ("load-state", po::value<std::string>()->value_name("FILE"),
         "start from the state of an earlier run")  //
        ("json", "print one JSON object on the last line of standard output");
    add_network_options(options);
    add_engine_options(options);
    return options;
}

}  // namespace

int command_serve(Arguments arguments) {
    po::options_description hidden;
    hidden.add_options()("network", po::value<std::string>()->required());
    po::positional_options_description positional;
    positional.add("network", 1);
    po::variables_map options;
    if (!parse_options(arguments, kUsage, visible_options(), hidden, positional, kNotes, options)) {
        return 0;
    }
    const live::Address address = live::parse_address("listen", options["listen"].as<std::string>());
    const auto file = options["network"].as<std::string>();
    Served served =
        options.count("learn") != 0 ? serve_learning(options, file) : serve_simulator(options, file);
    for (const char* name : {"save", "save-state"}) {
        if (options.count(name) != 0) {
            check_writable(fmt::format("--{}", name), options[name].as<std::string>());
        }
    }
    const live::WordMap map(served.reader);
    catch_interrupts();
    live::Port port(address, live::Port::Role::listen);
    say("memprop: listening at {}\n", port.address().text());

    live::ServerOptions server_options{
        .dt_seconds = served.dt_seconds, .realtime = options.count("realtime") != 0, .steps = {}};
    if (options.count("steps") != 0) {
        server_options.steps = options["steps"].as<std::uint64_t>();
    }
    live::Server server(port, *served.network, map, server_options);
    const auto start = live::Clock::now();
    server.run([] { return interrupt_signal() != 0; });
    const double wall_s = std::chrono::duration<double>(live::Clock::now() - start).count();
    bool saved = true;
    if (options.count("save") != 0) {
        saved = save_somewhere(options["save"].as<std::string>(),
                               [&](const std::filesystem::path& target) { served.learning->save(target); });
    } else if (served.learning != nullptr) {
        served.learning->pause();  // counts what the last steps taught
    }
    if (options.count("save-state") != 0) {
        saved = save_somewhere(options["save-state"].as<std::string>(),
                               [&](const std::filesystem::path& target) {
                                   save_state(*served.loaded.network, served.loaded.discretisation,
                                              served.loaded.mapping.get(), target);
                               }) &&
                saved;
    }
    if (served.loaded.silence && server.report().events > 0) {
        for (const std::string& warning : served.loaded.silence->warnings()) {
            served.loaded.warnings.push_back(warning);
            print_warning(file, warning);
        }
    }
    const nlohmann::ordered_json report = report_json(server.report(), port.counters(), served, wall_s);
    if (options.count("json") != 0) {
        say_text(report_text(report));
        put("{}\n", report.dump());
    } else {
        put_text(report_text(report));
    }
    if (!saved) {
        return 1;
    }
    return interrupt_signal() != 0 ? 128 + interrupt_signal() : 0;
}

}  // namespace memprop::host::cli
