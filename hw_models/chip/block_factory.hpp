// From the words of an image to what holds the synapses of a block, with the work that an event of each row
// makes.
#pragma once

#include <memory>
#include <string>

#include "hw_models/chip/chip_memory.hpp"
#include "hw_models/chip/core_image.hpp"

namespace memprop::hw::chip {

/// Throws InputError for a block on an array or on devices that the chip does not have.
std::unique_ptr<SynapseBlock> make_block(const CoreProgram::Block& block, ChipMemory& memory,
                                         const ChipConfig& config, std::int64_t columns_per_converter,
                                         const Clock& clock, const std::string& name);

}  // namespace memprop::hw::chip
