// What a forward pass leaves behind: enough for any form of the gradient, and for recording.
#pragma once

#include <cstdint>
#include <vector>

#include "learning/network/spike_train.hpp"

namespace memprop::learning {

template <class Real>
struct Tape {
    const SpikeTrain* input = nullptr;       ///< not owned; valid while the trial lives
    SpikeTrain spikes;                       ///< of the recurrent neurons
    std::vector<Real> pseudo_derivative;     ///< [step][neuron]
    std::vector<Real> output;                ///< [step][readout]: y
    std::vector<Real> error;                 ///< [step][readout]: dE/dy, 0 outside the learning window
    std::vector<std::uint32_t> spike_count;  ///< [neuron]
    double loss = 0.0;                       ///< summed over the window: squared errors, or cross-entropy
    std::uint32_t window_steps = 0;          ///< steps of the learning window
};

}  // namespace memprop::learning
