// Places a recurrent network on a chip: which core holds which neurons, readouts and tiles, which word line
// a spike drives, and along which trees flits travel.
//
// Neurons are split evenly over the cores, in whole columns of tiles; readouts go to the cores with the most
// room. A layer larger than a tile's columns takes several tiles side by side, a fan-in larger than its rows
// several tiles that are summed. Cores are used in order of their distance from the host, so a network that
// needs few stays near it. The same network always gets the same place.
#pragma once

#include <string>

#include "host_runtime/config/experiment.hpp"
#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/chip_plan.hpp"

namespace memprop::host {

/// Throws InputError naming the resource of which there is too little, the need and the limit.
hw::chip::ChipPlan map_network(const Experiment& experiment);

/// A table of what went where and how full it is.
std::string describe_plan(const hw::chip::ChipPlan& plan, const Experiment& experiment);

}  // namespace memprop::host
