#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/network/models/models.hpp"
#include "learning/tests/eprop_bench.hpp"

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
struct Bench : EpropBench<double> {
    explicit Bench(const ExperimentConfig& config) : EpropBench<double>(config) {
        std::uint32_t draw = 0;
        const auto normal = [&] {
            return double(random_normal({.seed = 9, .stream = Stream::test}, draw++));
        };
        for (auto* w : {&w_in, &w_rec, &w_out, &back()}) {
            for (double& v : *w) {
                v = 0.6 * normal() * (p.input_gain == 1.0 ? 0.05 : 1.0);
            }
        }
        for (std::uint32_t j = 0; j < p.recurrent; ++j) {
            w_rec[j * p.recurrent + j] = 0;
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
        REQUIRE(neurons().events().spikes() > 60);
    }
};

constexpr RateRegularizer<double> kPerTrial{.strength = 40.0, .target_per_step = 0.02};
constexpr RateRegularizer<double> kRunning{
    .strength = 0.5, .target_per_step = 0.02, .form = RegularizerForm::running_average, .decay = 0.95};

/// gradient.hpp, equation by equation, for one synapse at a time.
Gradients<double> transcribed(const Bench& b, const RateRegularizer<double>& reg) {
    const auto& p = b.p;
    const std::size_t n = p.recurrent, outputs = p.outputs;
    Gradients<double> g{std::vector<double>(p.inputs * n), std::vector<double>(n * n),
                        std::vector<double>(n * outputs)};
    std::vector<std::vector<double>> x(kSteps, std::vector<double>(p.inputs)),
        z(kSteps, std::vector<double>(n));
    for (std::size_t t = 0; t < kSteps; ++t) {
        for (const auto i : b.trial.input.at(t)) {
            x[t][i] = 1;
        }
        for (const auto j : b.neurons().events().at(t)) {
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
                signal += b.back()[k * n + j] * b.answer().error[t * outputs + k];
            }
            zb = alpha * zb + gain * arrives(t);
            const double e = b.neurons().pseudo_derivative[t * n + j] * (zb - beta * eps);
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
            total += reg.strength / kSteps *
                     (b.neurons().spike_count[j] / double(kSteps) - reg.target_per_step) * sum_e;
        }
        return total;
    };
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i < p.inputs; ++i) {
            g[0][i * n + j] = synapse(j, [&](std::size_t t) { return x[t][i]; });
        }
        for (std::size_t i = 0; i < n; ++i) {
            g[1][i * n + j] = i == j ? 0 : synapse(j, [&](std::size_t t) { return t ? z[t - 1][i] : 0.0; });
        }
        double zo = 0;
        for (std::size_t t = 0; t < kSteps; ++t) {
            zo = p.kappa * zo + p.readout_gain * z[t][j];
            for (std::size_t k = 0; k < outputs; ++k) {
                g[2][j * outputs + k] += b.answer().error[t * outputs + k] * zo;
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
                b.back()[k * n + j] = b.w_out[j * outputs + k];
            }
        }
        std::vector<double> dy(outputs), dv(n), db(n), expected(p.inputs * n);
        for (std::size_t t = kSteps; t-- > 0;) {
            for (std::size_t k = 0; k < outputs; ++k) {
                dy[k] = b.answer().error[t * outputs + k] + p.kappa * dy[k];
            }
            for (std::size_t j = 0; j < n; ++j) {
                double dz = db[j];  // z[t] raises b[t+1]
                for (std::size_t k = 0; k < outputs; ++k) {
                    dz += (1 - p.kappa) * b.w_out[j * outputs + k] * dy[k];
                }
                const double slope = b.neurons().pseudo_derivative[t * n + j];
                dv[j] = slope * dz + p.alpha * dv[j];
                db[j] = p.rho * db[j] - p.beta[j] * slope * dz;
            }
            for (const auto i : b.trial.input.at(t)) {
                for (std::size_t j = 0; j < n; ++j) {
                    expected[i * n + j] += p.input_gain * dv[j];
                }
            }
        }
        CHECK(largest_difference(expected, b.gradient(GradientForm::online, {})[0]) < 1e-12);
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
            double& w = b.w_out[at];
            const double original = w;
            w = original + kStep;
            b.run();
            const double above = part * b.answer().loss;
            w = original - kStep;
            b.run();
            const double below = part * b.answer().loss;
            w = original;
            CHECK((above - below) / (2 * kStep) == doctest::Approx(g[2][at]).epsilon(1e-5));
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
                        current += b.w_in[i * n + j];
                    }
                    for (std::size_t i = 0; i < n; ++i) {
                        current += z[i] * b.w_rec[i * n + j];
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
                    CHECK(b.neurons().pseudo_derivative[t * n + j] ==
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
                for (const auto j : b.neurons().events().at(t)) {
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
        network::Population population{
            .name = "n", .size = 17, .model = "lif", .parameters = {}, .shape = {}};
        population.set("reset", {double(ResetKind::subtract)});
        population.set("input_scaling", {double(LeakScaling::one)});
        population.set("threshold", {0.5});
        population.set("firing_test", {double(test)});
        const auto neurons = network::make_neurons<double>(population, 1e-3);
        const std::vector<double> sums(17, 0.5);
        const std::span<const double> receptor(sums);
        network::Signal<double> out;
        neurons->step({.receptors = std::span(&receptor, 1), .nothing = false}, out, {});
        CHECK(out.spikes().size() == (test == FiringTest::above ? 0 : 17));
    }
}

TEST_CASE("tables of numbers are checked") {
    ExperimentConfig config = small(NeuronKind::lif);
    config.network.pseudo_derivative = PseudoDerivative::table;
    CHECK_NOTHROW(resolve(config));
    for (const std::string text : {"", "1,2,3", "1,2,3,4,5", "1;2;3;4", "1,x,3,4", "1,2,nan,4", "1,3,2,4"}) {
        config.network.pseudo_table_edges = text;
        CHECK_THROWS_WITH_AS(resolve(config), doctest::Contains("network.pseudo_table_edges"), InputError);
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
