// Neuron models against direct transcriptions of their equations, bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "crossbar/base/math.hpp"
#include "learning/network/choices.hpp"
#include "learning/network/tests/support.hpp"

namespace memprop::network {
namespace {

using namespace test;

constexpr double kDt = 1e-3;

/// One model run with given sums.
template <class Real>
class Bench {
public:
    explicit Bench(const Population& population, double dt = kDt)
        : neurons(make_neurons<Real>(population, dt)),
          psi(population.size),
          sums(2, std::vector<Real>(population.size)),
          receptors{sums[0], sums[1]} {}

    /// x goes to receptor 0.
    void step(const std::vector<double>& x, bool nothing = false, bool with_psi = false) {
        std::transform(x.begin(), x.end(), sums[0].begin(), [](double v) { return static_cast<Real>(v); });
        neurons->step({.receptors = receptors, .nothing = nothing}, out,
                      with_psi ? std::span<Real>(psi) : std::span<Real>());
    }
    std::vector<Real> membrane() const {
        const auto v = neurons->state("membrane");
        return {v.begin(), v.end()};
    }

    std::unique_ptr<Neurons<Real>> neurons;
    Signal<Real> out;
    std::vector<Real> psi;
    std::vector<std::vector<Real>> sums;
    std::vector<std::span<const Real>> receptors;
};

struct Case {
    std::string model;
    ResetKind reset = ResetKind::to_value;
    Integrator integrator = Integrator::euler;
    CurrentJump jump = CurrentJump::scaled;
    bool leaky() const { return model != "i" && model != "if"; }
    bool currents() const { return model.starts_with("cuba"); }
    bool fires() const { return model == "if" || model == "lif" || model == "cuba_lif"; }
};

constexpr std::uint32_t kCount = 23;

struct Values {
    std::vector<double> tau = draws(1, kCount, 2e-3, 30e-3), tau_syn = draws(2, kCount, 1e-3, 20e-3),
                        r = draws(3, kCount, 0.5, 3.0), leak = draws(4, kCount, -0.1, 0.1),
                        w_in = draws(5, kCount, 0.5, 4.0), threshold = draws(6, kCount, 0.1, 0.6),
                        reset = draws(7, kCount, -0.1, 0.1);
};

Population population_of(const Case& c, const Values& v) {
    Population p = population("n", kCount, c.model);
    p.set("resistance", v.r);
    if (c.model != "i") {
        p.set("equations", {double(Equations::difference)});
    }
    if (c.leaky()) {
        p.set("tau_membrane_seconds", v.tau);
        p.set("leak_potential", v.leak);
        p.set("integrator", {double(c.integrator)});
    }
    if (c.currents()) {
        p.set("tau_synapse_seconds", v.tau_syn);
        p.set("input_weight", v.w_in);
        p.set("current_jump", {double(c.jump)});
    }
    if (c.fires()) {
        p.set("threshold", v.threshold);
        p.set("reset", {double(c.reset)});
        p.set("reset_value", v.reset);
        p.set("firing_test", {double(FiringTest::above)});
    }
    return p;
}

/// The difference form, neuron by neuron.
struct DifferenceReference {
    Case c;
    Values p;
    std::vector<double> v = std::vector<double>(kCount), i = v, late = v;
    std::vector<std::uint32_t> spikes{};

    double lost(double tau) const {
        return c.integrator == Integrator::euler ? kDt / tau : 1.0 - math::exp(-std::min(kDt / tau, 700.0));
    }
    void step(const std::vector<double>& input) {
        spikes.clear();
        for (std::uint32_t n = 0; n < kCount; ++n) {
            double x = input[n];
            const double th = p.threshold[n];
            if (c.reset == ResetKind::subtract_carry) {
                late[n] = v[n] > th ? 1.0 : 0.0;
            }
            if (c.currents()) {
                const double a = lost(p.tau_syn[n]);
                i[n] +=
                    c.jump == CurrentJump::scaled ? a * (-i[n] + p.w_in[n] * x) : p.w_in[n] * x - a * i[n];
                x = i[n];
            }
            v[n] += c.leaky() ? lost(p.tau[n]) * ((p.leak[n] - v[n]) + p.r[n] * x) : p.r[n] * x;
            if (c.fires()) {
                fire(n, th);
            }
        }
    }
    void fire(std::uint32_t n, double th) {
        if (c.reset == ResetKind::subtract || c.reset == ResetKind::to_value) {
            if (v[n] > th) {
                spikes.push_back(n);
                v[n] = c.reset == ResetKind::subtract ? v[n] - th : p.reset[n];
            }
            return;
        }
        v[n] -= late[n] * th;
        const double z = v[n] > th ? 1.0 : 0.0;
        if (z != 0.0) {
            spikes.push_back(n);
        }
        if (c.reset == ResetKind::subtract_carry) {
            v[n] -= (z - late[n]) * th;
        }
        late[n] = z;
    }
};

std::vector<Case> difference_cases() {
    std::vector<Case> cases{{.model = "i"}};
    for (const auto integrator : {Integrator::euler, Integrator::exponential}) {
        cases.push_back({.model = "li", .integrator = integrator});
        for (const auto jump : {CurrentJump::scaled, CurrentJump::unscaled}) {
            cases.push_back({.model = "cuba_li", .integrator = integrator, .jump = jump});
        }
        for (const auto& [name, reset] : kAllResetNames) {
            cases.push_back({.model = "if", .reset = reset});
            cases.push_back({.model = "lif", .reset = reset, .integrator = integrator});
            for (const auto jump : {CurrentJump::scaled, CurrentJump::unscaled}) {
                cases.push_back(
                    {.model = "cuba_lif", .reset = reset, .integrator = integrator, .jump = jump});
            }
        }
    }
    return cases;
}

TEST_CASE("models by differences have the bits of their equations") {
    for (const Case& c : difference_cases()) {
        CAPTURE(c.model);
        CAPTURE(static_cast<int>(c.reset));
        const Values values;
        Bench<double> bench(population_of(c, values));
        DifferenceReference reference{.c = c, .p = values};
        std::size_t fired = 0;
        for (std::uint32_t t = 0; t < 200; ++t) {
            const bool nothing = t % 5 >= 3;
            const std::vector<double> x =
                nothing ? std::vector<double>(kCount, 0.0) : draws(100 + t, kCount, -0.4, 1.2);
            bench.step(x, nothing);
            reference.step(x);
            REQUIRE(bench.membrane() == reference.v);
            if (c.fires()) {
                const auto spikes = bench.out.spikes();
                REQUIRE(std::vector(spikes.begin(), spikes.end()) == reference.spikes);
                fired += spikes.size();
            } else {
                REQUIRE(bench.out.dense == reference.v);
            }
            if (c.currents()) {
                const auto i = bench.neurons->state("current");
                REQUIRE(std::vector(i.begin(), i.end()) == reference.i);
            }
        }
        CHECK((fired > 100) == c.fires());
    }
}

/// Training's form, with a test at or above the threshold or strictly above.
template <class Real>
void check_decay_form(const std::string& model, ResetKind reset, Integrator integrator, bool at_threshold) {
    CAPTURE(model);
    CAPTURE(static_cast<int>(reset));
    const Values p;
    Population population = test::population("n", kCount, model);
    const bool leaky = model != "if", fires = model != "li";
    population.set("resistance", p.r);
    population.set("equations", {double(Equations::decay)});
    if (leaky) {
        population.set("tau_membrane_seconds", p.tau);
        population.set("leak_potential", p.leak);
        population.set("integrator", {double(integrator)});
    }
    if (fires) {
        population.set("threshold", p.threshold);
        population.set("reset", {double(reset)});
        population.set("reset_value", p.reset);
        population.set("firing_test", {double(at_threshold ? FiringTest::at_or_above : FiringTest::above)});
    }
    Bench<Real> bench(population);
    std::vector<Real> v(kCount), spike(kCount);
    for (std::uint32_t t = 0; t < 200; ++t) {
        std::vector<double> x = draws(300 + t, kCount, -0.4, 1.2);
        bench.step(x);
        std::vector<std::uint32_t> spikes;
        for (std::uint32_t n = 0; n < kCount; ++n) {
            const double a =
                integrator == Integrator::euler ? kDt / p.tau[n] : 1.0 - math::exp(-kDt / p.tau[n]);
            const double decay = !leaky                            ? 1.0
                                 : integrator == Integrator::euler ? 1.0 - a
                                                                   : math::exp(-kDt / p.tau[n]);
            const auto alpha = static_cast<Real>(decay);
            const auto gain = static_cast<Real>(leaky ? (1.0 - decay) * p.r[n] : p.r[n]);
            const auto th = static_cast<Real>(p.threshold[n]);
            Real u = alpha * v[n] + gain * static_cast<Real>(x[n]);
            if (fires && reset == ResetKind::subtract_next) {
                u -= th * spike[n];
            }
            v[n] = leaky ? u + static_cast<Real>(a * p.leak[n]) : u;
            if (!fires) {
                continue;
            }
            const bool z = at_threshold ? v[n] >= th : v[n] > th;
            spike[n] = z ? Real{1} : Real{0};
            if (z) {
                spikes.push_back(n);
                v[n] = reset == ResetKind::subtract_next ? v[n]
                       : reset == ResetKind::subtract    ? v[n] - th
                                                         : static_cast<Real>(p.reset[n]);
            }
        }
        REQUIRE(bench.membrane() == v);
        const auto got = bench.out.spikes();
        REQUIRE(std::vector(got.begin(), got.end()) == spikes);
    }
}

TEST_CASE("models in the form of training have the bits of its equations") {
    for (const auto integrator : {Integrator::euler, Integrator::exponential}) {
        check_decay_form<float>("li", ResetKind::to_value, integrator, true);
        check_decay_form<double>("li", ResetKind::to_value, integrator, true);
        for (const auto& [name, reset] : kResetNames) {
            for (const bool at_threshold : {false, true}) {
                for (const char* model : {"lif", "if"}) {
                    check_decay_form<float>(model, reset, integrator, at_threshold);
                    check_decay_form<double>(model, reset, integrator, at_threshold);
                }
            }
        }
    }
}

TEST_CASE("a resistance that undoes the scale of the input is taken as such") {
    const double decay = math::exp(-kDt / 17e-3);
    Population lif = population("n", 1, "lif", {{"tau_membrane_seconds", {17e-3}}, {"threshold", {9.0}}});
    lif.set("resistance", {1.0 / (1.0 - decay)});
    Bench<double> bench(lif);
    bench.step({0.3});
    CHECK(bench.membrane()[0] == 0.3);
}

TEST_CASE("the integrator that is left alone changes nothing, and its spikes are those of every step") {
    Bench<double> one(population("n", 3, "if")), other(population("n", 3, "if"));
    for (std::uint32_t t = 0; t < 60; ++t) {
        const bool nothing = t % 3 != 0;
        const std::vector<double> x = nothing ? std::vector<double>(3, 0.0) : draws(t, 3, 0.0, 2.0);
        one.step(x, nothing);
        other.step(x, false, true);  // asks for psi: computes every step
        CHECK(one.out.index == other.out.index);
        CHECK(one.membrane() == other.membrane());
    }
}

TEST_CASE("an integrator above its threshold fires as soon as it is awake, input or none") {
    const Population p =
        population("n", 1, "if", {{"reset", {double(ResetKind::subtract)}}, {"refractory_steps", {3.0}}});
    Bench<double> bench(p);
    std::vector<std::uint32_t> fired;
    for (std::uint32_t t = 0; t < 12; ++t) {
        bench.step({t == 0 ? 3.5 : 0.0}, t > 0);
        if (!bench.out.spikes().empty()) {
            fired.push_back(t);
        }
    }
    CHECK(fired == std::vector<std::uint32_t>{0, 3, 6});
}

TEST_CASE("the currents of two receptors have their own time constants and add up") {
    const double d0 = math::exp(-kDt / 4e-3), d1 = math::exp(-kDt / 50e-3), alpha = math::exp(-kDt / 20e-3);
    for (const char* model : {"cuba_li", "cuba_lif"}) {
        Population p = population("n", 1, model,
                                  {{"tau_membrane_seconds", {20e-3}},
                                   {"tau_synapse_seconds", {4e-3}},
                                   {"tau_synapse_1_seconds", {50e-3}},
                                   {"input_weight", {2.0}},
                                   {"current_jump", {double(CurrentJump::unscaled)}}});
        if (std::string(model) == "cuba_lif") {
            p.set("threshold", {1e9});
        }
        Bench<double> bench(p);
        double i0 = 0, i1 = 0, v = 0;
        for (std::uint32_t t = 0; t < 100; ++t) {
            const double x0 = t % 7 == 0 ? 1.0 : 0.0, x1 = t >= 20 && t % 11 == 0 ? -0.5 : 0.0;
            bench.sums[1][0] = x1;
            bench.step({x0});
            i0 = d0 * i0 + 2.0 * x0;
            i1 = d1 * i1 + 2.0 * x1;
            v = alpha * v + (1.0 - alpha) * (i0 + i1);
            CHECK(bench.membrane()[0] == v);
        }
        CHECK(bench.neurons->state("current_1")[0] == i1);
    }
}

/// What a weight has added to a membrane that never fires is the weight times zb.
template <class Make>
void check_eligibility(Make&& make) {
    for (const char* model : {"lif", "if", "cuba_lif", "li", "cuba_li", "i", "leaky_readout"}) {
        for (const double equations : {0.0, 1.0}) {
            CAPTURE(model);
            CAPTURE(equations);
            Bench<double> bench(make(std::string(model), equations));
            const Eligibility<double>& e = *bench.neurons->eligibility();
            const double weight = 0.37;
            double current = 0, zb = 0;
            for (std::uint32_t t = 0; t < 80; ++t) {
                const double event = t % 9 == 0 ? 1.0 : 0.0;
                bench.step({weight * event});
                const auto& receptor = e.receptors[0];
                current =
                    receptor.has_current() ? receptor.decay[0] * current + receptor.gain[0] * event : event;
                zb = e.alpha[0] * zb + e.gain[0] * current;
                const std::string state = std::string(model) == "leaky_readout" ? "readout" : "membrane";
                CHECK(bench.neurons->state(state)[0] == doctest::Approx(weight * zb).epsilon(1e-12));
            }
        }
    }
}

TEST_CASE("coefficients of eligibility say what a weight does to the membrane") {
    check_eligibility([](const std::string& model, double equations) {
        Population p = population("n", 1, model);
        const bool cuba = model.starts_with("cuba"), readout = model == "leaky_readout";
        if (!readout && model != "i") {
            p.set("equations", {equations});
        }
        if (!readout) {
            p.set("resistance", {1.7});
        }
        if (cuba) {
            p.set("tau_synapse_seconds", {7e-3});
            p.set("input_weight", {2.5});
            p.set("current_jump", {equations});
        }
        if (model.ends_with("if")) {
            p.set("threshold", {1e6});
        }
        return p;
    });
}

TEST_CASE("psi stands between the reset of the last step and that of this one") {
    for (const double equations : {0.0, 1.0}) {
        for (const char* model : {"if", "lif", "cuba_lif"}) {
            for (const auto& [name, reset] : kAllResetNames) {
                const std::string reset_name(name);
                CAPTURE(model);
                CAPTURE(reset_name);
                Population p = population("n", 1, model,
                                          {{"threshold", {0.5}},
                                           {"equations", {equations}},
                                           {"reset", {double(reset)}},
                                           {"refractory_steps", {3.0}},
                                           {"resistance", {60.0}}});
                Bench<double> bench(p);
                int silent = 0, spikes = 0;
                for (std::uint32_t t = 0; t < 60; ++t) {
                    bench.step({draw(7, t, 0.0, 0.06)}, false, true);
                    const double v = bench.membrane()[0], psi = bench.psi[0];
                    const bool fired = !bench.out.spikes().empty();
                    if (silent > 0) {
                        CHECK(psi == 0.0);
                        CHECK_FALSE(fired);
                    } else if (!fired) {
                        CHECK(psi == doctest::Approx(0.6 * std::max(0.0, 1.0 - std::abs(v - 0.5) / 0.5)));
                    }
                    silent = fired ? 2 : std::max(0, silent - 1);
                    spikes += fired ? 1 : 0;
                }
                CHECK(spikes > 1);
            }
        }
    }
}

TEST_CASE("neurons of a threshold spike by what arrives, and by nothing else") {
    Population p = population("n", 3, "threshold", {{"threshold", {0.5, 1.0, -1.0}}});
    Bench<double> bench(p);
    bench.step({0.5, 1.5, -2.0}, false, true);
    CHECK(bench.out.index == std::vector<std::uint32_t>{0, 1});
    CHECK(bench.psi[1] == doctest::Approx(0.3 * 0.5));
    bench.step({0, 0, 0}, true);
    CHECK(bench.out.index == std::vector<std::uint32_t>{2});
    p.set("firing_test", {double(FiringTest::above)});
    Bench<double> strict(p);
    strict.step({0.5, 1.5, -2.0});
    CHECK(strict.out.index == std::vector<std::uint32_t>{1});
}

TEST_CASE("thresholds of 0 leave pseudo-derivatives finite") {
    for (const char* model : {"if", "lif", "cuba_lif", "threshold"}) {
        Bench<float> bench(population("n", 2, model, {{"threshold", {0.0, 1.0}}}));
        bench.step({0.1, 0.1}, false, true);
        CHECK(std::isfinite(bench.psi[0]));
    }
}

TEST_CASE("forward Euler that diverges is refused by name") {
    Population p =
        population("exc", 2, "cuba_lif",
                   {{"integrator", {double(Integrator::euler)}}, {"tau_synapse_seconds", {5e-3, 0.4e-3}}});
    const std::string message = input_error([&] { make_neurons<double>(p, kDt); });
    CHECK(message.find("population.exc.tau_synapse_seconds = 0.0004") != std::string::npos);
    CHECK(message.find("exponential") != std::string::npos);
    p.set("tau_synapse_seconds", {5e-3, 0.6e-3});
    CHECK(input_error([&] { make_neurons<double>(p, kDt); }).empty());
}

TEST_CASE("adaptive neurons have no reset that is carried on") {
    Network network;
    network.populations = {population("a", 1, "alif", {{"reset", {3.0}}})};
    CHECK(input_error([&] { check(network); }).find("population.a.reset = 3") != std::string::npos);
}

}  // namespace
}  // namespace memprop::network
