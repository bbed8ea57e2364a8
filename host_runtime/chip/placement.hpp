// Which node of the mesh each core of a plan takes, so that flits have few links to pass.
#pragma once

#include <cstdint>

#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/chip_plan.hpp"

namespace memprop::host {

/// Links that flits pass in a time step in which every input and every neuron spikes once: for each tree its
/// links times the flits along it (input spikes; a core's spikes and its neurons_done; the step flit), and
/// the links from each core with readouts to the host times its values, and from every core for its
/// core_done.
std::uint64_t hop_cost(const hw::chip::ChipPlan& plan, const hw::chip::ChipConfig& chip);

/// Moves cores to free nodes and swaps them as long as that lowers hop_cost(); the same plan always gets the
/// same place.
void place_cores(hw::chip::ChipPlan& plan, const hw::chip::ChipConfig& chip);

}  // namespace memprop::host
