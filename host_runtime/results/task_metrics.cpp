#include "host_runtime/results/task_metrics.hpp"

#include <cmath>
#include <numeric>
#include <string>

#include "host_runtime/results/regression.hpp"

namespace memprop::host {
namespace {

using nlohmann::ordered_json;

ordered_json number(std::optional<double> value) {
    return value && std::isfinite(*value) ? ordered_json(*value) : ordered_json(nullptr);
}

/// Nested lists of the shape, from values[at] on.
ordered_json nested(const learning::Metric& metric, std::size_t axis, std::size_t& at) {
    if (axis == metric.shape.size()) {
        return number(metric.values[at++]);
    }
    ordered_json list = ordered_json::array();
    for (std::size_t i = 0; i < metric.shape[axis]; ++i) {
        list.push_back(nested(metric, axis + 1, at));
    }
    return list;
}

ordered_json to_json(const learning::Metric& metric) {
    if (!metric.words.empty()) {
        return metric.words;
    }
    std::size_t at = 0;
    return nested(metric, 0, at);
}

ordered_json confusion_rows(const std::vector<std::uint32_t>& confusion, std::size_t classes) {
    ordered_json rows = ordered_json::array();
    for (std::size_t label = 0; label < classes; ++label) {
        const auto row = confusion.begin() + static_cast<std::ptrdiff_t>(label * classes);
        rows.push_back(std::vector<std::uint32_t>(row, row + static_cast<std::ptrdiff_t>(classes)));
    }
    return rows;
}

}  // namespace

std::uint64_t first_trial_of_last_epoch(const learning::TrainerBase& trainer) {
    const std::uint64_t epochs = trainer.epochs_done();
    return epochs == 0 ? 0 : (epochs - 1) * trainer.samples_per_epoch();
}

std::vector<SplitAnswers> add_task_metrics(learning::TrainerBase& trainer, double loss,
                                           std::optional<double> accuracy, ordered_json& metrics) {
    using learning::Split;
    const learning::EpochHistory& history = trainer.history();
    const learning::Task& task = trainer.task();
    const bool compared = !trainer.network().objectives.empty();  // with targets or labels
    if (accuracy) {
        metrics["accuracy"] = *accuracy;
        metrics["train_accuracy"] = *accuracy;
    } else if (compared) {
        metrics["r2"] = number(r_squared(task, Split::training, first_trial_of_last_epoch(trainer), loss));
    }
    if (!history.accuracy.empty()) {
        metrics["train_accuracy_history"] = history.accuracy;
    }
    if (!history.validation_loss.empty()) {
        metrics["validation_epochs"] = history.validation_epoch;
        metrics["validation_loss_history"] = history.validation_loss;
        if (accuracy) {
            metrics["validation_accuracy_history"] = history.validation_accuracy;
        }
    }
    std::vector<SplitAnswers> answers;
    for (const Split split : {Split::validation, Split::test}) {
        if (task.trials(split) == 0) {
            continue;
        }
        const std::string name(learning::kSplitNames[static_cast<std::size_t>(split)]);
        const learning::Evaluation found = trainer.evaluate_all(split);
        metrics[name + "_loss"] = found.loss;
        if (found.confusion.empty()) {
            if (compared) {
                metrics[name + "_r2"] = number(r_squared(task, split, 0, found.loss));
            }
            continue;
        }
        metrics[name + "_accuracy"] = found.accuracy;
        metrics[name + "_confusion"] = confusion_rows(
            found.confusion, static_cast<std::size_t>(std::lround(std::sqrt(found.confusion.size()))));
        for (const learning::Metric& metric : task.metrics(split, found.answers)) {
            metrics[name + "_" + metric.name] = to_json(metric);
        }
        SplitAnswers& kept = answers.emplace_back();
        kept.split = split;
        kept.trial.resize(found.answers.size());
        std::iota(kept.trial.begin(), kept.trial.end(), 0);
        kept.label = found.labels;
        kept.answer = found.answers;
    }
    return answers;
}

}  // namespace memprop::host
