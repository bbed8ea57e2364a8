// A task: trials to learn from, in the order in which an epoch shows them. To add one: derive from Task
// in an own file and add a line to the table in task.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "learning/config.hpp"
#include "learning/network/spike_train.hpp"

namespace memprop::learning {

struct Trial {
    SpikeTrain input;
    std::vector<float> target;  ///< [step][readout]
};

class Task {
public:
    virtual ~Task() = default;
    virtual std::uint32_t trials_per_epoch() const = 0;
    /// Valid until the task ends.
    virtual const Trial& trial(std::uint32_t index) const = 0;
};

struct TaskKind {
    std::string_view name;
    std::string_view description;
    std::unique_ptr<Task> (*make)(const ExperimentConfig&);
};

std::span<const TaskKind> task_kinds();

/// Makes the task of `config.task.name`. Throws InputError naming the tasks there are.
std::unique_ptr<Task> make_task(const ExperimentConfig& config);

}  // namespace memprop::learning
