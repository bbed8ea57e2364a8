// Whether what a checkpoint has given fits together: a file that is whole may still have been made by hand.
#pragma once

#include <cstdint>

#include "host_runtime/hdf5/h5.hpp"
#include "learning/config/config.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// Device time of the next sample. Throws InputError if there is none.
std::int64_t latest_tick(const h5::File& checkpoint);

/// Throws InputError unless counts and histories of a trainer that has been restored belong together and to a
/// run of so many epochs.
void check_restored(const h5::File& checkpoint, const learning::TrainerBase& trainer,
                    const learning::ExperimentConfig& config);

}  // namespace memprop::host
