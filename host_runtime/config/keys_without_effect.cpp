#include "host_runtime/config/keys_without_effect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "crossbar/device/device_model.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/key_judge.hpp"
#include "host_runtime/config/table_judge.hpp"

namespace memprop::host {
namespace {

/// Whether a value asks for nothing that could be missing.
bool is_neutral(std::string_view key, std::string_view value) {
    if (is_one_of(key, {"crossbar.write_noise_scale", "crossbar.read_noise_scale", "crossbar.drift_scale",
                        "crossbar.nonlinearity_scale"})) {
        return value == "0.0" || value == "1.0";
    }
    if (key == "run.threads") {
        return value == "1";
    }
    constexpr std::array<std::string_view, 8> kStrengths{"crossbar.low_frequency.telegraph_amplitude",
                                                         "crossbar.faults.endurance_spread",
                                                         "learning.momentum",
                                                         "learning.feedback_decay",
                                                         "learning.rate_regularization",
                                                         "network.adaptation_beta",
                                                         "network.adaptive_fraction",
                                                         "update.refresh_period"};
    return holds(kStrengths, key) && (value == "0.0" || value == "0");
}

/// The keys of `config` that are not as its device has them by default, with their values. The device itself
/// is set if it is not the one that there is without a word.
std::vector<std::pair<std::string, std::string>> keys_set(const Experiment& config) {
    Experiment published = defaults_of(config.crossbar.device);
    published.crossbar.device = crossbar::CrossbarConfig().device;
    published.tables = TableJudge::defaults_of_tables(config).tables;
    const auto defaults = flatten_experiment(published);
    auto set = flatten_experiment(config);
    std::vector<std::pair<std::string, std::string>> changed;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (set[i].second != defaults[i].second) {
            changed.push_back(std::move(set[i]));
        }
    }
    return changed;
}

}  // namespace

std::vector<KeyWithoutEffect> keys_without_effect(const Experiment& given, const Experiment& used,
                                                  const learning::TrainerBase& trainer) {
    const crossbar::SynapseArray* array = nullptr;
    for (std::size_t p = 0; array == nullptr && p < trainer.network().projections.size(); ++p) {
        array = trainer.array(static_cast<learning::ProjectionId>(p));
    }
    const KeyJudge judge(used, array == nullptr ? nullptr : &array->model(), true,
                         used.run.engine == learning::EngineKind::cycle);
    const TableJudge table_judge(used, trainer.task());
    const bool has_tables = !used.tables.empty();
    const auto after = flatten_experiment(used);
    std::vector<KeyWithoutEffect> found;
    for (auto& [key, value] : keys_set(given)) {
        const std::string* const now = find_value(after, key);
        const std::string reason = *now != value ? fmt::format("the data of task.file give {}", *now)
                                   : has_tables  ? table_judge.reason(key)
                                                 : judge.reason(key, trainer.task());
        if (!reason.empty() && !is_neutral(key, value)) {
            found.push_back({key, value, reason});
        }
    }
    return found;
}

std::vector<KeyWithoutEffect> keys_without_effect_in_run(const Experiment& config, bool on_chip,
                                                         std::span<const std::string> overrides) {
    const auto model = crossbar::find_device_kind(config.crossbar.device)
                           .make(config.crossbar, config.task.update_interval_seconds);
    const KeyJudge judge(config, model.get(), false, on_chip);
    const auto overridden = [&](const std::string& key) {
        return std::any_of(overrides.begin(), overrides.end(),
                           [&](const std::string& text) { return text.starts_with(key + "="); });
    };
    std::vector<KeyWithoutEffect> found;
    for (auto& [key, value] : keys_set(config)) {
        std::string reason;
        if (key.starts_with("crossbar.")) {
            reason = judge.of_crossbar(std::string_view(key).substr(std::string_view("crossbar.").size()));
        } else if (overridden(key) &&
                   !is_one_of(key, {"run.seed", "task.update_interval_seconds", "update.epsilon_us",
                                    "update.devices_per_polarity", "update.device_counter"})) {
            reason = key.starts_with("chip.") ? "there is no chip without engine cycle"
                                              : "a network that runs is not trained";
        }
        if (!reason.empty() && !is_neutral(key, value)) {
            found.push_back({key, value, reason});
        }
    }
    return found;
}

std::vector<KeyWithoutEffect> keys_without_effect_on_devices(const Experiment& config) {
    constexpr std::array<std::string_view, 10> kOfDevices{
        "device",      "table_file",   "bits",        "g_max_us",           "write_noise_scale",
        "clamp_reads", "drift_spread", "drift_scale", "nonlinearity_scale", "read_noise_scale"};
    const auto model = crossbar::find_device_kind(config.crossbar.device)
                           .make(config.crossbar, config.task.update_interval_seconds);
    const KeyJudge judge(config, model.get(), false, false);
    std::vector<KeyWithoutEffect> found;
    for (auto& [key, value] : keys_set(config)) {
        std::string reason = "single devices are measured";
        if (std::string_view name = key; name.starts_with("crossbar.")) {
            name.remove_prefix(std::string_view("crossbar.").size());
            if (holds(kOfDevices, name) || name.starts_with("pulsed.") ||
                name.starts_with("low_frequency.")) {
                reason = judge.of_crossbar(name);
            }
        }
        if (!reason.empty() && !is_neutral(key, value)) {
            found.push_back({key, value, reason});
        }
    }
    return found;
}

}  // namespace memprop::host
