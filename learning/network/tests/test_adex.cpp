// AdEx neurons against an integration of their equations in extended precision, with the mathematical
// library's exponential. Parameter sets: Naud, Marcille, Clopath and Gerstner, Biol. Cybern. 99, 335 (2008),
// table 1 (tonic, adapting, initial burst, regular bursting), and Brette and Gerstner, J. Neurophysiol. 94,
// 3637 (2005).
#include <doctest/doctest.h>

#include <cmath>

#include "learning/network/tests/support.hpp"

namespace memprop::network {
namespace {

using namespace test;

struct Neuron {
    const char* name;
    long double c, g, rest, threshold, slope, a, tau_ms, b, reset, spike, current;
    std::size_t fewest, most;  ///< spikes in a second
};

constexpr Neuron kNeurons[] = {
    {"tonic", 200, 10, -70, -50, 2, 2, 30, 0, -58, 0, 500, 60, 200},
    {"adapting", 200, 12, -70, -50, 2, 2, 300, 60, -58, 0, 500, 8, 60},
    {"initial burst", 130, 18, -58, -50, 2, 4, 150, 120, -50, 0, 400, 8, 60},
    {"regular bursting", 200, 10, -58, -50, 2, 2, 120, 100, -46, 0, 210, 8, 80},
    {"Brette and Gerstner", 281, 30, -70.6L, -50.4L, 2, 4, 144, 80.5L, -70.6L, 20, 1000, 8, 60},
};
constexpr double kDt = 0.05e-3;
constexpr std::uint32_t kSteps = 20'000;

std::vector<std::uint32_t> integrate(const Neuron& p) {
    const long double dt = 0.05L;
    const long double moved = 1 - std::exp(-dt * p.g / p.c), adapted = 1 - std::exp(-dt / p.tau_ms);
    long double v = p.rest, w = 0;
    std::vector<std::uint32_t> spikes;
    for (std::uint32_t t = 0; t < kSteps; ++t) {
        const long double rise = p.slope * std::exp((v - p.threshold) / p.slope);
        const long double settled = p.rest + rise + (p.current - w) / p.g, before = v;
        v += moved * (settled - v);
        w += adapted * (p.a * (before - p.rest) - w);
        if (v >= p.spike) {
            spikes.push_back(t);
            v = p.reset;
            w += p.b;
        }
    }
    return spikes;
}

Population adex(const Neuron& p) {
    const auto number = [](long double value) { return std::vector<double>{static_cast<double>(value)}; };
    return population("n", 1, "adex",
                      {{"capacitance_pf", number(p.c)},
                       {"leak_conductance_ns", number(p.g)},
                       {"leak_potential_mv", number(p.rest)},
                       {"threshold_mv", number(p.threshold)},
                       {"slope_mv", number(p.slope)},
                       {"a_ns", number(p.a)},
                       {"tau_adaptation_seconds", number(p.tau_ms / 1000)},
                       {"b_pa", number(p.b)},
                       {"reset_mv", number(p.reset)},
                       {"spike_mv", number(p.spike)}});
}

template <class Real>
std::vector<std::uint32_t> run(const Neuron& p, std::vector<Real>* slopes = nullptr) {
    const auto neurons = make_neurons<Real>(adex(p), kDt);
    const std::vector<Real> current{static_cast<Real>(p.current)};
    const std::vector<std::span<const Real>> receptors{current};
    std::vector<Real> psi(1);
    std::vector<std::uint32_t> spikes;
    Signal<Real> out;
    for (std::uint32_t t = 0; t < kSteps; ++t) {
        neurons->step({.receptors = receptors}, out, psi);
        if (!out.spikes().empty()) {
            spikes.push_back(t);
        }
        if (slopes != nullptr) {
            slopes->push_back(psi[0]);
        }
    }
    return spikes;
}

TEST_CASE("AdEx neurons spike when their equations do") {
    for (const Neuron& p : kNeurons) {
        CAPTURE(p.name);
        const std::vector<std::uint32_t> expected = integrate(p);
        CHECK(expected.size() >= p.fewest);
        CHECK(expected.size() <= p.most);
        CHECK(run<double>(p) == expected);
    }
}

std::vector<double> intervals(const std::vector<std::uint32_t>& spikes) {
    std::vector<double> result;
    for (std::size_t i = 1; i < spikes.size(); ++i) {
        result.push_back(spikes[i] - spikes[i - 1]);
    }
    return result;
}

TEST_CASE("AdEx neurons fire in the patterns of their parameter sets") {
    const auto tonic = intervals(run<double>(kNeurons[0]));
    CHECK(tonic.back() == doctest::Approx(tonic[tonic.size() / 4]).epsilon(0.01));
    const auto adapting = intervals(run<double>(kNeurons[1]));
    CHECK(adapting.back() > 2.0 * adapting.front());
    const auto bursts = intervals(run<double>(kNeurons[3]));
    const auto [shortest, longest] = std::minmax_element(bursts.begin() + 3, bursts.end());
    CHECK(*longest > 4.0 * *shortest);
}

TEST_CASE("AdEx neurons in single precision fire at nearly the same times") {
    const auto single = run<float>(kNeurons[1]), twice = run<double>(kNeurons[1]);
    REQUIRE(single.size() == twice.size());
    for (std::size_t i = 0; i < single.size(); ++i) {
        CHECK(std::abs(double(single[i]) - double(twice[i])) <= 20.0);
    }
}

TEST_CASE("the pseudo-derivative of AdEx neurons is highest at V_T and stays finite") {
    std::vector<double> psi;
    run<double>(kNeurons[4], &psi);
    for (const double value : psi) {
        REQUIRE(value >= 0.0);
        REQUIRE(value <= 0.3 / 20.2 * (1 + 1e-12));
    }
    CHECK(*std::max_element(psi.begin(), psi.end()) > 0.95 * 0.3 / 20.2);
}

TEST_CASE("AdEx neurons cannot rest or be reset above the end of a spike") {
    Neuron p = kNeurons[0];
    p.reset = 5;
    CHECK(input_error([&] { make_neurons<double>(adex(p), kDt); }).find("population.n.reset_mv = 5") !=
          std::string::npos);
}

}  // namespace
}  // namespace memprop::network
