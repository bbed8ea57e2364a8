// The online gradient of a whole trial exchanges its loops; here they run as they are written: step by step.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "crossbar/base/random.hpp"
#include "learning/eprop/arrivals.hpp"
#include "learning/eprop/running_rate.hpp"
#include "learning/eprop/synapse_traces.hpp"
#include "learning/tests/eprop_bench.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

constexpr std::uint32_t kSteps = 90;

template <class Real>
struct RandomTrial : EpropBench<Real> {
    using Base = EpropBench<Real>;
    using Base::p, Base::tape, Base::plan, Base::feedback;
    SpikeTrain input;

    explicit RandomTrial(const ExperimentConfig& config) : Base(config) {
        std::uint32_t draw = 0;
        const auto uniform = [&] { return random_uniform({.seed = 5, .stream = Stream::test}, draw++); };
        for (Real& b : Base::back()) {
            b = static_cast<Real>(uniform()) - Real{0.5};
        }
        tape.steps = kSteps;
        tape.populations.resize(3);
        tape.objectives.resize(1);
        PopulationTape<Real>& neurons = tape.populations[1];
        tape.populations[0].given = &input;
        neurons.spike_count.assign(p.recurrent, 0);
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (std::uint32_t i = 0; i < p.inputs; ++i) {
                if (i % 5 != 2 && uniform() < 0.1F) {  // some never spike
                    input.add(i);
                }
            }
            for (std::uint32_t j = 0; j < p.recurrent; ++j) {
                if (uniform() < 0.1F) {
                    neurons.own.add(j);
                    ++neurons.spike_count[j];
                }
                neurons.pseudo_derivative.push_back(static_cast<Real>(std::max(0.0F, uniform() - 0.3F)));
            }
            for (std::uint32_t k = 0; k < p.outputs; ++k) {
                tape.objectives[0].error.push_back(t < 20 ? Real{0} : static_cast<Real>(uniform() - 0.5F));
            }
            input.end_step();
            neurons.own.end_step();
        }
        neurons.carried = {{0, 3}};
        tape.populations[0].late = {1, 4};
    }

    /// Gradients of input and recurrent weights, one step after the other.
    Gradients<Real> stepped(const RateRegularizer<Real>& regularizer) const {
        const std::size_t n = p.recurrent;
        const bool running = regularizer.form == RegularizerForm::running_average;
        const LearningPopulation<Real>& population = plan[0];
        const PopulationTape<Real>& neurons = tape.populations[1];
        Gradients<Real> out;
        std::vector<SynapseTraces<Real>> traces;
        for (const LearnedProjection& projection : population.projections) {
            traces.emplace_back(population, projection);
            out.emplace_back(std::size_t{projection.rows} * n);
        }
        std::vector<Real> rate(n), pull(n), signal(n);
        const std::vector<Real> none(n);
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (std::size_t j = 0; j < n; ++j) {
                signal[j] = Real{0};
                for (std::size_t k = 0; k < p.outputs; ++k) {
                    signal[j] += population.sources[0].error(tape, t, k) * feedback[0][0][k * n + j];
                }
            }
            if (running) {
                advance_running_rate<Real>(regularizer, neurons.events().at(t), rate, pull);
            }
            for (std::size_t w = 0; w < traces.size(); ++w) {
                const auto& late = tape.populations[population.projections[w].from].late;
                traces[w].filter_events(Arrivals(tape, population.projections[w]).at(t), {}, false);
                for (std::uint32_t i = 0; i < traces[w].rows(); ++i) {
                    const bool misses =
                        t + 1 == kSteps && std::find(late.begin(), late.end(), i) != late.end();
                    if (traces[w].awake(i)) {
                        traces[w].learn(regularizer, i,
                                        std::span(neurons.pseudo_derivative).subspan(t * n, n),
                                        misses ? none : signal, pull, std::span(out[w]).subspan(i * n, n));
                    }
                }
            }
        }
        for (std::size_t w = 0; w < traces.size(); ++w) {
            for (std::size_t at = 0; !running && at < out[w].size(); ++at) {
                const auto duration = static_cast<Real>(kSteps);
                const Real spikes_per_step = static_cast<Real>(neurons.spike_count[at % n]) / duration;
                out[w][at] += regularizer.strength * (spikes_per_step - regularizer.target_per_step) /
                              duration * traces[w].sum_e()[at];
            }
        }
        for (std::size_t j = 0; j < n; ++j) {
            out[1][j * n + j] = Real{0};
        }
        return out;
    }
};

template <class Real>
RateRegularizer<Real> regularizer_of(RegularizerForm form) {
    return {Real{3}, Real{0.02}, form, Real{0.9}};
}

template <class Real>
void check_bits(const ExperimentConfig& config) {
    const RandomTrial<Real> trial(config);
    for (const RegularizerForm form : {RegularizerForm::per_trial, RegularizerForm::running_average}) {
        const Gradients<Real> whole = trial.gradient(GradientForm::online, regularizer_of<Real>(form));
        const Gradients<Real> stepped = trial.stepped(regularizer_of<Real>(form));
        CHECK(whole[0] == stepped[0]);
        CHECK(whole[1] == stepped[1]);
        CHECK(std::any_of(whole[0].begin(), whole[0].end(), [](Real g) { return g != Real{0}; }));
    }
}

ExperimentConfig experiment(std::int64_t neurons, NeuronKind neuron, double slowest) {
    ExperimentConfig config;
    config.network.inputs = 12;
    config.network.recurrent = neurons;
    config.network.outputs = 3;
    config.network.neuron = neuron;
    config.network.adaptive_fraction = 0.6;
    config.network.tau_membrane_max_seconds = slowest;
    return config;
}

/// FNV-1a over the bytes of the numbers; 0 has one sign.
template <class Real>
void hash(const RandomTrial<Real>& trial, GradientForm form, std::uint64_t& h) {
    for (const RegularizerForm r : {RegularizerForm::per_trial, RegularizerForm::running_average}) {
        for (const std::vector<Real>& gradient : trial.gradient(form, regularizer_of<Real>(r))) {
            for (const Real g : gradient) {
                const Real value = g + Real{0};
                std::array<unsigned char, sizeof(Real)> bytes;
                std::memcpy(bytes.data(), &value, sizeof(Real));
                for (const unsigned char byte : bytes) {
                    h = (h ^ byte) * 1099511628211ULL;
                }
            }
        }
    }
}

}  // namespace

TEST_CASE("The online gradient of a trial has the bits of its traces advanced step by step") {
    for (const std::int64_t neurons : {4, 17, 64, 131}) {
        for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
            for (const double slowest : {0.0, 0.2}) {
                CAPTURE(neurons);
                check_bits<float>(experiment(neurons, neuron, slowest));
                check_bits<double>(experiment(neurons, neuron, slowest));
            }
        }
    }
}

TEST_CASE("Gradients have the bits that were recorded before networks became general") {
    constexpr std::array<std::uint64_t, 8> kRecorded{
        0xf8102a5416fca24aULL, 0x0d5d0763f6a1bb1eULL, 0x7a43f59b197b359dULL, 0xecf4de1045fc71b7ULL,
        0x7fde8e0cbcc86df4ULL, 0xb84a6d10a666c8d0ULL, 0x12876c7f7893033aULL, 0xa273578c5d49b611ULL};
    const std::uint64_t* recorded = kRecorded.data();
    for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
        for (const double slowest : {0.0, 0.2}) {
            for (const std::int64_t delay : {0, 1}) {
                CAPTURE(delay);
                ExperimentConfig config = experiment(131, neuron, slowest);
                config.network.readout_delay_steps = delay;
                const RandomTrial<float> single(config);
                const RandomTrial<double> twice(config);
                std::uint64_t h = 14695981039346656037ULL;
                for (const GradientForm form : {GradientForm::factorised, GradientForm::online}) {
                    hash(single, form, h);
                    hash(twice, form, h);
                }
                CHECK(h == *recorded++);
            }
        }
    }
}
