// How much of a leaky state is left after a step.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "learning/network/neurons.hpp"

namespace memprop::network {

/// Of a state with tau v' = -v, one value for each neuron.
struct Leak {
    std::vector<double> decay;  ///< exp(-dt/tau), or 1 - dt/tau
    std::vector<double> lost;   ///< 1 - exp(-dt/tau), or dt/tau
};

/// From the parameter `tau` of the population, in seconds, and its `integrator`. Throws InputError naming
/// population and parameter where forward Euler diverges (dt > 2 tau).
Leak leak_of(const Population& population, std::span<const Field> fields, std::string_view tau,
             double time_step_seconds);

/// Values beyond Real's range become its limits.
template <class Real>
Real narrow(double value) {
    constexpr auto kMost = static_cast<double>(std::numeric_limits<Real>::max());
    return static_cast<Real>(std::clamp(value, -kMost, kMost));
}
template <class Real>
std::vector<Real> narrow(const std::vector<double>& values) {
    std::vector<Real> result(values.size());
    std::transform(values.begin(), values.end(), result.begin(), [](double v) { return narrow<Real>(v); });
    return result;
}

/// A gain that is 1 but for rounding is 1: files store resistances of 1 / (1 - decay) for inputs that enter
/// unscaled.
template <class Real>
Real gain_of(double scale, double resistance) {
    constexpr double kRounding = 4.0 * std::numeric_limits<double>::epsilon();
    const double gain = scale * resistance;
    return resistance != 1.0 && std::abs(gain - 1.0) <= kRounding ? Real{1} : narrow<Real>(gain);
}

/// One value in the place of many that are equal.
template <class Real>
std::vector<Real> shared(std::vector<Real> values) {
    if (values.size() > 1 &&
        std::all_of(values.begin(), values.end(), [&](Real v) { return v == values.front(); })) {
        values.erase(values.begin() + 1, values.end());
    }
    return values;
}

}  // namespace memprop::network
