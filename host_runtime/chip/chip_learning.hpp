// Learning by the cores themselves: what an experiment asks of their learning engines, for the image, and the
// sequence of commands by which a host trains a loaded chip over its bus alone.
#pragma once

#include <cstdint>
#include <span>

#include "host_runtime/chip/chip_session.hpp"
#include "host_runtime/config/experiment.hpp"
#include "learning/eprop/plan.hpp"
#include "learning/resolve.hpp"
#include "learning/task/trial.hpp"

namespace memprop::host {

/// Throws InputError naming the setting that the engines have no part for: they learn by online e-prop from
/// the errors of the steps.
hw::chip::LearningImage learning_image(const Experiment& experiment,
                                       const learning::ResolvedNetwork& resolved);

/// Trains the image of a session; sample after sample gives the weights of `memprop train` with
/// learning.gradient = "online", bit for bit.
class ChipTrainer {
public:
    /// `image` has what learning_image() gave. Outlived by the session.
    ChipTrainer(ChipSession& session, const Experiment& experiment);

    /// Feedback weights, [readout][neuron].
    void load_feedback(std::span<const float> feedback);
    /// Shows a trial, learns from it, and writes the update when a batch is complete. Returns the summed
    /// loss.
    double train(const learning::Trial& trial);
    /// Shows a trial alone.
    double evaluate(const learning::Trial& trial);

private:
    double show(const learning::Trial& trial, bool learns);

    ChipSession& session_;
    std::uint64_t batch_;
    bool shares_feedback_;
    std::uint64_t samples_ = 0, updates_ = 0;
    bool window_told_ = true;
    std::vector<std::uint32_t> words_;
};

}  // namespace memprop::host
