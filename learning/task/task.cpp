#include "learning/task/task.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "crossbar/base/error.hpp"
#include "learning/task/pattern_generation.hpp"

namespace memprop::learning {
namespace {

constexpr std::array<TaskKind, 1> kTaskKinds{{
    {"pattern_generation", "reproduce sums of four sinusoids from frozen Poisson input",
     [](const ExperimentConfig& config) -> std::unique_ptr<Task> {
         return std::make_unique<PatternGeneration>(config);
     }},
}};

}  // namespace

std::span<const TaskKind> task_kinds() {
    return kTaskKinds;
}

std::unique_ptr<Task> make_task(const ExperimentConfig& config) {
    std::vector<std::string_view> names;
    for (const TaskKind& kind : kTaskKinds) {
        if (kind.name == config.task.name) {
            return kind.make(config);
        }
        names.push_back(kind.name);
    }
    throw InputError("task.name", config.task.name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace memprop::learning
