// Forward pass and both forms of the gradient. Floors (the least memory traffic and arithmetic there is):
//   forward   per step and neuron one multiply-add chain of some ten operations in cache; plus a row of
//             weights per spike
//   factorised  per step one vector of neurons, plus a row of the gradient (read and written) per spike
//   online      per step every synapse of a neuron that has spiked: 7 multiplications and additions with LIF,
//   12
//             with adaptive neurons; at 32 a cycle 256 x 512 synapses and 1000 steps are 29 million cycles
// Targets: 2 ms for forward pass and gradient of a cue-accumulation trial, 5 ms for the gradient at 1024
// neurons. The latter adds 41 000 rows of 4 kB: 2.6 million vectors of 64 bytes, at two cycles each from a
// second-level cache 1.3 ms. The counters give the additions of gradient rows that the factorised form cannot
// avoid, and its time per row of the layer.
#include <benchmark/benchmark.h>

#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/network/forward.hpp"
#include "learning/task/task.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

/// One trial of cue accumulation: 40 inputs, 50 LIF and 50 adaptive neurons, 2 readouts, 2250 steps.
ExperimentConfig cue_accumulation() {
    ExperimentConfig c;
    c.task.name = "cue_accumulation";
    c.network.inputs = 40;
    c.network.outputs = 2;
    c.network.neuron = NeuronKind::alif;
    c.network.adaptive_fraction = 0.5;
    c.network.tau_membrane_seconds = c.network.tau_readout_seconds = 20e-3;
    c.network.threshold = 0.6;
    c.network.refractory_steps = 5;
    c.network.input_scaling = LeakScaling::one;
    c.network.init_std_in = 0.158;
    c.learning.loss = Loss::cross_entropy;
    c.learning.rate_regularization = 300.0;
    return c;
}

struct Bench {
    NetworkParameters<float> p;
    DenseProjection<float> w_in, w_rec, w_out;
    std::vector<float> feedback;
    ForwardPass<float> forward;
    Tape<float> tape;
    Gradients<float> gradients;
    RateRegularizer<float> regularizer{.strength = 300.0F, .target_per_step = 0.01F};

    explicit Bench(const ExperimentConfig& c)
        : p(c.network, c.learning),
          w_in(p.inputs, p.recurrent),
          w_rec(p.recurrent, p.recurrent),
          w_out(p.recurrent, p.outputs),
          feedback(std::size_t{p.recurrent} * p.outputs, 0.3F),
          forward(p),
          gradients(p) {
        fill(w_in.weights(), c.network.init_std_in, 0);
        fill(w_rec.weights(), c.network.init_std_rec, 1);
        fill(w_out.weights(), c.network.init_std_out, 2);
    }
    static void fill(std::vector<float>& weights, double std, std::uint8_t array) {
        fill_normals({.seed = 1, .stream = Stream::initial_weight, .array = array}, 0, weights);
        for (float& w : weights) {
            w *= static_cast<float>(std);
        }
    }
};

void cue_trial(benchmark::State& state, GradientForm form, bool with_forward) {
    const ExperimentConfig config = cue_accumulation();
    Bench b(config);
    const auto task = make_task(config);
    Trial buffer;
    const Trial& trial = task->trial(Split::training, 0, buffer);
    const auto gradient = make_gradient(form, b.p);
    b.forward.run(trial, b.w_in, b.w_rec, b.w_out, b.tape);
    for (auto _ : state) {
        if (with_forward) {
            b.forward.run(trial, b.w_in, b.w_rec, b.w_out, b.tape);
        }
        gradient->compute(b.tape, b.feedback, b.regularizer, b.gradients);
    }
    state.counters["row_additions"] = static_cast<double>(trial.input.spikes() + b.tape.spikes.spikes());
}
BENCHMARK_CAPTURE(cue_trial, forward_and_factorised, GradientForm::factorised, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(cue_trial, factorised, GradientForm::factorised, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(cue_trial, online, GradientForm::online, false)->Unit(benchmark::kMillisecond);

/// The gradient alone, of 1000 steps in which a part `rate` of inputs and neurons spikes.
void gradient_of_noise(benchmark::State& state, GradientForm form, const ExperimentConfig& config,
                       float rate) {
    constexpr std::size_t kSteps = 1000;
    const auto inputs = static_cast<std::uint32_t>(config.network.inputs);
    const auto n = static_cast<std::uint32_t>(config.network.recurrent);
    Bench b(config);
    SpikeTrain input;
    b.tape.input = &input;
    std::vector<float> uniform(std::size_t{inputs} + n);
    for (std::uint32_t t = 0; t < kSteps; ++t) {
        fill_uniforms({.seed = 2, .stream = Stream::test, .step = t}, 0, uniform);
        for (std::uint32_t i = 0; i < inputs; ++i) {
            if (uniform[i] < rate) {
                input.add(i);
            }
        }
        for (std::uint32_t j = 0; j < n; ++j) {
            if (uniform[inputs + j] < rate) {
                b.tape.spikes.add(j);
            }
        }
        input.end_step();
        b.tape.spikes.end_step();
    }
    b.tape.pseudo_derivative.assign(kSteps * n, 0.5F);
    b.tape.error.assign(kSteps * b.p.outputs, 0.1F);
    b.tape.spike_count.assign(n, 20);
    const auto gradient = make_gradient(form, b.p);
    for (auto _ : state) {
        gradient->compute(b.tape, b.feedback, b.regularizer, b.gradients);
    }
    state.counters["row_additions"] = static_cast<double>(input.spikes() + b.tape.spikes.spikes());
}

/// N inputs and N LIF neurons, 2 % of both spike in a step.
void large_layer(benchmark::State& state, GradientForm form) {
    ExperimentConfig config;
    config.network.inputs = config.network.recurrent = state.range(0);
    gradient_of_noise(state, form, config, 0.02F);
}
BENCHMARK_CAPTURE(large_layer, factorised, GradientForm::factorised)
    ->Arg(256)
    ->Arg(1024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(large_layer, online, GradientForm::online)
    ->Arg(256)
    ->Arg(1024)
    ->Unit(benchmark::kMillisecond);

/// The size of the Spiking Heidelberg Digits: 700 inputs, 256 adaptive neurons, 20 readouts.
void spoken_digit(benchmark::State& state, GradientForm form) {
    ExperimentConfig config = cue_accumulation();
    config.network.inputs = 700;
    config.network.recurrent = 256;
    config.network.outputs = 20;
    config.network.adaptive_fraction = 1.0;
    gradient_of_noise(state, form, config, 0.02F);
}
BENCHMARK_CAPTURE(spoken_digit, factorised, GradientForm::factorised)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(spoken_digit, online, GradientForm::online)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
    apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
