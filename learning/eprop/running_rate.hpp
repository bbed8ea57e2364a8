// The firing-rate regulariser: what pulls each neuron, in each step or over a trial.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/eprop/gradient.hpp"

namespace memprop::learning {

/// rate[j] = k rate[j] + (1 - k) z_j, pull[j] = c_reg (rate[j] - f*).
template <class Real>
void advance_running_rate(const RateRegularizer<Real>& regularizer, std::span<const std::uint32_t> spikes,
                          std::span<Real> rate, std::span<Real> pull) {
    for (Real& r : rate) {
        r *= regularizer.decay;
    }
    for (const std::uint32_t j : spikes) {
        rate[j] += Real{1} - regularizer.decay;
    }
    for (std::size_t j = 0; j < rate.size(); ++j) {
        pull[j] = regularizer.strength * (rate[j] - regularizer.target_per_step);
    }
}

/// The per_trial form: the factor of a neuron's sum of e over a trial of `steps` steps in which it spiked
/// that often.
template <class Real>
Real trial_rate_error(const RateRegularizer<Real>& regularizer, std::uint32_t spikes, std::size_t steps) {
    const auto duration = static_cast<Real>(steps);
    const Real rate = static_cast<Real>(spikes) / duration;
    return regularizer.strength * (rate - regularizer.target_per_step) / duration;
}

}  // namespace memprop::learning
