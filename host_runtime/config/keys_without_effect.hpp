// Keys that are set and change nothing, so that nobody draws a conclusion from a result that could not
// differ.
//
// A key counts as set if its value is not the default of the experiment's device: whether it is written out
// or not makes no difference, and a resolved file is judged as the one it came from. Values that ask for
// nothing, such as a scale of 0 or 1, are not listed.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "host_runtime/config/experiment.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

struct KeyWithoutEffect {
    std::string key;     ///< "crossbar.bits"
    std::string value;   ///< as TOML
    std::string reason;  ///< a sentence without its full stop
};

/// Of a training run. `given` is the experiment as the user wrote it; `used` what the task made of it, whose
/// data may prescribe sizes and numbers of trials; `trainer` was made from `used`.
std::vector<KeyWithoutEffect> keys_without_effect(const Experiment& given, const Experiment& used,
                                                  const learning::TrainerBase& trainer);

/// Of a network from a file that runs on the crossbars of `config`: keys of `crossbar` that change nothing,
/// and of the keys that `overrides` set those that nothing reads. Of the other tables of `config`, which are
/// about training, nothing is said.
std::vector<KeyWithoutEffect> keys_without_effect_in_run(const Experiment& config, bool on_chip,
                                                         std::span<const std::string> overrides);

/// Of overrides for `memprop characterize`, which measures single devices.
std::vector<KeyWithoutEffect> keys_without_effect_on_devices(const Experiment& config);

/// A line for each reason, with the keys it holds for.
std::string without_effect_text(std::span<const KeyWithoutEffect> keys);

/// [{"key", "value", "reason"}]
nlohmann::ordered_json without_effect_json(std::span<const KeyWithoutEffect> keys);

}  // namespace memprop::host
