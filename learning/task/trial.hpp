// One trial: what goes in and what should come out.
#pragma once

#include <cstdint>
#include <vector>

#include "learning/network/spike_train.hpp"

namespace memprop::learning {

using network::SpikeTrain;

struct Trial {
    SpikeTrain input;
    std::vector<double> target;  ///< [step][readout]; empty if the trial has a label
    std::int32_t label = -1;     ///< class, for the cross-entropy loss
    /// The learning window: errors count in the steps [begin, end), end limited to the trial's length.
    std::uint32_t window_begin = 0, window_end = UINT32_MAX;
};

}  // namespace memprop::learning
