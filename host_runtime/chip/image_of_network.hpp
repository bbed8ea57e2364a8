// The image file of a network that runs on the chip (hw_models/chip/image_file.hpp).
#pragma once

#include "host_runtime/chip/chip_network.hpp"
#include "hw_models/chip/image_file.hpp"

namespace memprop::host {

/// All that is written to load `network` into a chip that was just built. Its weights are numbers: devices
/// are not made by words on a bus.
hw::chip::ImageFile image_file_of(const ChipNetwork& network, const Discretisation& discretisation);

}  // namespace memprop::host
