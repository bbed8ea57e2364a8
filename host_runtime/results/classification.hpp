// Accuracy, confusion matrix and a task's own metrics, as they stand in `metrics` of result.json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "learning/trainer.hpp"

namespace memprop::host {

/// `accuracy`: the part of the training trials that were classified right in the pass that `final_loss` is
/// of, the last epoch or the pass of an evaluation; empty if trials have no labels. Shows the test and
/// validation splits, if there are any, and adds to `metrics`:
///   accuracy and train_accuracy  both are that part, whatever splits there are
///   train_accuracy_history       the same of every epoch
///   test_accuracy, test_loss, test_confusion [label][answer], and the same of validation: of a pass without
///                                learning after the run
///   validation_epochs, validation_loss_history, validation_accuracy_history
///   the task's metrics, prefixed by the split
void add_classification(learning::TrainerBase& trainer, std::optional<double> accuracy,
                        nlohmann::ordered_json& metrics);

}  // namespace memprop::host
