// The summary of a run (result.json, and the last line of `--json`) and its learning curve (history.csv).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "learning/config/config.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// `loss_history` is the run's, or the one entry of an evaluation; its last entry is `final_loss`.
nlohmann::ordered_json summarize(const learning::ExperimentConfig& config, learning::TrainerBase& trainer,
                                 const std::vector<double>& loss_history, double wall_s);

/// Columns epoch, loss, set_pulses, reset_pulses, spikes; accuracy too if trials have labels.
std::string history_csv(const learning::EpochHistory& history);

}  // namespace memprop::host
