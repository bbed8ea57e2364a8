// memprop run NETWORK --events FILE --out DIR: runs a network on recorded events.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/cli/run_outputs.hpp"
#include "host_runtime/events/step_stream.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/graph/simulator.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_signal = 0;

constexpr std::string_view kUsage = "memprop run NETWORK --events FILE --out DIR [options]";
constexpr std::string_view kNotes =
    "Runs a network (NIR file or checkpoint.h5) on recorded events with ideal weights. DIR receives "
    "spikes/NODE.csv,\n"
    "output.csv and, for probed nodes, state/NODE.csv.\n";

po::options_description visible_options() {
    po::options_description options("Options");
    options.add_options()               //
        ("help,h", "explain and exit")  //
        ("events", po::value<std::string>()->required(),
         "recording: .csv with header step,index or time_s,index; .h5 in the SHD layout; N-MNIST .bin; "
         ".aedat4; EVT2 "
         "or EVT3 .raw; Prophesee .dat; - for CSV on standard input")               //
        ("out", po::value<std::string>()->required(), "directory for the results")  //
        ("steps", po::value<std::int64_t>(),
         "steps to run; default: the last event's step + 1 + the longest Delay")                   //
        ("dt", po::value<double>(), "time step in seconds; default 1e-3 or what the file states")  //
        ("integrator", po::value<std::string>(), "euler (default) or exponential")                 //
        ("reset", po::value<std::string>(),
         "file (default), zero, subtract, subtract_carry or subtract_next")  //
        ("first-step-recurrence", po::value<std::string>(),
         "on (default) or off: whether feedback delivers its bias in step 0")  //
        ("probe", po::value<std::vector<std::string>>()->composing(),
         "NODE, NODE:v or NODE:i: writes the node's membrane and current; may be given several times")  //
        ("width", po::value<std::uint32_t>()->default_value(0, ""),
         "pixels of the camera, if the Input's shape does not say")                       //
        ("height", po::value<std::uint32_t>()->default_value(0, ""), "the same")          //
        ("sample", po::value<std::uint64_t>()->default_value(0), "row of an SHD file")    //
        ("drop-incomplete", "leave out the last bin, which the recording does not fill")  //
        ("json", "print one JSON object on the last line of standard output");
    return options;
}

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
    fmt::print(stderr,
               "memprop: dt = {} s, integrator = {}, reset = {}, first-step-recurrence = {}, "
               "arithmetic = {}\n",
               d.dt_seconds, to_string(d.integrator), to_string(d.reset),
               d.first_step_recurrence ? "on" : "off", to_string(d.arithmetic));
    for (const auto& [source, target] : simulator.delayed_edges()) {
        fmt::print(stderr, "memprop: edge {} -> {} closes a cycle and delivers the previous step's value\n",
                   source, target);
    }
}

/// Steps until the events are used up (or `steps` are done). Throws on a state that is no longer finite.
void run_steps(Simulator& simulator, events::StepStream& stream, std::optional<std::int64_t> steps,
               RunOutputs& outputs) {
    constexpr std::int64_t kCheckInterval = 4096;
    auto last_report = Clock::now();
    std::vector<std::uint32_t> indices;
    const auto one_step = [&](std::int64_t step) {
        simulator.step(indices);
        outputs.write_step();
        if (step % kCheckInterval == 0) {
            simulator.check_finite();
            if (Clock::now() - last_report > std::chrono::seconds(10)) {
                last_report = Clock::now();
                fmt::print(stderr, "memprop: step {}\n", step);
            }
        }
    };
    std::int64_t step = 0;
    bool complete = true;
    for (; stop_signal == 0 && complete && (steps ? step < *steps : stream.more()); ++step) {
        indices.clear();
        if (stream.more()) {
            if (!steps && stream.next_step() >= events::kMaxSteps) {
                throw InputError(
                    fmt::format("the events reach step {}, beyond 2^31 steps; give --steps or a larger --dt",
                                stream.next_step()));
            }
            if (stream.next_step() == step) {
                complete = stream.take(step, indices) || steps.has_value();
            }
        }
        if (complete) {
            one_step(step);
        } else {
            --step;  // the dropped bin is not run
        }
    }
    indices.clear();
    const auto tail = steps ? std::uint64_t{0} : simulator.longest_delay_steps();
    for (std::uint64_t i = 0; stop_signal == 0 && i < tail; ++i, ++step) {
        one_step(step);
    }
    simulator.check_finite();
}

}  // namespace

int command_run(Arguments arguments) {
    po::options_description hidden;
    hidden.add_options()("network", po::value<std::string>()->required());
    po::positional_options_description positional;
    positional.add("network", 1);
    po::variables_map options;
    if (!parse_options(arguments, kUsage, visible_options(), hidden, positional, kNotes, options)) {
        return 0;
    }
    const auto start = Clock::now();
    const auto file = options["network"].as<std::string>();
    std::optional<std::int64_t> steps;
    if (options.count("steps") != 0) {
        steps = options["steps"].as<std::int64_t>();
        if (*steps < 0 || *steps > events::kMaxSteps) {
            throw InputError("steps", *steps, "must be in [0, 2^31]");
        }
    }
    nir::Network network = load_network(file);
    for (const std::string& warning : network.warnings) {
        fmt::print(stderr, "memprop: warning: {}: {}\n", file, warning);
    }
    const Discretisation discretisation = discretisation_from(options, network, file);
    Simulator simulator(network, file, discretisation);
    network = {};  // the simulator has its own copy of the weights
    print_settings(discretisation, simulator);

    events::ReaderOptions reader;
    reader.dt_seconds = discretisation.dt_seconds;
    reader.input_size = simulator.input_size();
    reader.input_shape = simulator.input_shape();
    reader.width = options["width"].as<std::uint32_t>();
    reader.height = options["height"].as<std::uint32_t>();
    reader.sample = options["sample"].as<std::uint64_t>();
    events::StepStream stream(events::open_events(options["events"].as<std::string>(), reader),
                              discretisation.dt_seconds, options.count("drop-incomplete") != 0);
    std::vector<Probe> probes;
    if (options.count("probe") != 0) {
        for (const std::string& text : options["probe"].as<std::vector<std::string>>()) {
            probes.push_back(parse_probe(simulator, text));
        }
    }
    stream.more();  // a recording that cannot be read is refused before anything is written
    RunOutputs outputs(simulator, options["out"].as<std::string>(), probes);
    for (const int signal : {SIGINT, SIGTERM}) {
        std::signal(signal, [](int received) { stop_signal = received; });
    }
    run_steps(simulator, stream, steps, outputs);
    if (stop_signal != 0) {
        fmt::print(stderr, "memprop: stopped after {} steps; nothing is written\n", simulator.steps_done());
        return 128 + stop_signal;
    }
    outputs.commit();

    const double wall = std::chrono::duration<double>(Clock::now() - start).count();
    if (options.count("json") != 0) {
        const nlohmann::json result{{"steps", simulator.steps_done()},
                                    {"spikes", outputs.spike_counts()},
                                    {"output_sum", outputs.output_sums()},
                                    {"wall_s", wall},
                                    {"cycles", nullptr},
                                    {"energy_j", nullptr},
                                    {"dropped_events", stream.dropped()}};
        fmt::print("{}\n", result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        fmt::print("{} steps, {} events ({} dropped), {:.3f} s\n", simulator.steps_done(),
                   stream.events_delivered(), stream.dropped(), wall);
        for (const auto& [node, count] : outputs.spike_counts()) {
            fmt::print("  {:<24} {} spikes\n", node, count);
        }
        fmt::print("  output sums: {}\n", fmt::join(outputs.output_sums(), " "));
    }
    return 0;
}

}  // namespace memprop::host::cli
