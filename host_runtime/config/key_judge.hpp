// Why keys of an experiment change nothing (keys_without_effect.hpp): a function for each table.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "crossbar/device/device_model.hpp"
#include "host_runtime/config/experiment.hpp"
#include "learning/task/task.hpp"

namespace memprop::host {

using Keys = std::span<const std::string_view>;

inline bool holds(Keys keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

inline bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// Why keys have no effect: a function for each table, whose answer is empty if a key has one.
class KeyJudge {
public:
    KeyJudge(const Experiment& config, const crossbar::DeviceModel* model, bool trains, bool on_chip)
        : config_(config), model_(model), trains_(trains), on_chip_(on_chip) {}

    std::string reason(std::string_view key, const learning::Task& task) const;

    std::string of_crossbar(std::string_view name) const;

private:
    std::string of_task(std::string_view name) const;
    std::string of_network(std::string_view name, const learning::Task& task) const;
    std::string of_learning(std::string_view name, const learning::Task& task) const;
    std::string of_update(std::string_view name) const;
    std::string of_run(std::string_view name, const learning::Task& task) const;
    std::string of_chip(std::string_view name) const;

    std::string of_converters(std::string_view name) const;
    std::string of_faults(std::string_view name) const;
    std::string of_low_frequency_noise(std::string_view name) const;
    std::string of_wires(std::string_view name) const;
    std::string of_programming(std::string_view name) const;
    std::string no_devices() const {
        return fmt::format("update.scheme = \"{}\" has weights that are numbers, no devices",
                           config_.update.scheme);
    }
    /// Whether something about the devices depends on how many seconds an update interval has.
    bool feels_time() const {
        return model_->traits().drift || config_.crossbar.low_frequency.telegraph_fraction > 0.0;
    }

    const Experiment& config_;
    const crossbar::DeviceModel* model_;  // null: weights are numbers
    bool trains_, on_chip_;
};

}  // namespace memprop::host
