// The image file of an experiment whose cores learn by themselves (chip_learning.hpp).
#pragma once

#include "host_runtime/config/experiment.hpp"
#include "hw_models/chip/image_file.hpp"

namespace memprop::host {

/// All that is written to load the network of an experiment into a chip that was just built, with its
/// learning rule, the initial weights of seed run.seed and the feedback weights. Throws InputError for what
/// the learning engines of cores have no part for, and for what does not fit.
hw::chip::ImageFile image_file_of(Experiment experiment);

}  // namespace memprop::host
