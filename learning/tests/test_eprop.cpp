#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "crossbar/base/random.hpp"
#include "learning/tests/eprop_bench.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

/// A small random network and trial in `Real`.
template <class Real>
struct Bench : EpropBench<Real> {
    using Base = EpropBench<Real>;
    using Base::p, Base::w_in, Base::w_rec, Base::w_out, Base::trial;
    SpikeTrain& input = trial.input;

    static ExperimentConfig network(std::int64_t outputs, std::int64_t refractory_steps) {
        ExperimentConfig c;
        c.network.inputs = 13;
        c.network.recurrent = 19;
        c.network.outputs = outputs;
        c.network.refractory_steps = refractory_steps;
        return c;
    }

    Bench(std::int64_t outputs, std::int64_t refractory_steps) : Base(network(outputs, refractory_steps)) {
        std::uint32_t draw = 0;
        const auto normal = [&] { return Real(random_normal({.seed = 4, .stream = Stream::test}, draw++)); };
        for (auto* w : {&w_in, &w_rec, &w_out}) {
            for (Real& v : *w) {
                v = Real(0.3) * normal();
            }
        }
        for (std::uint32_t j = 0; j < p.recurrent; ++j) {
            w_rec[j * p.recurrent + j] = 0;
        }
        for (std::uint32_t t = 0; t < 300; ++t) {
            for (std::uint32_t i = 0; i < p.inputs; ++i) {
                if (random_uniform({.seed = 4, .stream = Stream::task_input, .step = t}, i) < 0.08F) {
                    input.add(i);
                }
            }
            input.end_step();
        }
        trial.target.resize(300 * p.outputs);
        for (double& y : trial.target) {
            y = 0.5F * float(normal());
        }
        for (Real& b : Base::back()) {
            b = normal();
        }
        Base::run();
    }
    double loss() const {
        double sum = 0;
        for (const Real e : Base::answer().error) {
            sum += 0.5 * double(e) * double(e);
        }
        return sum;
    }
};

constexpr RateRegularizer<double> kRegularizer{.strength = 40.0, .target_per_step = 0.02};

/// The equations of gradient.hpp, word for word, with a trace per synapse and no shortcuts.
Gradients<double> transcribed_gradient(const Bench<double>& b) {
    const std::size_t n = b.p.recurrent, in = b.p.inputs, outputs = b.p.outputs, steps = b.input.steps();
    Gradients<double> g{std::vector<double>(in * n), std::vector<double>(n * n),
                        std::vector<double>(n * outputs)};
    auto &w_in = g[0], &w_rec = g[1], &w_out = g[2];
    const std::vector<double>& error = b.answer().error;
    std::vector<double> zb_in(in), zb_rec(n), zo(n);
    std::vector<double> eb_in(in * n), eb_rec(n * n), sum_in(in * n), sum_rec(n * n);
    std::vector<char> before(n, 0);
    for (std::size_t t = 0; t < steps; ++t) {
        std::vector<char> x(in, 0), z(n, 0);
        for (const std::uint32_t i : b.input.at(t)) {
            x[i] = 1;
        }
        for (const std::uint32_t j : b.neurons().events().at(t)) {
            z[j] = 1;
        }
        for (std::size_t i = 0; i < in; ++i) {
            zb_in[i] = b.p.alpha * zb_in[i] + b.p.input_gain * x[i];
        }
        for (std::size_t i = 0; i < n; ++i) {
            zb_rec[i] = b.p.alpha * zb_rec[i] + b.p.input_gain * before[i];
            zo[i] = b.p.kappa * zo[i] + (1 - b.p.kappa) * z[i];
        }
        for (std::size_t j = 0; j < n; ++j) {
            double signal = 0;
            for (std::size_t k = 0; k < outputs; ++k) {
                signal += b.back()[k * n + j] * error[t * outputs + k];
                w_out[j * outputs + k] += error[t * outputs + k] * zo[j];
            }
            const double psi = b.neurons().pseudo_derivative[t * n + j];
            const auto advance = [&](double zb, double& eb, double& sum, double& gradient) {
                const double e = psi * zb;
                eb = b.p.kappa * eb + (1 - b.p.kappa) * e;
                sum += e;
                gradient += signal * eb;
            };
            for (std::size_t i = 0; i < in; ++i) {
                advance(zb_in[i], eb_in[i * n + j], sum_in[i * n + j], w_in[i * n + j]);
            }
            for (std::size_t i = 0; i < n; ++i) {
                advance(zb_rec[i], eb_rec[i * n + j], sum_rec[i * n + j], w_rec[i * n + j]);
            }
        }
        before = z;
    }
    for (std::size_t j = 0; j < n; ++j) {
        const double rate = double(b.neurons().spike_count[j]) / double(steps);
        const double pull = kRegularizer.strength * (rate - kRegularizer.target_per_step) / double(steps);
        for (std::size_t i = 0; i < in; ++i) {
            w_in[i * n + j] += pull * sum_in[i * n + j];
        }
        for (std::size_t i = 0; i < n; ++i) {
            w_rec[i * n + j] = i == j ? 0.0 : w_rec[i * n + j] + pull * sum_rec[i * n + j];
        }
    }
    return g;
}

}  // namespace

TEST_CASE("both forms of the gradient equal the equations to rounding") {
    for (const std::int64_t outputs : {1, 3}) {
        for (const std::int64_t refractory_steps : {0, 5}) {
            Bench<double> b(outputs, refractory_steps);
            REQUIRE(b.neurons().events().spikes() > 50);
            const Gradients<double> expected = transcribed_gradient(b);
            for (const GradientForm form : {GradientForm::factorised, GradientForm::online}) {
                check_equal(expected, b.gradient(form, kRegularizer));
            }
        }
    }
}

TEST_CASE("a gradient computed twice is the same: nothing of a trial is left in the engine") {
    Bench<double> b(1, 0);
    for (const GradientForm form : {GradientForm::factorised, GradientForm::online}) {
        Gradients<double> first(3), second(3);
        const auto engine = make_gradient(form, b.plan);
        engine->compute(b.tape, b.feedback, kRegularizer, first);
        engine->compute(b.tape, b.feedback, kRegularizer, second);
        CHECK(first == second);
    }
}

TEST_CASE("the readout gradient is the derivative of the loss") {
    Bench<double> b(2, 0);
    const Gradients<double> g = b.gradient(GradientForm::factorised, kRegularizer);
    for (const std::size_t at : {0UL, 7UL, 20UL, 37UL}) {
        constexpr double kStep = 1e-4;  // the loss is quadratic in the readout weights: no truncation error
        double& w = b.w_out[at];
        const double original = w;
        w = original + kStep;
        b.run();
        const double above = b.loss();
        w = original - kStep;
        b.run();
        const double below = b.loss();
        w = original;
        CHECK((above - below) / (2 * kStep) == doctest::Approx(g[2][at]).epsilon(1e-6));
    }
}

TEST_CASE("a spike silences a neuron for the refractory steps that follow") {
    Bench<double> b(1, 5);
    std::vector<int> last(b.p.recurrent, -1000);
    std::size_t spikes = 0, at_once = 0;
    for (std::size_t t = 0; t < b.input.steps(); ++t) {
        for (const std::uint32_t j : b.neurons().events().at(t)) {
            const int gap = int(t) - last[j];
            CHECK(gap >= 5);
            at_once += gap == 5;
            last[j] = int(t);
            ++spikes;
        }
        for (std::uint32_t j = 0; j < b.p.recurrent; ++j) {
            if (int(t) > last[j] && int(t) < last[j] + 5) {
                CHECK(b.neurons().pseudo_derivative[t * b.p.recurrent + j] == 0.0);
            }
        }
    }
    CHECK(spikes > 50);
    CHECK(at_once > 0);
}

TEST_CASE("float and double engines spike alike on a short trial") {
    Bench<double> reference(1, 0);
    Bench<float> b(1, 0);
    CHECK(b.neurons().spike_count == reference.neurons().spike_count);
    for (std::size_t i = 0; i < b.answer().output.size(); ++i) {
        CHECK(double(b.answer().output[i]) == doctest::Approx(reference.answer().output[i]).epsilon(1e-4));
    }
}
