// A training run from start to result directory, as the command line and Python offer it.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host_runtime/chip/waveform_request.hpp"
#include "host_runtime/config/experiment.hpp"
#include "host_runtime/config/keys_without_effect.hpp"

namespace memprop::host {

/// Weights of projections by name, in the layout of network::Projection::weights.
using NamedWeights = std::vector<std::pair<std::string, std::vector<double>>>;

/// The same for the network of an experiment, by projection. Throws InputError for names that it lacks.
learning::NetworkWeights weights_by_projection(const Experiment& config, const NamedWeights& weights);

struct TrainRequest {
    Experiment config;
    std::filesystem::path directory;            ///< of the results
    bool resume = false;                        ///< continue in `directory`; else it must not exist
    bool evaluate = false;                      ///< one pass without learning
    std::optional<std::filesystem::path> init;  ///< checkpoint or NIR network to start from
    std::optional<WaveformRequest> waveforms;   ///< of the chip, which run.engine must name
    NamedWeights weights;                       ///< without `init`: to start from; others are drawn

    /// Called before the first sample with the keys that are set and change nothing, if there are any.
    std::function<void(const std::vector<KeyWithoutEffect>&)> without_effect;
    /// Called after every sample with the epochs done and the loss of the last one, if one is done.
    std::function<void(std::uint64_t epochs_done, std::optional<double> loss)> progress;
    /// Called before the first sample with each thing that is amiss but no error, a line without its end.
    std::function<void(const std::string& line)> warn;
    /// Asked after every sample: true ends the run with a checkpoint.
    std::function<bool()> interrupted;
};

struct TrainOutcome {
    bool interrupted = false;       ///< then there is a checkpoint and no result
    nlohmann::ordered_json result;  ///< as in result.json
};

/// Throws InputError for everything about an experiment that a run refuses before its first sample. Returns
/// its keys that are set and change nothing.
std::vector<KeyWithoutEffect> check_trainable(const Experiment& config);

/// Throws InputError before anything is written if the request is wrong or another process works in the
/// directory, RunError if the run fails; what there was then stays, with the history of finished epochs.
TrainOutcome run_training(const TrainRequest& request);

/// Throws InputError unless `wanted` equals the configuration in `directory`/config.toml in everything
/// but what may change at a resume (results/identity.hpp).
void check_resumable(const std::filesystem::path& directory, const Experiment& wanted);

}  // namespace memprop::host
