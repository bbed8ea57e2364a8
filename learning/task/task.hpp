// A task: trials to learn from, in the order in which an epoch shows them. To add one: derive from Task
// in an own file and add a line to the table in task.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learning/config/config.hpp"
#include "learning/task/trial.hpp"

namespace memprop::learning {

/// Disjoint sets of trials.
enum class Split : std::uint8_t { training = 0, validation = 1, test = 2 };
inline constexpr std::array<std::string_view, 3> kSplitNames{"training", "validation", "test"};

/// Start values that a task brings along, instead of drawn ones. Weights are [pre][post].
struct InitialNetwork {
    std::vector<double> w_in, w_rec, w_out;
    std::vector<double> feedback;  ///< [readout][neuron]
    std::vector<double> beta;      ///< adaptation strengths, [neuron]; empty: as configured
};

/// What a task finds worth reporting of the answers to a split: numbers, or words.
struct Metric {
    std::string name;
    std::vector<double> values;           ///< row-major; NaN: not defined for these answers
    std::vector<std::size_t> shape = {};  ///< empty: one number
    std::string words = {};               ///< if not empty, instead of numbers
};

class Task {
public:
    virtual ~Task() = default;

    /// Trials of one epoch; 0 if the task has no such split.
    virtual std::uint32_t trials(Split split) const = 0;

    /// Trial `index` of a split, counted through the run: epoch e shows e n .. e n + n - 1. Either a trial
    /// of the task's own, valid until the task ends, or `buffer`, filled. Safe to call from several threads.
    virtual const Trial& trial(Split split, std::uint64_t index, Trial& buffer) const = 0;

    /// Whether trials come from outside step by step (BasicTrainer::stream_step), so that trial() has none.
    virtual bool is_stream() const { return false; }

    /// Null unless the task prescribes the network it starts from.
    virtual const InitialNetwork* initial_network() const { return nullptr; }

    /// What is reported for a regression trial: the mean of the squared error over the steps of the window
    /// and the readouts, or half its sum.
    virtual bool reports_half_sum() const { return false; }

    /// In what trials differ beside their label, with units in the names; none if that is not a few numbers.
    virtual std::span<const std::string_view> condition_names() const { return {}; }
    /// Those of a trial, `index` as for trial().
    virtual std::vector<double> conditions(Split, std::uint64_t /*index*/) const { return {}; }

    /// `answers` to all trials of the split, by index.
    virtual std::vector<Metric> metrics(Split, std::span<const std::int32_t> /*answers*/) const { return {}; }
};

struct TaskKind {
    std::string_view name;
    std::string_view description;
    std::unique_ptr<Task> (*make)(const ExperimentConfig&);
    /// The keys of `task` that this task reads.
    std::span<const std::string_view> keys;
};

std::span<const TaskKind> task_kinds();

/// Makes the task of `config.task.name`. Throws InputError naming the tasks there are.
std::unique_ptr<Task> make_task(const ExperimentConfig& config);

}  // namespace memprop::learning
