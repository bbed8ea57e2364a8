#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <systemc>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/digital_core/cue_accumulation.hpp"
#include "testbenches/digital_core/driver.hpp"
#include "testbenches/digital_core/dump.hpp"
#include "testbenches/digital_core/options.hpp"
#include "testbenches/digital_core/script.hpp"
#include "testbenches/digital_core/thread.hpp"
#include "testbenches/digital_core/waveforms.hpp"

namespace {

using namespace memprop;
using namespace memprop::tb;

struct CueResult {
    std::vector<std::uint32_t> train_correct, test_correct;
    std::uint32_t train_samples = 0, test_samples = 0;
    hw::CycleCounts cycles;
    double wall_s = 0;
};

std::uint32_t sample_count(const char* option, std::optional<std::uint32_t> wanted, std::size_t available) {
    if (wanted && *wanted > available) {
        throw InputError(option, *wanted, fmt::format("the data set has {} samples", available));
    }
    return wanted.value_or(static_cast<std::uint32_t>(available));
}

CueResult run_cue_accumulation(CoreDriver& driver, const CueDataSet& data,
                               const DigitalCoreOptions& options) {
    CueResult result;
    result.train_samples = sample_count("--train", options.train, data.train.size());
    result.test_samples = sample_count("--test", options.test, data.test.size());
    configure_cue_network(driver, data);
    std::optional<StepDump> dump;
    if (options.dump) {
        dump.emplace(driver.core());
    }
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t epoch = 0; epoch < options.epochs; ++epoch) {
        for (const bool training : {true, false}) {
            select_cue_phase(driver, training);
            const std::vector<CueSample>& samples = training ? data.train : data.test;
            std::uint32_t correct = 0;
            for (std::uint32_t i = 0; i < (training ? result.train_samples : result.test_samples); ++i) {
                correct += run_cue_sample(driver, samples[i], training) == samples[i].label ? 1 : 0;
                if (dump) {
                    dump->end_sample(training);
                }
            }
            (training ? result.train_correct : result.test_correct).push_back(correct);
        }
        say_in_passing("epoch {}: {} of {} correct in training, {} of {} in test\n", epoch + 1,
                       result.train_correct.back(), result.train_samples, result.test_correct.back(),
                       result.test_samples);
    }
    result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.cycles = driver.core().cycles();
    if (dump) {
        dump->write(*options.dump);
    }
    return result;
}

nlohmann::ordered_json summary(const CueResult& result, const DigitalCoreOptions& options) {
    nlohmann::ordered_json json;
    json["level"] = options.pin_level ? "pin" : "transaction";
    json["epochs"] = options.epochs;
    json["train_samples"] = result.train_samples;
    json["test_samples"] = result.test_samples;
    json["train_correct"] = result.train_correct;
    json["test_correct"] = result.test_correct;
    const hw::CycleCounts& cycles = result.cycles;
    json["cycles"] = {{"step", cycles.step},
                      {"sdone", cycles.sdone},
                      {"eprop", cycles.eprop},
                      {"prop_busy", cycles.prop_busy},
                      {"prop_waiting", cycles.prop_waiting},
                      {"get_tar", cycles.get_tar},
                      {"config", cycles.config},
                      {"send", cycles.send},
                      {"idle", cycles.idle}};
    json["events"] = cycles.events;
    json["simulated_cycles_per_s"] = static_cast<double>(cycles.intrinsic()) / result.wall_s;
    json["samples_per_s"] =
        static_cast<double>(options.epochs) * (result.train_samples + result.test_samples) / result.wall_s;
    json["wall_s"] = result.wall_s;
    return json;
}

int run(int argc, char** argv) {
    const std::optional<DigitalCoreOptions> options = parse_digital_core_options(argc, argv);
    if (!options) {
        return 0;
    }
    std::optional<Script> script;
    std::optional<CueDataSet> data;
    if (options->script) {
        script.emplace(*options->script);
    } else {
        data =
            options->data_set ? read_cue_data_set(*options->data_set) : generate_cue_data_set(options->seed);
    }
    const auto driver = options->pin_level ? make_pin_driver({}) : make_transaction_driver({});
    std::optional<Waveforms> waveforms;
    if (options->trace) {
        waveforms.emplace(*options->trace);
        driver->show_in(waveforms->file());
    }
    std::string observed;
    CueResult result;
    run_in_thread([&] {
        if (script) {
            observed = script->run(*driver);
        } else {
            result = run_cue_accumulation(*driver, *data, *options);
        }
    });
    if (waveforms) {
        waveforms->finish();
    }
    if (script) {
        host::write_text_atomically(*options->out, observed);
        return 0;
    }
    const nlohmann::ordered_json json = summary(result, *options);
    if (options->json) {
        put("{}\n", json.dump());
    } else {
        put("correct in training {} and test {}\n{:.1f} M simulated cycles/s, {:.1f} samples/s, {:.2f} s\n",
            json["train_correct"].dump(), json["test_correct"].dump(),
            json["simulated_cycles_per_s"].get<double>() / 1e6, json["samples_per_s"].get<double>(),
            result.wall_s);
    }
    return 0;
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // stdout is ours
    return run_program("tb_digital_core", [&] { return run(argc, argv); });
}
