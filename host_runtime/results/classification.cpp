#include "host_runtime/results/classification.hpp"

#include <string>

namespace memprop::host {

void add_classification(learning::TrainerBase& trainer, std::optional<double> accuracy,
                        nlohmann::ordered_json& metrics) {
    using learning::Split;
    const learning::EpochHistory& history = trainer.history();
    if (accuracy) {
        metrics["accuracy"] = *accuracy;
        metrics["train_accuracy"] = *accuracy;
    }
    if (!history.accuracy.empty()) {
        metrics["train_accuracy_history"] = history.accuracy;
    }
    if (!history.validation_loss.empty()) {
        metrics["validation_epochs"] = history.validation_epoch;
        metrics["validation_loss_history"] = history.validation_loss;
        metrics["validation_accuracy_history"] = history.validation_accuracy;
    }
    for (const Split split : {Split::validation, Split::test}) {
        if (trainer.task().trials(split) == 0) {
            continue;
        }
        const std::string name(learning::kSplitNames[static_cast<std::size_t>(split)]);
        const learning::Evaluation found = trainer.evaluate_all(split);
        metrics[name + "_loss"] = found.loss;
        if (found.confusion.empty()) {
            continue;
        }
        metrics[name + "_accuracy"] = found.accuracy;
        nlohmann::ordered_json rows = nlohmann::ordered_json::array();
        const std::size_t classes = trainer.shape(learning::ProjectionId::w_out).post;
        for (std::size_t label = 0; label < classes; ++label) {
            const auto row = found.confusion.begin() + static_cast<std::ptrdiff_t>(label * classes);
            rows.push_back(std::vector<std::uint32_t>(row, row + static_cast<std::ptrdiff_t>(classes)));
        }
        metrics[name + "_confusion"] = rows;
        for (const learning::Metric& metric : trainer.task().metrics(split, found.answers)) {
            metrics[name + "_" + metric.name] = metric.value;
        }
    }
}

}  // namespace memprop::host
