// What the answers or readouts of the splits are worth, as it stands in `metrics` of result.json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "host_runtime/results/answers.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// The number of the first training trial of the last epoch; of an evaluation, 0.
std::uint64_t first_trial_of_last_epoch(const learning::TrainerBase& trainer);

/// `loss` is `final_loss`, `accuracy` the part of the training trials that were classified right in the pass
/// that it is of, the last epoch or the pass of an evaluation; empty if trials have no labels. Shows the test
/// and validation splits, if there are any, and adds to `metrics`
/// with labels:
///   accuracy and train_accuracy  both are that part, whatever splits there are
///   train_accuracy_history       the same of every epoch
///   test_accuracy, test_loss, test_confusion [label][answer], and the same of validation: of a pass without
///                                learning after the run
///   validation_epochs, validation_loss_history, validation_accuracy_history
///   the task's metrics, prefixed by the split; null where they are not defined
/// with targets:
///   r2                           of the pass that final_loss is of (regression.hpp)
///   test_loss, test_r2, and the same of validation; validation_epochs, validation_loss_history
/// Returns the answers to the trials of both splits, nothing without labels.
std::vector<SplitAnswers> add_task_metrics(learning::TrainerBase& trainer, double loss,
                                           std::optional<double> accuracy, nlohmann::ordered_json& metrics);

}  // namespace memprop::host
