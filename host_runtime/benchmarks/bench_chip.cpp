// Milliseconds per training sample of the main job (1000 steps, 100-100-1, full PCM, mixed_precision) on the
// functional engine and on the cycle-level chip, in one program.
//
// Floor of the chip, counter `floor_ms`: the functional sample, since the same functions are called, plus
// what the events cannot do without: 20 ns for a flit or a barrier token that crosses a router
// (hw_models/benchmarks/bench_noc). Counters per sample: `crossings`, and `active_cycles` in which the chip
// did something. `ratio` runs both in turn and counts processor time, so that a busy machine slows both
// alike.
#include <benchmark/benchmark.h>

#include <ctime>
#include <memory>

#include "crossbar/base/simd.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "learning/trainer.hpp"

namespace {

using namespace memprop;

constexpr int kWarmUpSamples = 150;  // until the network fires as it does for most of the training
constexpr double kCrossingMs = 20e-6;

struct Engines {
    host::Experiment experiment;
    std::unique_ptr<learning::TrainerBase> functional, cycle;
    const host::ChipHardware* hardware = nullptr;

    Engines() {
        functional = make({});
        experiment.run.engine = learning::EngineKind::cycle;
        cycle = make([this](const learning::HardwareRequest& around) {
            auto made = std::make_unique<host::ChipHardware>(experiment, around);
            hardware = made.get();
            return made;
        });
        for (int i = 0; i < kWarmUpSamples; ++i) {
            functional->train_sample();
            cycle->train_sample();
        }
    }
    std::unique_ptr<learning::TrainerBase> make(const learning::HardwareFactory& factory) const {
        return learning::make_trainer(experiment, learning::make_task(experiment), nullptr, factory);
    }
    std::uint64_t active_cycles() const { return hardware->session().chip().activations(); }
    std::uint64_t crossings() const {
        const hw::chip::Chip& chip = hardware->session().chip();
        return chip.fabric().total_router_stats(chip.cycle()).forwarded_total();
    }
};

Engines& engines() {
    static Engines made;
    return made;
}

double cpu_ms(learning::TrainerBase& trainer) {
    const std::clock_t start = std::clock();
    benchmark::DoNotOptimize(trainer.train_sample());
    return 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void training_sample_functional(benchmark::State& state) {
    learning::TrainerBase& trainer = *engines().functional;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(trainer.train_sample());
    }
}
BENCHMARK(training_sample_functional)->Unit(benchmark::kMillisecond);

void training_sample_chip(benchmark::State& state) {
    learning::TrainerBase& trainer = *engines().cycle;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(trainer.train_sample());
    }
}
BENCHMARK(training_sample_chip)->Unit(benchmark::kMillisecond);

void ratio(benchmark::State& state) {
    Engines& both = engines();
    const std::uint64_t active_cycles = both.active_cycles(), crossings = both.crossings();
    double functional_ms = 0.0, chip_ms = 0.0;
    for ([[maybe_unused]] auto _ : state) {
        functional_ms += cpu_ms(*both.functional);
        chip_ms += cpu_ms(*both.cycle);
    }
    const auto samples = static_cast<double>(state.iterations());
    state.counters["functional_ms"] = functional_ms / samples;
    state.counters["chip_ms"] = chip_ms / samples;
    state.counters["ratio"] = chip_ms / functional_ms;
    state.counters["active_cycles"] = static_cast<double>(both.active_cycles() - active_cycles) / samples;
    state.counters["crossings"] = static_cast<double>(both.crossings() - crossings) / samples;
    state.counters["floor_ms"] = functional_ms / samples + kCrossingMs * state.counters["crossings"];
}
BENCHMARK(ratio)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char* argv[]) {
    apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
