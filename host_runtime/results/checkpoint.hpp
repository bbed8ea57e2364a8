// checkpoint.h5: the whole state of a training run between two samples, sealed (files/sealed_file.hpp).
//   /format   "memprop checkpoint 2"
//   /config   the resolved experiment, TOML
//   /files    the SHA-256 of the files that it names (results/identity.hpp)
//   /state/…  every array and counter; the same on both engines
//   /chip/…   what the run has spent on cycle-level chips, and what the last one had counted and been told
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "host_runtime/config/experiment.hpp"
#include "host_runtime/files/value_ranges.hpp"
#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/results/chip_totals.hpp"
#include "host_runtime/results/identity.hpp"
#include "host_runtime/results/recording.hpp"
#include "learning/config/config.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// Whose checkpoint it is. Files are read once, when it is made.
struct CheckpointOwner {
    explicit CheckpointOwner(const Experiment& experiment)
        : config(experiment), files(digest_named_files(experiment)) {}
    Experiment config;
    FileDigests files;
};

/// The noise-free weights of all projections.
learning::NetworkWeights snapshot_of(learning::TrainerBase& trainer);

/// Throws RunError if the file cannot be written or the state is not finite; an older checkpoint then stays.
void write_checkpoint(const std::filesystem::path& file, const CheckpointOwner& owner,
                      learning::TrainerBase& trainer, Recording& recording, const ChipLedger& chips);

/// A checkpoint that is whole, and the experiment it was made with. Throws InputError naming the file.
h5::File open_checkpoint(const std::filesystem::path& file);
Experiment read_config(const h5::File& checkpoint);

/// Replaces the state of `trainer` and `recording` and what `chips` have spent. Throws InputError naming file
/// and dataset or, if it is the checkpoint of another run, the first key that differs.
void read_checkpoint(const std::filesystem::path& file, const CheckpointOwner& wanted,
                     learning::TrainerBase& trainer, Recording& recording, ChipLedger& chips);

/// The ranges that hold for everything below /state of a checkpoint with this experiment.
ValueRanges ranges_of(const h5::File& checkpoint, const Experiment& config);

/// The noise-free weights of a checkpoint, if its devices are of another kind or number than `config`
/// asks for, so that they have to be programmed anew; nothing if the devices themselves can be taken over.
/// `make_task` makes the task of the checkpoint's own configuration.
std::optional<learning::NetworkWeights> read_weights_to_program(
    const std::filesystem::path& file, const Experiment& config,
    const std::function<std::unique_ptr<learning::Task>(learning::ExperimentConfig&)>& make_task);

/// Takes weights, devices and device time, and leaves history, counters of the run and optimisers fresh. The
/// devices bring their faults along if `config` has the same crossbar.faults; else they get those of
/// `config`.
void read_checkpoint_weights(const std::filesystem::path& file, const Experiment& config,
                             learning::TrainerBase& trainer);

}  // namespace memprop::host
