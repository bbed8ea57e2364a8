// Spike trains of the user's own.
//
// The task `dataset`, HDF5 datasets:
//   x       u8 [trial, step, input]: 1 where an input spikes; or events/{step, index} [event], sorted by
//   trial
//           and step, with events/end [trial]: number of events of this trial and all before it
//   label   [trial]; or target [trial, step, readout] (then task.steps is the length of events' trials)
//   split   u8 [trial]: 0 training, 1 validation, 2 test; optional, default training
//   window  [start, stop): the learning window in steps; optional, default the whole trial
//
// The task `shd`: files of the Spiking Heidelberg Digits (Cramer et al., IEEE TNNLS 33, 2744, 2022; spikes/
// {times, units}, labels). The 700 units are grouped into network.inputs lines; events of a line in one
// step are one spike; task.steps steps are used.
#pragma once

#include <memory>

#include "learning/config/config.hpp"
#include "learning/task/task.hpp"

namespace memprop::host {

/// Both set what the file prescribes (inputs, outputs, samples, steps). Throw InputError naming file,
/// dataset and what is expected.
std::unique_ptr<learning::Task> make_dataset(learning::ExperimentConfig& config);
std::unique_ptr<learning::Task> make_shd(learning::ExperimentConfig& config);

}  // namespace memprop::host
