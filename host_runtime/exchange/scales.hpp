// Which weight a uS should stand for, and which step schemes should assume, so that given weights fit on
// given devices: crossbar.weight_scale_per_us, crossbar.weight_scale_out_per_us and update.epsilon_us.
#pragma once

#include <string>

#include "host_runtime/config/experiment.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

inline constexpr double kPartOfRoom = 0.75;  ///< pulses lose their effect towards the ends of a range

struct Scales {
    double rest_us, g_min_us, g_max_us;                   ///< of the device, mean over devices
    double room_us;                                       ///< what a pair can hold of either sign
    double largest, largest_out;                          ///< |weight| of W_in and W_rec, and of W_out
    double weight_scale_per_us, weight_scale_out_per_us;  ///< 0: all these weights are 0
    double nominal_step_us;  ///< of a device that has one, which schemes use; else 0
    double epsilon_us;       ///< mean step on the way to kPartOfRoom of the room; 0 for targets
    int pulses;              ///< that this way takes; kMostPulses if it takes more
};

/// Throws InputError.
Scales find_scales(const Experiment& config, const learning::NetworkWeights& weights);

/// As TOML, with comments.
std::string print_scales(const Experiment& config, const Scales& scales);

}  // namespace memprop::host
