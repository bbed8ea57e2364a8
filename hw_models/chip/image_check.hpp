// Whether a core can be what an image says.
#pragma once

#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/core_image.hpp"

namespace memprop::hw::chip {

/// Throws InputError naming the resource of which the core has too little with need and limit, or what is no
/// network: neurons with parameters that their model does not have, event addresses that there are not.
void check_image(const CoreProgram& program, const ChipConfig& config);

}  // namespace memprop::hw::chip
