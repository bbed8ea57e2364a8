// checkpoint.h5: the whole state of a training run between two samples.
//   /format   "memprop checkpoint 1"
//   /config   the resolved experiment, TOML
//   /state/…  every array and counter; the same on both engines
//   /chip/…   what the run has spent on cycle-level chips
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "host_runtime/config/experiment.hpp"
#include "host_runtime/results/chip_totals.hpp"
#include "host_runtime/results/recording.hpp"
#include "learning/config.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// Throws RunError if the file cannot be written; an older checkpoint then stays.
void write_checkpoint(const std::filesystem::path& file, const Experiment& config,
                      learning::TrainerBase& trainer, Recording& recording, const ChipLedger& chips);

/// The experiment a checkpoint was made with. Throws InputError naming the file.
Experiment read_checkpoint_config(const std::filesystem::path& file);

/// Replaces the state of `trainer` and `recording` and what `chips` have spent. Throws InputError naming file
/// and dataset.
void read_checkpoint(const std::filesystem::path& file, learning::TrainerBase& trainer, Recording& recording,
                     ChipLedger& chips);

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
