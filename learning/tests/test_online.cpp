// The online gradient of a whole trial exchanges its loops; here they run as they are written: step by step.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "crossbar/base/random.hpp"
#include "learning/eprop/running_rate.hpp"
#include "learning/eprop/synapse_traces.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

constexpr std::uint32_t kSteps = 90;

template <class Real>
struct RandomTrial {
    NetworkParameters<Real> p;
    SpikeTrain input;
    Tape<Real> tape;
    std::vector<Real> feedback;

    explicit RandomTrial(const ExperimentConfig& config)
        : p(config.network, config.learning), feedback(std::size_t{p.recurrent} * p.outputs) {
        std::uint32_t draw = 0;
        const auto uniform = [&] { return random_uniform({.seed = 5, .stream = Stream::test}, draw++); };
        for (Real& b : feedback) {
            b = static_cast<Real>(uniform()) - Real{0.5};
        }
        tape.input = &input;
        tape.spike_count.assign(p.recurrent, 0);
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (std::uint32_t i = 0; i < p.inputs; ++i) {
                if (i % 5 != 2 && uniform() < 0.1F) {  // some never spike
                    input.add(i);
                }
            }
            for (std::uint32_t j = 0; j < p.recurrent; ++j) {
                if (uniform() < 0.1F) {
                    tape.spikes.add(j);
                    ++tape.spike_count[j];
                }
                tape.pseudo_derivative.push_back(static_cast<Real>(std::max(0.0F, uniform() - 0.3F)));
            }
            for (std::uint32_t k = 0; k < p.outputs; ++k) {
                tape.error.push_back(t < 20 ? Real{0} : static_cast<Real>(uniform() - 0.5F));
            }
            input.end_step();
            tape.spikes.end_step();
        }
        tape.carried = {0, 3};
        tape.late_inputs = {1, 4};
    }

    /// Gradients of input and recurrent weights, one step after the other.
    Gradients<Real> stepped(const RateRegularizer<Real>& regularizer) const {
        const std::size_t n = p.recurrent;
        const bool running = regularizer.form == RegularizerForm::running_average;
        Gradients<Real> out(p);
        SynapseTraces<Real> from_input(p, p.inputs), from_recurrent(p, p.recurrent);
        std::vector<Real> rate(n), pull(n), signal(n);
        const std::vector<Real> none(n);
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (std::size_t j = 0; j < n; ++j) {
                signal[j] = Real{0};
                for (std::size_t k = 0; k < p.outputs; ++k) {
                    signal[j] += tape.error_of(t, k, p.outputs, p.readout_delay) * feedback[k * n + j];
                }
            }
            if (running) {
                advance_running_rate<Real>(regularizer, tape.spikes.at(t), rate, pull);
            }
            const auto learn = [&](SynapseTraces<Real>& traces, std::span<const std::uint32_t> spikes,
                                   std::vector<Real>& gradient, bool inputs) {
                traces.filter_spikes(p, spikes);
                for (std::uint32_t i = 0; i < traces.pre(); ++i) {
                    const auto& late = tape.late_inputs;
                    const bool misses =
                        inputs && t + 1 == kSteps && std::find(late.begin(), late.end(), i) != late.end();
                    if (traces.awake(i)) {
                        traces.learn(p, regularizer, i, std::span(tape.pseudo_derivative).subspan(t * n, n),
                                     misses ? none : signal, pull, std::span(gradient).subspan(i * n, n));
                    }
                }
            };
            learn(from_input, input.at(t), out.w_in, true);
            learn(from_recurrent, tape.arriving(t), out.w_rec, false);
        }
        for (auto [traces, gradient] :
             {std::pair(&from_input, &out.w_in), std::pair(&from_recurrent, &out.w_rec)}) {
            for (std::size_t at = 0; !running && at < gradient->size(); ++at) {
                const auto duration = static_cast<Real>(kSteps);
                const Real spikes_per_step = static_cast<Real>(tape.spike_count[at % n]) / duration;
                (*gradient)[at] += regularizer.strength * (spikes_per_step - regularizer.target_per_step) /
                                   duration * traces->sum_e()[at];
            }
        }
        for (std::size_t j = 0; j < n; ++j) {
            out.w_rec[j * n + j] = Real{0};
        }
        return out;
    }
};

template <class Real>
void check_bits(const ExperimentConfig& config) {
    const RandomTrial<Real> trial(config);
    for (const RegularizerForm form : {RegularizerForm::per_trial, RegularizerForm::running_average}) {
        const RateRegularizer<Real> regularizer{Real{3}, Real{0.02}, form, Real{0.9}};
        Gradients<Real> whole(trial.p);
        make_gradient<Real>(GradientForm::online, trial.p)
            ->compute(trial.tape, trial.feedback, regularizer, whole);
        const Gradients<Real> stepped = trial.stepped(regularizer);
        CHECK(whole.w_in == stepped.w_in);
        CHECK(whole.w_rec == stepped.w_rec);
        CHECK(std::any_of(whole.w_in.begin(), whole.w_in.end(), [](Real g) { return g != Real{0}; }));
    }
}

}  // namespace

TEST_CASE("The online gradient of a trial has the bits of its traces advanced step by step") {
    for (const std::int64_t neurons : {4, 17, 64, 131}) {
        for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
            for (const double slowest : {0.0, 0.2}) {
                CAPTURE(neurons);
                ExperimentConfig config;
                config.network.inputs = 12;
                config.network.recurrent = neurons;
                config.network.outputs = 3;
                config.network.neuron = neuron;
                config.network.adaptive_fraction = 0.6;
                config.network.tau_membrane_max_seconds = slowest;
                check_bits<float>(config);
                check_bits<double>(config);
            }
        }
    }
}
