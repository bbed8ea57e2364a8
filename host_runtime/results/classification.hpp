// Accuracy, confusion matrix and a task's own metrics, as they stand in `metrics` of result.json.
#pragma once

#include <nlohmann/json.hpp>

#include "learning/trainer.hpp"

namespace memprop::host {

/// Shows the test and validation splits, if there are any, and adds to `metrics`:
///   accuracy        of the test split; else of the validation split; else the mean of the last ten epochs
///   test_accuracy, test_loss, test_confusion [label][answer], and the same of validation
///   validation_history, train_accuracy_history; and the task's metrics, prefixed by the split
void add_classification(learning::TrainerBase& trainer, nlohmann::ordered_json& metrics);

}  // namespace memprop::host
