// memprop run NETWORK --events FILE --out DIR: runs a network on recorded events.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/chip/chip_waveforms.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/interrupt.hpp"
#include "host_runtime/cli/network_options.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/cli/run_outputs.hpp"
#include "host_runtime/cli/run_recording.hpp"
#include "host_runtime/events/step_stream.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/graph/state_file.hpp"
#include "host_runtime/live/live_reader.hpp"
#include "host_runtime/live/words.hpp"
#include "host_runtime/results/chip_report.hpp"
#include "host_runtime/results/converters_report.hpp"
#include "host_runtime/results/discretisation_report.hpp"
#include "host_runtime/results/energy_report.hpp"
#include "host_runtime/results/energy_text.hpp"
#include "host_runtime/results/placement_report.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

constexpr double kUdpIdleSeconds = 2.0;
constexpr std::string_view kUsage = "memprop run NETWORK --events FILE --out DIR [options]";
constexpr std::string_view kNotes =
    "Runs a network (NIR file or checkpoint.h5) on recorded events. Weights are ideal unless --crossbar\n"
    "puts them onto devices; --engine cycle runs it on the cycle-level chip. DIR receives spikes/NODE.csv, "
    "output.csv and, for probed nodes,\n"
    "state/NODE.csv. SIGINT, SIGTERM or SIGHUP ends the run early: what was computed is written, with "
    "state.h5 to\n"
    "go on from by --load-state.\n";

po::options_description visible_options() {
    po::options_description options("Options");
    options.add_options()               //
        ("help,h", "explain and exit")  //
        ("events", po::value<std::string>()->required(),
         "recording: .csv with header step,index or time_s,index; .h5 in the SHD layout; N-MNIST .bin; "
         ".aedat4; EVT2 "
         "or EVT3 .raw; Prophesee .dat; - for CSV on standard input; tcp://HOST:PORT (connects if someone "
         "listens there, else waits there for one peer) or udp://HOST:PORT for live words as of `serve`")  //
        ("idle-timeout", po::value<double>()->value_name("S"),
         "live events end when none has come for so long after the first; default 2 for udp, 0 (never) for "
         "tcp")                                                                     //
        ("out", po::value<std::string>()->required(), "directory for the results")  //
        ("steps", po::value<std::int64_t>(),
         "steps to run, counted from the start of the simulation; default: the last event's step + 1 + the "
         "longest Delay")  //
        ("probe", po::value<std::vector<std::string>>()->composing(),
         "NODE, NODE:v or NODE:i: writes the node's membrane and current; may be given several times")  //
        ("hdf5", "write run.h5 too: spikes, probed states and output in the NIRData layout")            //
        ("send", po::value<std::string>()->value_name("ADDRESS"),
         "send the outputs as live words, as `serve` does, to tcp://HOST:PORT or udp://HOST:PORT")  //
        ("save-state", po::value<std::string>()->value_name("FILE"),
         "write the state after the last step")  //
        ("load-state", po::value<std::string>()->value_name("FILE"),
         "go on from the state of an earlier run of this network: events of steps that are done are skipped, "
         "and results begin with the first new step")                                   //
        ("sample", po::value<std::uint64_t>()->default_value(0), "row of an SHD file")  //
        ("trace", po::value<std::string>()->value_name("FILE.vcd"),
         "waveforms of the chip (--engine cycle) for gtkwave and other viewers")  //
        ("trace-steps", po::value<std::string>()->value_name("FIRST:LAST"),
         "waveforms of these steps only, counted from the first one of this run")         //
        ("drop-incomplete", "leave out the last bin, which the recording does not fill")  //
        ("json", "print one JSON object on the last line of standard output");
    add_network_options(options);
    add_engine_options(options);
    return options;
}

/// Steps until the events are used up (or `steps` are done). Throws on a state that is no longer finite.
void run_steps(RunningNetwork& network, events::StepStream& stream, std::optional<std::int64_t> steps,
               const std::function<void()>& write_step) {
    constexpr std::int64_t kCheckInterval = 4096;
    auto last_report = Clock::now();
    std::vector<std::uint32_t> indices;
    const auto one_step = [&](std::int64_t step) {
        network.step(indices);
        write_step();
        if (step % kCheckInterval == 0) {
            network.check_finite();
            if (Clock::now() - last_report > std::chrono::seconds(10)) {
                last_report = Clock::now();
                say_in_passing("memprop: step {}\n", step);
            }
        }
    };
    auto step = static_cast<std::int64_t>(network.steps_done());
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
        if (interrupt_signal() != 0) {
            break;  // the step may lack events: it is left to --load-state
        }
        if (complete) {
            one_step(step);
        } else {
            --step;  // the dropped bin is not run
        }
    }
    indices.clear();
    const auto tail = steps ? std::uint64_t{0} : network.longest_delay_steps();
    for (std::uint64_t i = 0; interrupt_signal() == 0 && i < tail; ++i, ++step) {
        one_step(step);
    }
    network.check_finite();
}

/// Outputs of every step on their way to someone who listens; a slow TCP reader slows the run down.
class WordSender {
public:
    WordSender(const RunningNetwork& network, double dt_seconds, const std::string& address)
        : network_(network),
          dt_seconds_(dt_seconds),
          outputs_(network),
          port_(live::parse_address("send", address), live::Port::Role::connect) {}

    void send_step() {
        words_.clear();
        outputs_.collect(words_);
        const double us = 1e6 * dt_seconds_ * static_cast<double>(network_.steps_done() - 1);
        for (live::Word& word : words_) {
            word.timed = true;
            word.time_us = static_cast<std::uint32_t>(static_cast<std::uint64_t>(std::round(us)));
        }
        port_.send(words_, live::Port::WhenFull::wait, [] { return interrupt_signal() != 0; });
    }
    void finish() { port_.flush(std::chrono::seconds(10)); }
    std::uint64_t unsent() const { return port_.counters().unsent_words; }

private:
    const RunningNetwork& network_;
    double dt_seconds_;
    live::WordOutputs outputs_;
    live::Port port_;
    std::vector<live::Word> words_;
};

std::optional<WaveformRequest> waveforms_from(const po::variables_map& options) {
    if (options.count("trace") == 0) {
        if (options.count("trace-steps") != 0) {
            throw InputError("--trace-steps needs --trace FILE.vcd");
        }
        return std::nullopt;
    }
    if (options.count("engine") == 0 || options["engine"].as<std::string>() != "cycle") {
        throw InputError("--trace needs --engine cycle: waveforms are those of the chip");
    }
    return parse_waveforms(options["trace"].as<std::string>(), options.count("trace-steps") != 0
                                                                   ? options["trace-steps"].as<std::string>()
                                                                   : std::string());
}

events::StepStream open_stream(const po::variables_map& options, const events::ReaderOptions& reader) {
    const auto source = options["events"].as<std::string>();
    const bool drop_incomplete = options.count("drop-incomplete") != 0;
    if (!live::is_address(source)) {
        return {events::open_events(source, reader), reader.dt_seconds, drop_incomplete};
    }
    const live::Address address = live::parse_address("events", source);
    double idle_seconds = address.tcp ? 0.0 : kUdpIdleSeconds;
    if (options.count("idle-timeout") != 0) {
        idle_seconds = options["idle-timeout"].as<double>();
        if (!(idle_seconds >= 0.0 && idle_seconds <= 1e9)) {
            throw InputError("idle-timeout", idle_seconds, "must be in [0, 1e9] s; 0 is never");
        }
    }
    return {std::make_unique<live::LiveReader>(address, reader, idle_seconds,
                                               [] { return interrupt_signal() != 0; }),
            reader.dt_seconds, drop_incomplete, 0};
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
    const std::optional<WaveformRequest> trace = waveforms_from(options);
    LoadedNetwork loaded = load_network_with(options, file);
    RunningNetwork& network = *loaded.network;
    loaded.reader.sample = options["sample"].as<std::uint64_t>();
    loaded.reader.stopped = [] { return interrupt_signal() != 0; };
    catch_interrupts();
    std::optional<events::StepStream> opened;
    try {
        opened.emplace(open_stream(options, loaded.reader));
    } catch (const InputError&) {
        if (interrupt_signal() != 0) {  // while it waited for the beginning of a recording
            return 128 + interrupt_signal();
        }
        throw;
    }
    events::StepStream& stream = *opened;
    std::vector<Probe> probes;
    if (options.count("probe") != 0) {
        for (const std::string& text : options["probe"].as<std::vector<std::string>>()) {
            probes.push_back(parse_probe(network, text));
        }
    }
    stream.more();  // a recording that cannot be read is refused before anything is written
    const std::filesystem::path directory(options["out"].as<std::string>());
    std::optional<WordSender> sender;
    if (options.count("send") != 0) {
        sender.emplace(network, loaded.discretisation.dt_seconds, options["send"].as<std::string>());
    }
    if (options.count("save-state") != 0) {
        check_writable("--save-state", options["save-state"].as<std::string>());
    }
    RunOutputs outputs(network, directory, probes);
    if (options.count("load-state") != 0) {
        load_state(network, loaded.discretisation, loaded.mapping.get(),
                   options["load-state"].as<std::string>());
    }
    std::optional<RunRecording> recording;
    if (options.count("hdf5") != 0) {
        recording.emplace(network, loaded.discretisation.dt_seconds, probes);
    }
    std::optional<ChipWaveforms> waveforms;
    if (trace) {
        waveforms.emplace(loaded.chip->session(), *trace);
    }
    run_steps(network, stream, steps, [&] {
        outputs.write_step();
        loaded.silence->note(network);
        if (recording) {
            recording->record_step();
        }
        if (sender) {
            sender->send_step();
        }
    });
    outputs.commit();
    if (waveforms && !waveforms->commit()) {
        say("memprop: warning: {}\n", too_short_for(*trace));
    }
    if (recording) {
        recording->write(directory / "run.h5");
    }
    if (loaded.chip != nullptr) {
        write_text_atomically(directory / "chip.csv", chip_csv(loaded.chip->session()));
    }
    if (sender) {
        sender->finish();
    }
    if (options.count("save-state") != 0) {
        save_state(network, loaded.discretisation, loaded.mapping.get(),
                   options["save-state"].as<std::string>());
    }
    if (interrupt_signal() != 0) {
        const auto state = directory / "state.h5";
        save_state(network, loaded.discretisation, loaded.mapping.get(), state);
        say("memprop: stopped after {} steps, whose results are written; go on with --load-state {}\n",
            network.steps_done(), state.string());
        return 128 + interrupt_signal();
    }

    for (const auto& [folder, files] : outputs.renamed()) {
        for (const auto& [node, written] : files) {
            say("memprop: {} of node {} are in {}\n", folder, node, (directory / written).string());
        }
    }
    if (stream.late() > 0) {
        loaded.warnings.push_back(fmt::format(
            "{} events came when their step was over and count in the one under way", stream.late()));
        print_warning(options["events"].as<std::string>(), loaded.warnings.back());
    }
    if (stream.events_delivered() > 0) {
        for (const std::string& warning : loaded.silence->warnings()) {
            loaded.warnings.push_back(warning);
            print_warning(file, warning);
        }
    }
    const double wall = std::chrono::duration<double>(Clock::now() - start).count();
    const nlohmann::ordered_json energy = loaded.chip != nullptr
                                              ? chip_energy_json(*loaded.chip, loaded.mapping.get())
                                              : energy_json(loaded.mapping.get());
    const nlohmann::ordered_json converters = converters_json(loaded.mapping.get());
    if (const std::string text = converters_text(converters); !text.empty()) {
        say("memprop: {}\n", text);
    }
    if (options.count("json") != 0) {
        nlohmann::ordered_json result{{"steps", network.steps_done()},
                                      {"spikes", outputs.spike_counts()},
                                      {"output_sum", outputs.output_sums()},
                                      {"wall_s", wall},
                                      {"engine", loaded.chip != nullptr ? "cycle" : "functional"},
                                      {"arithmetic", to_string(loaded.discretisation.arithmetic)},
                                      {"discretisation", discretisation_json(loaded.discretisation)},
                                      {"warnings", loaded.warnings},
                                      {"files", outputs.renamed()},
                                      {"cycles", nullptr},
                                      {"energy_j", energy},
                                      {"programming", programming_json(loaded.mapping.get())},
                                      {"converters", converters},
                                      {"keys_without_effect", without_effect_json(loaded.without_effect)},
                                      {"dropped_events", stream.dropped()},
                                      {"late_events", stream.late()},
                                      {"unsent_words", sender ? sender->unsent() : 0}};
        if (loaded.chip != nullptr) {
            add_placement(*loaded.chip, result);
        }
        put("{}\n", result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        put("{} steps, {} events ({} dropped), {:.3f} s\n", network.steps_done(), stream.events_delivered(),
            stream.dropped(), wall);
        for (const auto& [node, count] : outputs.spike_counts()) {
            put("  {:<24} {} spikes\n", node, count);
        }
        if (loaded.chip != nullptr) {
            put("  {} cycles, {} of them to load the network\n", loaded.chip->session().chip().cycle(),
                loaded.chip->session().load_cycles());
        }
        if (!energy.is_null()) {
            put("  energy: {}\n", energy_text(energy));
        }
        if (loaded.mapping != nullptr) {
            const auto& crossbar = loaded.mapping->crossbar();
            if (const std::string text = missing_energy_text(crossbar.energy, crossbar.device);
                !text.empty()) {
                put("  energy missing: {}\n", text);
            }
        }
        put("  output sums: {}\n", fmt::join(outputs.output_sums(), " "));
    }
    return 0;
}

}  // namespace memprop::host::cli
