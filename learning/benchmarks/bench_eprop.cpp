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

#include <memory>
#include <vector>

#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/eprop/make_plan.hpp"
#include "learning/forward.hpp"
#include "learning/network/connect/connections.hpp"
#include "learning/resolve.hpp"
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
    ResolvedNetwork resolved;
    EpropPlan<float> plan;
    FeedbackWeights<float> feedback;
    std::vector<std::unique_ptr<network::Connection<float>>> connections;
    std::unique_ptr<ForwardPass<float>> forward;
    Tape<float> tape;
    Gradients<float> gradients;
    RateRegularizer<float> regularizer{.strength = 300.0F, .target_per_step = 0.01F};

    explicit Bench(const ExperimentConfig& c)
        : resolved(resolve(c)), plan(make_eprop_plan<float>(resolved, "eprop")), gradients(3) {
        network::Network& network = resolved.network;
        std::vector<network::Connection<float>*> pointers;
        for (std::size_t p = 0; p < network.projections.size(); ++p) {
            network::Projection& projection = network.projections[p];
            std::vector<float> weights(std::size_t{rows_of(network, projection)} *
                                       columns_of(network, projection));
            fill_normals({.seed = 1, .stream = Stream::initial_weight, .array = static_cast<std::uint8_t>(p)},
                         0, weights);
            for (float& w : weights) {
                w *= static_cast<float>(projection.weight_std);
            }
            projection.weights = std::move(weights);
            connections.push_back(network::make_connection<float>(network, projection));
            pointers.push_back(connections.back().get());
        }
        forward = std::make_unique<ForwardPass<float>>(network, pointers,
                                                       TapeRequest{.events = {false, true, false},
                                                                   .pseudo_derivative = {false, true, false},
                                                                   .spike_count = {false, true, false}},
                                                       false);
        for (const LearningPopulation<float>& population : plan) {
            auto& of_population = feedback.emplace_back();
            for (const ErrorSource& source : population.sources) {
                of_population.emplace_back(std::size_t{source.size} * population.size, 0.3F);
            }
        }
    }
};

void cue_trial(benchmark::State& state, GradientForm form, bool with_forward) {
    const ExperimentConfig config = cue_accumulation();
    Bench b(config);
    const auto task = make_task(config);
    Trial buffer;
    const Trial& trial = task->trial(Split::training, 0, buffer);
    const auto gradient = make_gradient(form, b.plan);
    b.forward->run(trial, b.tape);
    for ([[maybe_unused]] auto _ : state) {
        if (with_forward) {
            b.forward->run(trial, b.tape);
        }
        gradient->compute(b.tape, b.feedback, b.regularizer, b.gradients);
    }
    state.counters["row_additions"] =
        static_cast<double>(trial.input.spikes() + b.tape.populations[1].own.spikes());
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
    b.tape.steps = kSteps;
    b.tape.populations.resize(3);
    b.tape.objectives.resize(1);
    b.tape.populations[0].given = &input;
    PopulationTape<float>& neurons = b.tape.populations[1];
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
                neurons.own.add(j);
            }
        }
        input.end_step();
        neurons.own.end_step();
    }
    neurons.pseudo_derivative.assign(kSteps * n, 0.5F);
    b.tape.objectives[0].error.assign(kSteps * std::size_t(config.network.outputs), 0.1F);
    neurons.spike_count.assign(n, 20);
    const auto gradient = make_gradient(form, b.plan);
    for ([[maybe_unused]] auto _ : state) {
        gradient->compute(b.tape, b.feedback, b.regularizer, b.gradients);
    }
    state.counters["row_additions"] = static_cast<double>(input.spikes() + neurons.own.spikes());
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
