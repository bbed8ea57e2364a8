// memprop core NETWORK --events FILE --out DIR: a network on the digital e-prop core.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/interrupt.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/digital_core/core_directory.hpp"
#include "host_runtime/digital_core/core_host.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/files/directory_lock.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;
using nlohmann::ordered_json;

constexpr std::string_view kUsage =
    "memprop core NETWORK --events FILE [--test FILE] [--epochs N] --out DIR [--register NAME=VALUE]... "
    "[options]";
constexpr std::string_view kNotes =
    "Loads a network (NIR file or checkpoint.h5 of the form Input -> Linear -> LIF (-> Linear -> LIF) ->\n"
    "Linear -> LI -> Output) into a digital core that equals the released RTL of ReckOn (at most 256 "
    "inputs,\n"
    "256 neurons, 16 outputs), runs samples and reads everything back. Quantisation:\n"
    "  leak of a neuron   round(2^15 exp(-dt/tau)) (or 1 - dt/tau), 0x7000 to 0x8FFF, one per pair of "
    "neurons\n"
    "  leak of outputs    round(2^7 exp(-dt/tau)), one for all\n"
    "  membrane           s units per 1.0: the largest s with s v_threshold <= 8192 and input and recurrent\n"
    "                     weights within 127 * 2^7\n"
    "  weights            round(s (1 - leak) r W / 2^f), f the smallest shift (FP_LOC_W...) with which they "
    "fit;\n"
    "                     of outputs with s = 2048, which is 1.0 to the core's learning\n"
    "  reset              subtract_next: RST_MODE 0; to 0: RST_MODE 1\n"
    "What the core cannot hold is refused. Learning needs the registers of the core's own rule\n"
    "(DO_EPROP, THR_H_..., H_..., LR_..., LEARN_SIG_SCALE, FP_LOC_T..., seeds) and labels.\n"
    "DIR receives labels.csv (epoch,split,sample,label,answer), spikes.csv (of the last pass:\n"
    "split,sample,step,neuron), weights/{w_in,w_rec,w_out}.csv (integers, one row per presynaptic index),\n"
    "neurons.csv (neuron,u,threshold,alpha,trace_in,trace_rec,trace_out) and registers.csv. Such a "
    "directory\n"
    "may stand for NETWORK: its integers are loaded as they are.\n";

struct Pass {
    const char* split;
    const std::vector<CoreSample>& samples;
    bool train;
};

ordered_json matrix_json(const QuantisedMatrix& matrix) {
    return {{"shift", matrix.shift},
            {"unit", matrix.unit},
            {"rms_error", matrix.rms_error},
            {"lost", matrix.lost}};
}

ordered_json quantisation_json(const QuantisedNetwork& net) {
    return {{"inputs", net.inputs},
            {"neurons", net.neurons},
            {"outputs", net.outputs},
            {"membrane_unit", net.membrane_unit},
            {"threshold", net.threshold.front()},
            {"alpha", net.alpha.front()},
            {"kappa", net.kappa},
            {"w_in", matrix_json(net.w_in)},
            {"w_rec", matrix_json(net.w_rec)},
            {"w_out", matrix_json(net.w_out)}};
}

RegisterList registers_from(const po::variables_map& options) {
    RegisterList result;
    if (options.count("registers") != 0) {
        result = read_registers(options["registers"].as<std::string>());
    }
    if (options.count("register") != 0) {
        for (const std::string& text : options["register"].as<std::vector<std::string>>()) {
            result.push_back(parse_register(text));
        }
    }
    return result;
}

std::vector<CoreSample> samples_from(const po::variables_map& options, const char* name,
                                     const QuantisedNetwork& net) {
    if (options.count(name) == 0) {
        return {};
    }
    auto samples = read_core_samples(options[name].as<std::string>(), net.inputs, net.outputs);
    if (options.count("supervise-from") != 0) {
        const auto step = options["supervise-from"].as<std::uint32_t>();
        for (CoreSample& sample : samples) {
            if (step >= sample.ticks) {
                throw InputError("supervise-from", step, fmt::format("a sample has {} ticks", sample.ticks));
            }
            sample.supervised_from = step;
        }
    }
    return samples;
}

po::options_description visible_options() {
    po::options_description options("Options");
    options.add_options()               //
        ("help,h", "explain and exit")  //
        ("events", po::value<std::string>()->required()->value_name("FILE"),
         "samples: .dat (number of samples; `index, step`; `-2, label`; `-1, ticks`) or .csv (step,index: "
         "one "
         "sample)")  //
        ("test", po::value<std::string>()->value_name("FILE"),
         "samples shown without learning after each epoch")                                              //
        ("epochs", po::value<std::uint32_t>()->default_value(1), "passes over the samples of --events")  //
        ("out", po::value<std::string>()->required()->value_name("DIR"), "directory for the results")    //
        ("register", po::value<std::vector<std::string>>()->composing()->value_name("NAME=VALUE"),
         "a configuration register by name or number; may be repeated, the last wins")                 //
        ("registers", po::value<std::string>()->value_name("FILE"), "CSV with header register,value")  //
        ("supervise-from", po::value<std::uint32_t>()->value_name("STEP"),
         "step from which labels count; default: that of the first event after the label")         //
        ("dt", po::value<double>(), "time step in seconds; default 1e-3 or what the file states")  //
        ("integrator", po::value<std::string>(), "euler (default) or exponential")                 //
        ("reset", po::value<std::string>(), "file (default), zero or subtract_next")               //
        ("json", "print one JSON object on the last line of standard output");
    return options;
}

Discretisation discretisation_from(const po::variables_map& options, const nir::Network& network,
                                   const std::string& file) {
    bool found = false;
    Discretisation d = discretisation_of(network, file, found);
    if (options.count("dt") != 0) {
        d.dt_seconds = options["dt"].as<double>();
    }
    if (options.count("integrator") != 0) {
        d.integrator = integrator_from(options["integrator"].as<std::string>());
    }
    if (options.count("reset") != 0) {
        d.reset = reset_rule_from(options["reset"].as<std::string>());
    }
    check(d);
    return d;
}

QuantisedNetwork load(const po::variables_map& options, const std::string& file, RegisterList& registers) {
    if (std::filesystem::is_directory(file)) {
        for (const char* name : {"dt", "integrator", "reset"}) {
            if (options.count(name) != 0) {
                throw InputError(fmt::format("--{}: {} holds integers already", name, file));
            }
        }
        return read_core_directory(file, registers);
    }
    const nir::Network network = load_network(file);
    return quantise(network, file, discretisation_from(options, network, file));
}

}  // namespace

int command_core(Arguments arguments) {
    po::options_description hidden;
    hidden.add_options()("network", po::value<std::string>()->required());
    po::positional_options_description positional;
    positional.add("network", 1);
    po::variables_map options;
    if (!parse_options(arguments, kUsage, visible_options(), hidden, positional, kNotes, options)) {
        return 0;
    }
    const auto start = std::chrono::steady_clock::now();
    const auto file = options["network"].as<std::string>();
    RegisterList registers;
    const QuantisedNetwork quantised = load(options, file, registers);
    const auto train = samples_from(options, "events", quantised),
               test = samples_from(options, "test", quantised);
    const RegisterList given = registers_from(options);
    registers.insert(registers.end(), given.begin(), given.end());
    CoreHost host(quantised, registers);
    const bool learns = host.core().registers().do_eprop() != 0;
    const std::filesystem::path directory(options["out"].as<std::string>());
    create_core_directory(directory);
    const DirectoryLock lock(directory);
    check_writable("--out", directory / "registers.csv");
    catch_interrupts();

    std::string labels = "epoch,split,sample,label,answer\n", spikes;
    std::uint64_t cycles = 0, spike_count = 0;
    ordered_json passes = ordered_json::array();
    ordered_json accuracy{{"events", ordered_json::array()}, {"test", ordered_json::array()}};
    const auto epochs = options["epochs"].as<std::uint32_t>();
    for (std::uint32_t epoch = 1; epoch <= epochs && interrupt_signal() == 0; ++epoch) {
        spikes = "split,sample,step,neuron\n";
        for (const Pass& pass : {Pass{"events", train, learns}, Pass{"test", test, false}}) {
            std::uint32_t labelled = 0, right = 0;
            CoreSampleResult sum;
            for (std::uint32_t k = 0; k < pass.samples.size() && interrupt_signal() == 0; ++k) {
                const CoreSample& sample = pass.samples[k];
                const CoreSampleResult result = host.run(sample, k, pass.train, [&](const CoreSpike& spike) {
                    fmt::format_to(std::back_inserter(spikes), "{},{},{},{}\n", pass.split, spike.sample,
                                   spike.step, spike.neuron);
                });
                sum.cycles += result.cycles;
                sum.spikes += result.spikes;
                sum.synaptic_operations += result.synaptic_operations;
                sum.weight_updates += result.weight_updates;
                if (sample.label) {
                    ++labelled;
                    right += result.answer == *sample.label ? 1 : 0;
                    fmt::format_to(std::back_inserter(labels), "{},{},{},{},{}\n", epoch, pass.split, k,
                                   *sample.label, result.answer);
                }
            }
            cycles += sum.cycles;
            spike_count += sum.spikes;
            if (!pass.samples.empty()) {
                passes.push_back({{"epoch", epoch},
                                  {"split", pass.split},
                                  {"cycles", sum.cycles},
                                  {"spikes", sum.spikes},
                                  {"synaptic_operations", sum.synaptic_operations},
                                  {"weight_updates", sum.weight_updates}});
            }
            if (labelled > 0) {
                accuracy[pass.split].push_back(double(right) / double(labelled));
            }
        }
    }
    write_core_directory(host, directory);
    write_text_atomically(directory / "labels.csv", labels);
    write_text_atomically(directory / "spikes.csv", spikes);
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const ordered_json result{{"samples", train.size()}, {"epochs", epochs},
                              {"spikes", spike_count},   {"cycles", cycles},
                              {"accuracy", accuracy},    {"passes", passes},
                              {"wall_s", wall},          {"quantisation", quantisation_json(quantised)}};
    if (options.count("json") != 0) {
        put("{}\n", result.dump());
    } else {
        put("{} samples, {} spikes, {} cycles, {:.3f} s\naccuracy: {}\nquantisation: {}\n", train.size(),
            spike_count, cycles, wall, accuracy.dump(), result["quantisation"].dump());
    }
    return interrupt_signal() != 0 ? 128 + interrupt_signal() : 0;
}

}  // namespace memprop::host::cli
