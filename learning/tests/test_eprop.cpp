#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "crossbar/base/random.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/network/forward.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

/// A small random network and trial in `Real`.
template <class Real>
struct Bench {
    NetworkConfig config;
    NetworkParameters<Real> p;
    DenseProjection<Real> w_in, w_rec, w_out;
    Trial trial;
    SpikeTrain& input = trial.input;
    std::vector<double>& target = trial.target;
    std::vector<Real> feedback;
    Tape<Real> tape;

    static NetworkConfig network(std::int64_t outputs, std::int64_t refractory_steps) {
        NetworkConfig c;
        c.inputs = 13;
        c.recurrent = 19;
        c.outputs = outputs;
        c.refractory_steps = refractory_steps;
        return c;
    }

    Bench(std::int64_t outputs, std::int64_t refractory_steps)
        : config(network(outputs, refractory_steps)),
          p(config),
          w_in(p.inputs, p.recurrent),
          w_rec(p.recurrent, p.recurrent),
          w_out(p.recurrent, p.outputs) {
        std::uint32_t draw = 0;
        const auto normal = [&] { return Real(random_normal({.seed = 4, .stream = Stream::test}, draw++)); };
        for (auto* w : {&w_in.weights(), &w_rec.weights(), &w_out.weights()}) {
            for (Real& v : *w) {
                v = Real(0.3) * normal();
            }
        }
        for (std::uint32_t j = 0; j < p.recurrent; ++j) {
            w_rec.weights()[j * p.recurrent + j] = 0;
        }
        for (std::uint32_t t = 0; t < 300; ++t) {
            for (std::uint32_t i = 0; i < p.inputs; ++i) {
                if (random_uniform({.seed = 4, .stream = Stream::task_input, .step = t}, i) < 0.08F) {
                    input.add(i);
                }
            }
            input.end_step();
        }
        target.resize(300 * p.outputs);
        for (double& y : target) {
            y = 0.5F * float(normal());
        }
        feedback.resize(p.recurrent * p.outputs);
        for (Real& b : feedback) {
            b = normal();
        }
        run();
    }
    void run() {
        ForwardPass<Real> forward(p);
        forward.run(trial, w_in, w_rec, w_out, tape);
    }
    double loss() const {
        double sum = 0;
        for (const Real e : tape.error) {
            sum += 0.5 * double(e) * double(e);
        }
        return sum;
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

constexpr RateRegularizer<double> kRegularizer{.strength = 40.0, .target_per_step = 0.02};

/// The equations of gradient.hpp, word for word, with a trace per synapse and no shortcuts.
Gradients<double> transcribed_gradient(const Bench<double>& b) {
    const std::size_t n = b.p.recurrent, in = b.p.inputs, outputs = b.p.outputs, steps = b.input.steps();
    Gradients<double> g(b.p);
    std::vector<double> zb_in(in), zb_rec(n), zo(n);
    std::vector<double> eb_in(in * n), eb_rec(n * n), sum_in(in * n), sum_rec(n * n);
    std::vector<char> before(n, 0);
    for (std::size_t t = 0; t < steps; ++t) {
        std::vector<char> x(in, 0), z(n, 0);
        for (const std::uint32_t i : b.input.at(t)) {
            x[i] = 1;
        }
        for (const std::uint32_t j : b.tape.spikes.at(t)) {
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
                signal += b.feedback[k * n + j] * b.tape.error[t * outputs + k];
                g.w_out[j * outputs + k] += b.tape.error[t * outputs + k] * zo[j];
            }
            const double psi = b.tape.pseudo_derivative[t * n + j];
            const auto advance = [&](double zb, double& eb, double& sum, double& gradient) {
                const double e = psi * zb;
                eb = b.p.kappa * eb + (1 - b.p.kappa) * e;
                sum += e;
                gradient += signal * eb;
            };
            for (std::size_t i = 0; i < in; ++i) {
                advance(zb_in[i], eb_in[i * n + j], sum_in[i * n + j], g.w_in[i * n + j]);
            }
            for (std::size_t i = 0; i < n; ++i) {
                advance(zb_rec[i], eb_rec[i * n + j], sum_rec[i * n + j], g.w_rec[i * n + j]);
            }
        }
        before = z;
    }
    for (std::size_t j = 0; j < n; ++j) {
        const double rate = double(b.tape.spike_count[j]) / double(steps);
        const double pull = kRegularizer.strength * (rate - kRegularizer.target_per_step) / double(steps);
        for (std::size_t i = 0; i < in; ++i) {
            g.w_in[i * n + j] += pull * sum_in[i * n + j];
        }
        for (std::size_t i = 0; i < n; ++i) {
            g.w_rec[i * n + j] = i == j ? 0.0 : g.w_rec[i * n + j] + pull * sum_rec[i * n + j];
        }
    }
    return g;
}

}  // namespace

TEST_CASE("both forms of the gradient equal the equations to rounding") {
    for (const std::int64_t outputs : {1, 3}) {
        for (const std::int64_t refractory_steps : {0, 5}) {
            Bench<double> b(outputs, refractory_steps);
            REQUIRE(b.tape.spikes.spikes() > 50);
            const Gradients<double> expected = transcribed_gradient(b);
            for (const GradientForm form : {GradientForm::factorised, GradientForm::online}) {
                Gradients<double> g(b.p);
                make_gradient(form, b.p)->compute(b.tape, b.feedback, kRegularizer, g);
                CHECK(largest_difference(expected.w_in, g.w_in) < 1e-12);
                CHECK(largest_difference(expected.w_rec, g.w_rec) < 1e-12);
                CHECK(largest_difference(expected.w_out, g.w_out) < 1e-12);
            }
        }
    }
}

TEST_CASE("a gradient computed twice is the same: nothing of a trial is left in the engine") {
    Bench<double> b(1, 0);
    for (const GradientForm form : {GradientForm::factorised, GradientForm::online}) {
        Gradients<double> first(b.p), second(b.p);
        const auto engine = make_gradient(form, b.p);
        engine->compute(b.tape, b.feedback, kRegularizer, first);
        engine->compute(b.tape, b.feedback, kRegularizer, second);
        CHECK(first.w_in == second.w_in);
        CHECK(first.w_rec == second.w_rec);
        CHECK(first.w_out == second.w_out);
    }
}

TEST_CASE("the readout gradient is the derivative of the loss") {
    Bench<double> b(2, 0);
    Gradients<double> g(b.p);
    make_gradient(GradientForm::factorised, b.p)->compute(b.tape, b.feedback, kRegularizer, g);
    for (const std::size_t at : {0UL, 7UL, 20UL, 37UL}) {
        constexpr double kStep = 1e-4;  // the loss is quadratic in the readout weights: no truncation error
        double& w = b.w_out.weights()[at];
        const double original = w;
        w = original + kStep;
        b.run();
        const double above = b.loss();
        w = original - kStep;
        b.run();
        const double below = b.loss();
        w = original;
        CHECK((above - below) / (2 * kStep) == doctest::Approx(g.w_out[at]).epsilon(1e-6));
    }
}

TEST_CASE("a spike silences a neuron for the refractory steps that follow") {
    Bench<double> b(1, 5);
    std::vector<int> last(b.p.recurrent, -1000);
    std::size_t spikes = 0, at_once = 0;
    for (std::size_t t = 0; t < b.input.steps(); ++t) {
        for (const std::uint32_t j : b.tape.spikes.at(t)) {
            const int gap = int(t) - last[j];
            CHECK(gap >= 5);
            at_once += gap == 5;
            last[j] = int(t);
            ++spikes;
        }
        for (std::uint32_t j = 0; j < b.p.recurrent; ++j) {
            if (int(t) > last[j] && int(t) < last[j] + 5) {
                CHECK(b.tape.pseudo_derivative[t * b.p.recurrent + j] == 0.0);
            }
        }
    }
    CHECK(spikes > 50);
    CHECK(at_once > 0);
}

TEST_CASE("float and double engines spike alike on a short trial") {
    Bench<double> reference(1, 0);
    Bench<float> b(1, 0);
    CHECK(b.tape.spike_count == reference.tape.spike_count);
    for (std::size_t i = 0; i < b.tape.output.size(); ++i) {
        CHECK(double(b.tape.output[i]) == doctest::Approx(reference.tape.output[i]).epsilon(1e-4));
    }
}
