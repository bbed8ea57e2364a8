// Pseudo-derivatives of a spike by x = v - A (A: threshold), of height h and slope s:
//   piecewise_linear  h max(0, 1 - s |x|)      Bellec et al., Nat. Commun. 11, 3625 (2020)
//   exponential       h exp(-s |x|)            Shrestha and Orchard, NeurIPS 2018
//   fast_sigmoid      h / (1 + s |x|)^2        Zenke and Ganguli, Neural Comput. 30, 1514 (2018)
//   arctan            h / pi / (1 + (pi s x)^2)  Fang et al., ICCV 2021
//   boxcar            h where s |x| <= 1
//   table             h values[i], i = number of edges <= s x: what small digital cores store
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "crossbar/base/math.hpp"
#include "learning/network/choices.hpp"

namespace memprop::network {

/// Marks a refractory neuron in an array of x; its pseudo-derivative is 0.
template <class Real>
inline constexpr Real kRefractory = std::numeric_limits<Real>::infinity();

template <class Real>
struct PseudoDerivativeParameters {
    PseudoDerivative kind = PseudoDerivative::piecewise_linear;
    Real height = 0, slope = 0;
    std::array<Real, 4> edges{};
    std::array<Real, 5> values{};
};

template <class Real>
Real pseudo_derivative(const PseudoDerivativeParameters<Real>& p, Real x) {
    const Real distance = p.slope * (x < Real{0} ? -x : x);
    switch (p.kind) {
        case PseudoDerivative::piecewise_linear:
            return distance < Real{1} ? p.height * (Real{1} - distance) : Real{0};
        case PseudoDerivative::exponential:
            return distance < Real{700} ? p.height * static_cast<Real>(math::exp(-double(distance)))
                                        : Real{0};
        case PseudoDerivative::fast_sigmoid:
            return p.height / ((Real{1} + distance) * (Real{1} + distance));
        case PseudoDerivative::arctan: {
            constexpr Real kPi = Real(3.14159265358979323846);
            return p.height / kPi / (Real{1} + (kPi * distance) * (kPi * distance));
        }
        case PseudoDerivative::boxcar:
            return distance <= Real{1} ? p.height : Real{0};
        case PseudoDerivative::table: {
            std::size_t segment = 0;
            while (segment < p.edges.size() && p.slope * x >= p.edges[segment]) {
                ++segment;
            }
            return p.height * p.values[segment];
        }
    }
    return Real{0};
}

/// Replaces each x = v - A by its pseudo-derivative.
template <class Real>
void apply_pseudo_derivative(const PseudoDerivativeParameters<Real>& p, std::span<Real> x) {
    for (Real& value : x) {
        value = value == kRefractory<Real> ? Real{0} : pseudo_derivative(p, value);
    }
}

}  // namespace memprop::network
