// memprop run NETWORK --events FILE --out DIR: runs a network on recorded events.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/interrupt.hpp"
#include "host_runtime/cli/network_options.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/cli/run_outputs.hpp"
#include "host_runtime/events/step_stream.hpp"
#include "host_runtime/graph/state_file.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kUsage = "memprop run NETWORK --events FILE --out DIR [options]";
constexpr std::string_view kNotes =
    "Runs a network (NIR file or checkpoint.h5) on recorded events. Weights are ideal unless --crossbar\n"
    "puts them onto devices. DIR receives spikes/NODE.csv, output.csv and, for probed nodes,\n"
    "state/NODE.csv. SIGINT or SIGTERM ends the run early: what was computed is written, with state.h5 to\n"
    "go on from by --load-state.\n";

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
         "steps to run, counted from the start of the simulation; default: the last event's step + 1 + the "
         "longest Delay")  //
        ("probe", po::value<std::vector<std::string>>()->composing(),
         "NODE, NODE:v or NODE:i: writes the node's membrane and current; may be given several times")  //
        ("save-state", po::value<std::string>()->value_name("FILE"),
         "write the state after the last step")  //
        ("load-state", po::value<std::string>()->value_name("FILE"),
         "go on from the state of an earlier run of this network: events of steps that are done are skipped, "
         "and results begin with the first new step")                                     //
        ("sample", po::value<std::uint64_t>()->default_value(0), "row of an SHD file")    //
        ("drop-incomplete", "leave out the last bin, which the recording does not fill")  //
        ("json", "print one JSON object on the last line of standard output");
    add_network_options(options);
    return options;
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
    auto step = static_cast<std::int64_t>(simulator.steps_done());
    while (stream.more() && stream.next_step() < step) {
        stream.take(stream.next_step(), indices);  // done before the state was saved
    }
    bool complete = true;
    for (; interrupt_signal() == 0 && complete && (steps ? step < *steps : stream.more()); ++step) {
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
    for (std::uint64_t i = 0; interrupt_signal() == 0 && i < tail; ++i, ++step) {
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
    LoadedNetwork loaded = load_network_with(options, file);
    Simulator& simulator = *loaded.simulator;
    loaded.reader.sample = options["sample"].as<std::uint64_t>();
    events::StepStream stream(events::open_events(options["events"].as<std::string>(), loaded.reader),
                              loaded.discretisation.dt_seconds, options.count("drop-incomplete") != 0);
    std::vector<Probe> probes;
    if (options.count("probe") != 0) {
        for (const std::string& text : options["probe"].as<std::vector<std::string>>()) {
            probes.push_back(parse_probe(simulator, text));
        }
    }
    stream.more();  // a recording that cannot be read is refused before anything is written
    RunOutputs outputs(simulator, options["out"].as<std::string>(), probes);
    if (options.count("load-state") != 0) {
        load_state(simulator, loaded.discretisation, options["load-state"].as<std::string>());
    }
    catch_interrupts();
    run_steps(simulator, stream, steps, outputs);
    outputs.commit();
    const std::filesystem::path directory(options["out"].as<std::string>());
    if (options.count("save-state") != 0) {
        save_state(simulator, loaded.discretisation, options["save-state"].as<std::string>());
    }
    if (interrupt_signal() != 0) {
        const auto state = directory / "state.h5";
        save_state(simulator, loaded.discretisation, state);
        fmt::print(stderr,
                   "memprop: stopped after {} steps, whose results are written; go on with --load-state {}\n",
                   simulator.steps_done(), state.string());
        return 128 + interrupt_signal();
    }

    const double wall = std::chrono::duration<double>(Clock::now() - start).count();
    if (options.count("json") != 0) {
        const nlohmann::json result{{"steps", simulator.steps_done()},
                                    {"spikes", outputs.spike_counts()},
                                    {"output_sum", outputs.output_sums()},
                                    {"wall_s", wall},
                                    {"cycles", nullptr},
                                    {"energy_j", energy_json(loaded.mapping.get())},
                                    {"programming", programming_json(loaded.mapping.get())},
                                    {"dropped_events", stream.dropped()}};
        fmt::print("{}\n", result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        fmt::print("{} steps, {} events ({} dropped), {:.3f} s\n", simulator.steps_done(),
                   stream.events_delivered(), stream.dropped(), wall);
        for (const auto& [node, count] : outputs.spike_counts()) {
            fmt::print("  {:<24} {} spikes\n", node, count);
        }
        if (loaded.mapping != nullptr) {
            fmt::print("  energy: {:.4g} J\n", energy_json(loaded.mapping.get())["total"].get<double>());
        }
        fmt::print("  output sums: {}\n", fmt::join(outputs.output_sums(), " "));
    }
    return 0;
}

}  // namespace memprop::host::cli
