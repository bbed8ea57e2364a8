// The task `golden`: an experiment recorded elsewhere, repeated number for number. HDF5 datasets:
//   x       u8 [iteration or 1, trial, step, input]: 1 where an input spikes
//   target  [iteration or 1, trial, step, readout], or label [iteration or 1, trial]
//   window  [start, stop): the learning window; optional, default the whole trial
//   w_in, w_rec, w_out  [post, pre], b_fb [neuron, readout]: initial weights and feedback
//   beta    [neuron]: strengths of adaptation, 0 for LIF neurons; optional
// An iteration is an epoch: its trials are one batch (or follow one another, if weights change every step).
// An x or target of one iteration is repeated in all. The regression loss is half the sum of the squared
// error, without the regulariser.
//
// Step t of x is the step in which a spike arrives at the recurrent neurons. Recordings of simulators with
// a delay from there to the readouts come in two layouts: readouts and targets moved a step back (or x a
// step forward, which leaves the first step silent), so that y[t] holds z[t]; or in the simulator's time,
// where y[t] holds z[t-1]: network.readout_delay_steps = 1. With task.readout_delay_from_data a first step
// with input spikes means the latter.
#pragma once

#include <memory>

#include "learning/config/config.hpp"
#include "learning/task/task.hpp"

namespace memprop::host {

/// Sets network sizes, task.samples, task.steps and learning.batch to what the file holds. Throws
/// InputError naming file, dataset and what is expected.
std::unique_ptr<learning::Task> make_golden(learning::ExperimentConfig& config);

}  // namespace memprop::host
