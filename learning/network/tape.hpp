// What a forward pass leaves behind: enough for any form of the gradient, and for recording.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/network/spike_train.hpp"

namespace memprop::learning {

template <class Real>
struct Tape {
    const SpikeTrain* input = nullptr;   ///< not owned; valid while the trial lives
    SpikeTrain spikes;                   ///< of the recurrent neurons
    std::vector<std::uint32_t> carried;  ///< who spiked in the step before the trial, if state is kept
    /// Inputs whose synapses miss the error of the last step (learning.early_spikes_lose_last_error).
    std::vector<std::uint32_t> late_inputs;
    std::vector<Real> pseudo_derivative;     ///< [step][neuron]
    std::vector<Real> output;                ///< [step][readout]: y
    std::vector<Real> error;                 ///< [step][readout]: dE/dy, 0 outside the learning window
    std::vector<std::uint32_t> spike_count;  ///< [neuron]
    double loss = 0.0;                       ///< summed over the window: squared errors, or cross-entropy
    std::uint32_t window_steps = 0;          ///< steps of the learning window

    /// The recurrent spikes that arrive in step t.
    std::span<const std::uint32_t> arriving(std::size_t t) const {
        return t == 0 ? std::span<const std::uint32_t>(carried) : spikes.at(t - 1);
    }
    /// The error of readout k that the spikes of step t bear, `delay` steps later.
    Real error_of(std::size_t t, std::size_t k, std::size_t outputs, std::uint32_t delay) const {
        return t + delay < spikes.steps() ? error[(t + delay) * outputs + k] : Real{0};
    }
};

}  // namespace memprop::learning
