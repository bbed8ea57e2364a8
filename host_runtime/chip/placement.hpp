// Moves the cores of an image so that events pass fewer links.
#pragma once

#include <cstdint>

#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/chip_image.hpp"

namespace memprop::host {

/// Links passed in a time step in which every neuron fires; one between two chips counts as
/// ChipConfig::links_per_boundary() of those within a chip.
std::uint64_t hop_cost(const hw::chip::ChipImage& image, const hw::chip::ChipConfig& chip);

/// Exchanges the places of two cores, used or not, as long as that saves links; stops when a round over all
/// cores saves less than a hundredth.
void place_cores(hw::chip::ChipImage& image, const hw::chip::ChipConfig& chip);

}  // namespace memprop::host
