#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/network/forward.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

constexpr std::uint32_t kSteps = 250;

ExperimentConfig small(NeuronKind neuron) {
    ExperimentConfig c;
    c.network.inputs = 12;
    c.network.recurrent = 17;
    c.network.outputs = 3;
    c.network.neuron = neuron;
    c.network.threshold = 0.05;
    c.network.adaptive_fraction = 0.6;
    c.network.adaptation_beta = 0.03;
    c.network.tau_adaptation_seconds = 0.2;
    c.network.refractory_steps = 3;
    return c;
}

/// A random network and trial in double, run once.
struct Bench {
    NetworkParameters<double> p;
    DenseProjection<double> w_in, w_rec, w_out;
    Trial trial;
    std::vector<double> feedback;
    Tape<double> tape;

    explicit Bench(const ExperimentConfig& config)
        : p(config.network, config.learning),
          w_in(p.inputs, p.recurrent),
          w_rec(p.recurrent, p.recurrent),
          w_out(p.recurrent, p.outputs),
          feedback(p.recurrent * p.outputs) {
        std::uint32_t draw = 0;
        const auto normal = [&] {
            return double(random_normal({.seed = 9, .stream = Stream::test}, draw++));
        };
        for (auto* w : {&w_in.weights(), &w_rec.weights(), &w_out.weights(), &feedback}) {
            for (double& v : *w) {
                v = 0.6 * normal() * (p.input_gain == 1.0 ? 0.05 : 1.0);
            }
        }
        for (std::uint32_t j = 0; j < p.recurrent; ++j) {
            w_rec.weights()[j * p.recurrent + j] = 0;
        }
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (std::uint32_t i = 0; i < p.inputs; ++i) {
                if (random_uniform({.seed = 4, .stream = Stream::task_input, .step = t}, i) < 0.08F) {
                    trial.input.add(i);
                }
            }
            trial.input.end_step();
        }
        trial.label = 1;
        trial.window_begin = 40;
        trial.window_end = kSteps - 7;
        trial.target.resize(kSteps * p.outputs);
        for (double& y : trial.target) {
            y = 0.5 * normal();
        }
        run();
        REQUIRE(tape.spikes.spikes() > 60);
    }
    void run() { ForwardPass<double>(p).run(trial, w_in, w_rec, w_out, tape); }

    Gradients<double> gradient(GradientForm form, const RateRegularizer<double>& regularizer) const {
        Gradients<double> g(p);
        make_gradient(form, p)->compute(tape, feedback, regularizer, g);
        return g;
    }
};

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double scale = 0, difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        scale = std::max(scale, std::abs(a[i]));
        difference = std::max(difference, std::abs(a[i] - b[i]));
    }
    REQUIRE(scale > 0);
    return difference / scale;
}

void check_equal(const Gradients<double>& a, const Gradients<double>& b) {
    CHECK(largest_difference(a.w_in, b.w_in) < 1e-12);
    CHECK(largest_difference(a.w_rec, b.w_rec) < 1e-12);
    CHECK(largest_difference(a.w_out, b.w_out) < 1e-12);
}

constexpr RateRegularizer<double> kPerTrial{.strength = 40.0, .target_per_step = 0.02};
constexpr RateRegularizer<double> kRunning{
    .strength = 0.5, .target_per_step = 0.02, .form = RegularizerForm::running_average, .decay = 0.95};

/// gradient.hpp, equation by equation, for one synapse at a time.
Gradients<double> transcribed(const Bench& b, const RateRegularizer<double>& reg) {
    const auto& p = b.p;
    const std::size_t n = p.recurrent, outputs = p.outputs;
    Gradients<double> g(p);
    std::vector<std::vector<double>> x(kSteps, std::vector<double>(p.inputs)),
        z(kSteps, std::vector<double>(n));
    for (std::size_t t = 0; t < kSteps; ++t) {
        for (const auto i : b.trial.input.at(t)) {
            x[t][i] = 1;
        }
        for (const auto j : b.tape.spikes.at(t)) {
            z[t][j] = 1;
        }
    }
    const auto synapse = [&](std::size_t j, const auto& arrives) {
        const double alpha = p.plain_lif ? p.alpha : p.alpha_of[j],
                     gain = p.plain_lif ? p.input_gain : p.gain_of[j];
        const double beta = p.plain_lif ? 0.0 : p.beta[j];
        double zb = 0, eps = 0, eb = 0, er = 0, sum_e = 0, rate = 0, total = 0;
        for (std::size_t t = 0; t < kSteps; ++t) {
            double signal = 0;
            for (std::size_t k = 0; k < outputs; ++k) {
                signal += b.feedback[k * n + j] * b.tape.error[t * outputs + k];
            }
            zb = alpha * zb + gain * arrives(t);
            const double e = b.tape.pseudo_derivative[t * n + j] * (zb - beta * eps);
            eps = p.rho * eps + e;
            eb = p.eligibility_decay * eb + p.eligibility_gain * e;
            sum_e += e;
            total += signal * eb;
            if (reg.form == RegularizerForm::running_average) {
                rate = reg.decay * rate + (1 - reg.decay) * z[t][j];
                er = reg.decay * er + (1 - reg.decay) * e;
                total += reg.strength * (rate - reg.target_per_step) * er;
            }
        }
        if (reg.form == RegularizerForm::per_trial) {
            total += reg.strength / kSteps * (b.tape.spike_count[j] / double(kSteps) - reg.target_per_step) *
                     sum_e;
        }
        return total;
    };
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i < p.inputs; ++i) {
            g.w_in[i * n + j] = synapse(j, [&](std::size_t t) { return x[t][i]; });
        }
        for (std::size_t i = 0; i < n; ++i) {
            g.w_rec[i * n + j] =
                i == j ? 0 : synapse(j, [&](std::size_t t) { return t ? z[t - 1][i] : 0.0; });
        }
        double zo = 0;
        for (std::size_t t = 0; t < kSteps; ++t) {
            zo = p.kappa * zo + p.readout_gain * z[t][j];
            for (std::size_t k = 0; k < outputs; ++k) {
                g.w_out[j * outputs + k] += b.tape.error[t * outputs + k] * zo;
            }
        }
    }
    return g;
}

void check_forms(const ExperimentConfig& config) {
    const Bench b(config);
    for (const auto& regularizer : {kPerTrial, kRunning}) {
        const Gradients<double> expected = transcribed(b, regularizer);
        check_equal(expected, b.gradient(GradientForm::factorised, regularizer));
        check_equal(expected, b.gradient(GradientForm::online, regularizer));
    }
}

}  // namespace

TEST_CASE("both forms of the gradient equal the equations for every pseudo-derivative and regulariser") {
    for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
        for (const auto& [name, kind] : kPseudoDerivativeNames) {
            CAPTURE(name);
            ExperimentConfig config = small(neuron);
            config.network.pseudo_derivative = kind;
            check_forms(config);
        }
    }
}

TEST_CASE("both forms of the gradient equal the equations for every reset, scaling and loss") {
    for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
        for (const auto& [name, reset] : kResetNames) {
            CAPTURE(name);
            ExperimentConfig config = small(neuron);
            config.network.reset = reset;
            config.network.reset_value = -0.01;
            config.network.firing_test = FiringTest::above;
            config.network.input_scaling = LeakScaling::one;
            config.network.readout_scaling = LeakScaling::one;
            config.learning.eligibility_scaling = LeakScaling::one;
            config.learning.eligibility_decay = 0.9;
            config.learning.loss = Loss::cross_entropy;
            check_forms(config);
        }
    }
}

TEST_CASE("both forms of the gradient equal the equations for time constants of each neuron") {
    for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
        ExperimentConfig config = small(neuron);
        config.network.tau_membrane_max_seconds = 0.3;
        check_forms(config);
    }
}

TEST_CASE("e-prop is back-propagation through time once the recurrent spikes carry no gradient") {
    for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
        ExperimentConfig config = small(NeuronKind::alif);
        config.learning.loss = loss;
        Bench b(config);
        const auto& p = b.p;
        const std::size_t n = p.recurrent, outputs = p.outputs;
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t k = 0; k < outputs; ++k) {
                b.feedback[k * n + j] = b.w_out.weights()[j * outputs + k];
            }
        }
        std::vector<double> dy(outputs), dv(n), db(n), expected(p.inputs * n);
        for (std::size_t t = kSteps; t-- > 0;) {
            for (std::size_t k = 0; k < outputs; ++k) {
                dy[k] = b.tape.error[t * outputs + k] + p.kappa * dy[k];
            }
            for (std::size_t j = 0; j < n; ++j) {
                double dz = db[j];  // z[t] raises b[t+1]
                for (std::size_t k = 0; k < outputs; ++k) {
                    dz += (1 - p.kappa) * b.w_out.weights()[j * outputs + k] * dy[k];
                }
                const double slope = b.tape.pseudo_derivative[t * n + j];
                dv[j] = slope * dz + p.alpha * dv[j];
                db[j] = p.rho * db[j] - p.beta[j] * slope * dz;
            }
            for (const auto i : b.trial.input.at(t)) {
                for (std::size_t j = 0; j < n; ++j) {
                    expected[i * n + j] += p.input_gain * dv[j];
                }
            }
        }
        CHECK(largest_difference(expected, b.gradient(GradientForm::online, {}).w_in) < 1e-12);
    }
}

TEST_CASE("the gradient of the readout weights is the difference quotient of the loss") {
    for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
        ExperimentConfig config = small(NeuronKind::lif);
        config.learning.loss = loss;
        Bench b(config);
        const Gradients<double> g = b.gradient(GradientForm::factorised, {});
        const double part = loss == Loss::mse ? 0.5 : 1.0;  // of the tape's sum that is E
        for (const std::size_t at : {0UL, 10UL, 25UL, 44UL}) {
            constexpr double kStep = 1e-4;
            double& w = b.w_out.weights()[at];
            const double original = w;
            w = original + kStep;
            b.run();
            const double above = part * b.tape.loss;
            w = original - kStep;
            b.run();
            const double below = part * b.tape.loss;
            w = original;
            CHECK((above - below) / (2 * kStep) == doctest::Approx(g.w_out[at]).epsilon(1e-5));
        }
    }
}

TEST_CASE("neurons follow their equations for every reset and test") {
    for (const auto& [name, reset] : kResetNames) {
        for (const FiringTest test : {FiringTest::at_or_above, FiringTest::above}) {
            CAPTURE(name);
            ExperimentConfig config = small(NeuronKind::alif);
            config.network.reset = reset;
            config.network.reset_value = -0.02;
            config.network.firing_test = test;
            const Bench b(config);
            const auto& p = b.p;
            const std::size_t n = p.recurrent;
            std::vector<double> v(n), a(n), z(n), before(n);
            std::vector<int> last(n, -100);
            for (std::uint32_t t = 0; t < kSteps; ++t) {
                std::vector<double> now(n);
                for (std::size_t j = 0; j < n; ++j) {
                    double current = 0;
                    for (const auto i : b.trial.input.at(t)) {
                        current += const_cast<Bench&>(b).w_in.weights()[i * n + j];
                    }
                    for (std::size_t i = 0; i < n; ++i) {
                        current += z[i] * const_cast<Bench&>(b).w_rec.weights()[i * n + j];
                    }
                    const bool silent = int(t) - last[j] < 3;
                    const double held = v[j];
                    v[j] = p.alpha * v[j] + p.input_gain * current;
                    if (reset == ResetKind::subtract_next) {
                        v[j] -= p.threshold * z[j];
                    }
                    if (reset == ResetKind::to_value && silent) {
                        v[j] = held;
                    }
                    a[j] = p.rho * a[j] + z[j];
                    const double threshold = p.threshold + p.beta[j] * a[j];
                    const double slope = std::max(0.0, 1 - std::abs(v[j] - threshold) / p.threshold);
                    CHECK(b.tape.pseudo_derivative[t * n + j] ==
                          doctest::Approx(silent ? 0.0 : 0.3 / p.threshold * slope).epsilon(1e-9));
                    if (!silent && v[j] >= threshold) {
                        now[j] = 1;
                        last[j] = int(t);
                        v[j] = reset == ResetKind::subtract   ? v[j] - p.threshold
                               : reset == ResetKind::to_value ? -0.02
                                                              : v[j];
                    }
                }
                std::vector<double> fired(n);
                for (const auto j : b.tape.spikes.at(t)) {
                    fired[j] = 1;
                }
                CHECK(fired == now);
                z = now;
            }
        }
    }
}

TEST_CASE("a neuron exactly at its threshold fires unless the test is strict") {
    for (const FiringTest test : {FiringTest::at_or_above, FiringTest::above}) {
        ExperimentConfig config = small(NeuronKind::lif);
        config.network.reset = ResetKind::subtract;
        config.network.input_scaling = LeakScaling::one;
        config.network.threshold = 0.5;
        config.network.firing_test = test;
        const NetworkParameters<double> p(config.network);
        std::vector<double> in(17, 0.25), rec(17, 0.25), v(17), z(17), b(17), psi(17);
        std::vector<std::int32_t> silent(17);
        step_neurons(p, std::span<const double>(in), std::span<const double>(rec),
                     NeuronSlice<double>{v, z, b, silent, p.beta, p.alpha_of, p.gain_of}, std::span(psi));
        CHECK(z == std::vector<double>(17, test == FiringTest::above ? 0.0 : 1.0));
    }
}

TEST_CASE("tables of numbers are checked") {
    CHECK(parse_numbers("f", "1, 2.5,-3", 3) == std::vector<double>{1, 2.5, -3});
    for (const std::string text : {"", "1,2", "1,2,3,4", "1;2;3", "1,x,3", "1,2,nan"}) {
        CHECK_THROWS_AS(parse_numbers("f", text, 3), InputError);
    }
}

TEST_CASE("a gradient made in several blocks of columns equals the online form") {
    for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
        for (const RateRegularizer<double>& regularizer : {kPerTrial, kRunning}) {
            ExperimentConfig config = small(neuron);
            config.network.inputs = 3000;  // 64 columns of doubles fill the cache
            config.network.recurrent = 150;
            Bench b(config);
            check_equal(b.gradient(GradientForm::factorised, regularizer),
                        b.gradient(GradientForm::online, regularizer));
        }
    }
}
