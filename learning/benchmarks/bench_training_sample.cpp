// Milliseconds per training sample of the main job (1000 steps, 100-100-1, full PCM, mixed_precision) and
// of its stages.
//
// Floor, per sample, on one core: the arrays are read row by row for about 5000 input and 1000 recurrent
// spikes, two floats (difference, variance) for each of 100 columns: 4.8 MB from the first-level cache;
// 1000 (W_in) + about 650 (W_rec, steps with a spike) reads draw 100 normals each: 165 000 draws at 0.6 ns
// (AVX-512) = 0.10 ms; the gradient adds a vector of 100 floats per spike: 2.4 MB; renewing the arrays
// touches 40 200 devices. Together about 0.2 ms.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "crossbar/base/simd.hpp"
#include "learning/eprop/make_plan.hpp"
#include "learning/trainer.hpp"

namespace {

using namespace memprop;
using namespace memprop::learning;

constexpr int kWarmUpSamples = 150;  // until the network fires as it does for most of the training

Trainer& warm_trainer() {
    static const auto trainer = [] {
        auto t = std::make_unique<Trainer>(ExperimentConfig{});
        for (int i = 0; i < kWarmUpSamples; ++i) {
            t->train_sample();
        }
        return t;
    }();
    return *trainer;
}

void training_sample(benchmark::State& state) {
    Trainer& trainer = warm_trainer();
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(trainer.train_sample());
    }
}
BENCHMARK(training_sample)->Unit(benchmark::kMillisecond);

/// The same with wires solved anew for every sample. Floor: the sample without them and 2 x 3 arrays, the
/// G+ and G- devices of each projection, at 41 M operations each for 100 x 100
/// (crossbar/benchmarks/bench_wires).
void training_sample_with_wires(benchmark::State& state) {
    ExperimentConfig config;
    config.crossbar.wires.r_wl_ohm = config.crossbar.wires.r_bl_ohm = 1.0;
    Trainer trainer(config);
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(trainer.train_sample());
    }
}
BENCHMARK(training_sample_with_wires)->Unit(benchmark::kMillisecond);

/// Forward pass with noisy reads; device time stands still.
void forward_and_renew(benchmark::State& state) {
    Trainer& trainer = warm_trainer();
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(trainer.evaluate_sample(0));
    }
}
BENCHMARK(forward_and_renew)->Unit(benchmark::kMillisecond);

void renew_arrays(benchmark::State& state) {
    Trainer& trainer = warm_trainer();
    for ([[maybe_unused]] auto _ : state) {
        for (const ProjectionId id : {classic::w_in, classic::w_rec, classic::w_out}) {
            trainer.weights(id).begin_sample(0, trainer.tick());
            trainer.weights(id).end_sample();  // or updates that follow would renew the array, too
        }
    }
}
BENCHMARK(renew_arrays)->Unit(benchmark::kMillisecond);

/// The reads of one sample's inputs, 5 of 100 rows in the mean.
void read_w_in(benchmark::State& state) {
    Trainer& trainer = warm_trainer();
    Trial buffer;
    const SpikeTrain& input = trainer.task().trial(Split::training, 0, buffer).input;
    std::vector<float> out(100);
    for ([[maybe_unused]] auto _ : state) {
        for (std::uint32_t t = 0; t < input.steps(); ++t) {
            trainer.weights(classic::w_in).sum_inputs(input.at(t), t, out);
        }
    }
}
BENCHMARK(read_w_in)->Unit(benchmark::kMillisecond);

void gradient(benchmark::State& state, GradientForm form) {
    const Trainer& trainer = warm_trainer();
    const EpropPlan<float> plan = make_eprop_plan<float>(trainer.resolved(), "eprop");
    const auto engine = make_gradient(form, plan);
    Gradients<float> gradients{std::vector<float>(100 * 100), std::vector<float>(100 * 100),
                               std::vector<float>(100)};
    const FeedbackWeights<float> feedback{{std::vector<float>(100, 0.1F)}, {}};
    for ([[maybe_unused]] auto _ : state) {
        engine->compute(trainer.tape(), feedback, {.strength = 160.0F, .target_per_step = 0.01F}, gradients);
    }
}
BENCHMARK_CAPTURE(gradient, factorised, GradientForm::factorised)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(gradient, online, GradientForm::online)->Unit(benchmark::kMillisecond);

/// Accumulators, pulses and, every tenth time, the refresh, of W_in. Floor, per device: half an accumulator,
/// a weight change and a pulse count (5 B read, 3 B written) and a tenth of a verifying read with its normal,
/// together about 0.2 ns.
void update_w_in(benchmark::State& state) {
    Trainer& trainer = warm_trainer();
    constexpr std::size_t kSynapses = 100 * 100;
    std::vector<float> delta(kSynapses);
    for (std::size_t i = 0; i < kSynapses; ++i) {
        delta[i] = 1e-4F * (static_cast<float>(i % 201) - 100.0F) / 100.0F;
    }
    std::uint32_t event = 1000000;
    for ([[maybe_unused]] auto _ : state) {
        trainer.weights(classic::w_in).update(delta, event++, trainer.tick());
    }
    state.counters["per_device"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * 2.0 * double(kSynapses),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(update_w_in)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
    apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
