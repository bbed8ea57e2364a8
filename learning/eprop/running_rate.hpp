// The running-average form of the rate regulariser: what pulls each neuron in each step.
#pragma once

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

}  // namespace memprop::learning
