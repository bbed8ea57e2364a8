#include "learning/task/task.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "crossbar/base/error.hpp"
#include "learning/task/memory_tasks.hpp"
#include "learning/task/pattern_generation.hpp"

namespace memprop::learning {
namespace {

using Key = std::string_view;
constexpr std::array kPatternKeys{Key("samples"), Key("steps"), Key("input_rate_hz")};
constexpr std::array kCueAccumulationKeys{
    Key("samples"),     Key("validation_samples"), Key("test_samples"),     Key("fresh_trials"),
    Key("cues"),        Key("cue_seconds"),        Key("gap_seconds"),      Key("delay_seconds"),
    Key("cue_rate_hz"), Key("noise_rate_hz"),      Key("response_seconds"), Key("side_probability")};
constexpr std::array kDelayedMatchKeys{Key("samples"),       Key("validation_samples"), Key("test_samples"),
                                       Key("fresh_trials"),  Key("cue_seconds"),        Key("gap_seconds"),
                                       Key("delay_seconds"), Key("response_seconds"),   Key("cue_rate_hz"),
                                       Key("noise_rate_hz")};
constexpr std::array kStoreRecallKeys{
    Key("samples"),     Key("validation_samples"), Key("test_samples"),    Key("fresh_trials"),
    Key("cues"),        Key("cue_seconds"),        Key("gap_seconds"),     Key("delay_seconds"),
    Key("cue_rate_hz"), Key("noise_rate_hz"),      Key("response_seconds")};
constexpr std::array kIntervalKeys{
    Key("samples"),       Key("validation_samples"),   Key("test_samples"),         Key("fresh_trials"),
    Key("gap_seconds"),   Key("delay_seconds"),        Key("response_seconds"),     Key("cue_rate_hz"),
    Key("noise_rate_hz"), Key("interval_min_seconds"), Key("interval_max_seconds"), Key("interval_ratio")};

constexpr std::array<TaskKind, 5> kTaskKinds{{
    {"pattern_generation", "reproduce sums of four sinusoids from frozen Poisson input",
     [](const ExperimentConfig& config) -> std::unique_ptr<Task> {
         return std::make_unique<PatternGeneration>(config);
     },
     kPatternKeys},
    {"cue_accumulation", "which of two sides had more cues, after a delay", make_cue_accumulation,
     kCueAccumulationKeys},
    {"delayed_match", "whether two cues were the same, with a delay between them", make_delayed_match,
     kDelayedMatchKeys},
    {"store_recall", "which value was marked for storage, after a delay", make_store_recall,
     kStoreRecallKeys},
    {"interval_discrimination", "whether the second of two intervals was longer",
     make_interval_discrimination, kIntervalKeys},
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
