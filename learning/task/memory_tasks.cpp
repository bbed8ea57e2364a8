#include "learning/task/memory_tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "crossbar/base/random.hpp"
#include "learning/task/interval_bias.hpp"

namespace memprop::learning {
namespace {

/// A group fires in the steps [begin, end).
struct Burst {
    std::uint32_t group, begin, end;
};

struct Plan {
    std::vector<Burst> bursts;
    std::uint32_t steps = 0, response = 0;  ///< the response is [response, steps)
    std::int32_t label = 0;
};

class MemoryTask : public Task {
public:
    MemoryTask(const ExperimentConfig& config, std::uint32_t groups, std::uint32_t answers)
        : task_(config.task),
          seed_(static_cast<std::uint64_t>(config.run.seed)),
          inputs_(static_cast<std::uint32_t>(config.network.inputs)),
          groups_(groups),
          time_step_seconds_(config.network.time_step_seconds) {
        if (config.network.outputs < answers) {
            throw InputError("network.outputs", config.network.outputs, "must be at least 2: one per answer");
        }
        if (config.learning.loss != Loss::cross_entropy) {
            throw InputError("learning.loss", "mse", "must be \"cross_entropy\" for a task with classes");
        }
        if (inputs_ < groups) {
            throw InputError("network.inputs", inputs_,
                             fmt::format("must be at least {}, one per group of inputs", groups));
        }
        cue_probability_ = probability("task.cue_rate_hz", task_.cue_rate_hz);
        noise_probability_ = probability("task.noise_rate_hz", task_.noise_rate_hz);
    }

    std::uint32_t trials(Split split) const override {
        const std::array counts{task_.samples, task_.validation_samples, task_.test_samples};
        return static_cast<std::uint32_t>(counts[static_cast<std::size_t>(split)]);
    }

    const Trial& trial(Split split, std::uint64_t index, Trial& buffer) const override {
        const Source source = source_of(split, index);
        const Plan p = plan(source);
        buffer.label = p.label;
        buffer.target.clear();
        buffer.window_begin = p.response;
        buffer.window_end = p.steps;
        draw_spikes(source, p, buffer.input);
        return buffer;
    }

protected:
    /// The draws of one trial.
    class Source {
    public:
        Source(const MemoryTask& task, Split split, std::uint32_t index)
            : seed_(task.seed_), split_(static_cast<std::uint8_t>(split)), index_(index) {}

        float uniform(std::uint32_t draw) const { return random_uniform(key(Stream::task_target, 0), draw); }
        DrawKey key(Stream stream, std::uint32_t step) const {
            return {.seed = seed_, .stream = stream, .array = split_, .event = index_, .step = step};
        }

    private:
        std::uint64_t seed_;
        std::uint8_t split_;
        std::uint32_t index_;
    };

    Source source_of(Split split, std::uint64_t index) const {
        const bool repeats = split != Split::training || !task_.fresh_trials;
        return {*this, split, static_cast<std::uint32_t>(repeats ? index % trials(split) : index)};
    }
    virtual Plan plan(const Source& source) const = 0;

    std::uint32_t steps_of(std::string_view key, double seconds) const {
        const double steps = seconds / time_step_seconds_;
        if (!(steps >= 1.0 && steps < 1e7)) {
            throw InputError(key, seconds, "must be 1 to 1e7 time steps long");
        }
        return static_cast<std::uint32_t>(std::lround(steps));
    }
    const TaskConfig& task() const { return task_; }
    double time_step_seconds() const { return time_step_seconds_; }

private:
    float probability(std::string_view key, double rate_hz) const {
        const double p = rate_hz * time_step_seconds_;
        if (p > 1.0) {
            throw InputError(key, rate_hz, "must be at most one spike per network.time_step_seconds");
        }
        return static_cast<float>(p);
    }

    void draw_spikes(const Source& source, const Plan& plan, SpikeTrain& input) const {
        input.clear();
        std::vector<float> uniform(inputs_);
        std::vector<float> rate(groups_);
        for (std::uint32_t t = 0; t < plan.steps; ++t) {
            std::fill(rate.begin(), rate.end(), 0.0F);
            rate.back() = noise_probability_;
            for (const Burst& burst : plan.bursts) {
                if (t >= burst.begin && t < burst.end) {
                    rate[burst.group] = cue_probability_;
                }
            }
            fill_uniforms(source.key(Stream::task_input, t), 0, uniform);
            for (std::uint32_t i = 0; i < inputs_; ++i) {
                if (uniform[i] < rate[std::size_t{i} * groups_ / inputs_]) {
                    input.add(i);
                }
            }
            input.end_step();
        }
    }

    TaskConfig task_;
    std::uint64_t seed_;
    std::uint32_t inputs_, groups_;
    double time_step_seconds_;
    float cue_probability_ = 0, noise_probability_ = 0;
};

/// The lengths that most tasks share, in steps.
struct Lengths {
    std::uint32_t cue, gap, delay, response;
};

class CueTask : public MemoryTask {
public:
    CueTask(const ExperimentConfig& config, std::uint32_t groups)
        : MemoryTask(config, groups, 2),
          steps_{steps_of("task.cue_seconds", config.task.cue_seconds),
                 steps_of("task.gap_seconds", config.task.gap_seconds),
                 steps_of("task.delay_seconds", config.task.delay_seconds),
                 steps_of("task.response_seconds", config.task.response_seconds)} {}

protected:
    const Lengths& steps() const { return steps_; }
    /// Appends the delay and the response, in which `recall` fires.
    void finish(Plan& plan, std::uint32_t end_of_cues, std::uint32_t recall) const {
        plan.response = end_of_cues + steps_.delay;
        plan.steps = plan.response + steps_.response;
        plan.bursts.push_back({recall, plan.response, plan.steps});
    }

private:
    Lengths steps_;
};

class CueAccumulation final : public CueTask {
public:
    explicit CueAccumulation(const ExperimentConfig& config) : CueTask(config, 4) {}

private:
    Plan plan(const Source& source) const override {
        Plan plan;
        const double p = task().side_probability;
        const double right = source.uniform(0) < 0.5F ? p : 1.0 - p;
        const auto cues = static_cast<std::uint32_t>(task().cues);
        std::uint32_t t = 0, shown_right = 0;
        for (std::uint32_t c = 0; c < cues; ++c) {
            const std::uint32_t side = double(source.uniform(1 + c)) < right ? 1 : 0;
            shown_right += side;
            t += steps().gap;
            plan.bursts.push_back({side, t, t + steps().cue});
            t += steps().cue;
        }
        plan.label = 2 * shown_right > cues ? 1 : 0;
        finish(plan, t, 2);
        return plan;
    }
};

class DelayedMatch final : public CueTask {
public:
    explicit DelayedMatch(const ExperimentConfig& config) : CueTask(config, 4) {}

private:
    Plan plan(const Source& source) const override {
        Plan plan;
        const std::uint32_t sample = source.uniform(0) < 0.5F ? 0 : 1;
        const std::uint32_t match = source.uniform(1) < 0.5F ? 0 : 1;
        std::uint32_t t = steps().gap;
        plan.bursts.push_back({sample, t, t + steps().cue});
        t += steps().cue + steps().delay;
        plan.bursts.push_back({match == 1 ? sample : 1 - sample, t, t + steps().cue});
        plan.label = static_cast<std::int32_t>(match);
        plan.response = t + steps().cue + steps().gap;
        plan.steps = plan.response + steps().response;
        plan.bursts.push_back({2, plan.response, plan.steps});
        return plan;
    }
};

class StoreRecall final : public CueTask {
public:
    explicit StoreRecall(const ExperimentConfig& config) : CueTask(config, 5) {}

private:
    Plan plan(const Source& source) const override {
        Plan plan;
        const auto cues = static_cast<std::uint32_t>(task().cues);
        const auto stored = static_cast<std::uint32_t>(double(source.uniform(0)) * double(cues));
        std::uint32_t t = 0;
        for (std::uint32_t c = 0; c < cues; ++c) {
            const std::uint32_t value = source.uniform(1 + c) < 0.5F ? 0 : 1;
            t += steps().gap;
            plan.bursts.push_back({value, t, t + steps().cue});
            if (c == stored) {
                plan.bursts.push_back({2, t, t + steps().cue});
                plan.label = static_cast<std::int32_t>(value);
            }
            t += steps().cue;
        }
        finish(plan, t, 3);
        return plan;
    }
};

class IntervalDiscrimination final : public CueTask {
public:
    explicit IntervalDiscrimination(const ExperimentConfig& config)
        : CueTask(config, 4),
          shortest_(config.task.interval_min_seconds),
          longest_(config.task.interval_max_seconds),
          ratio_(config.task.interval_ratio) {
        if (!(longest_ > shortest_)) {
            throw InputError("task.interval_max_seconds", longest_,
                             "must be greater than task.interval_min_seconds");
        }
        steps_of("task.interval_min_seconds", shortest_ / ratio_);
        if (shortest_ - shortest_ / ratio_ < time_step_seconds()) {
            throw InputError("task.interval_ratio", ratio_,
                             "must make the shortest intervals differ by a time step at least");
        }
        room_first_ = steps_of("task.interval_max_seconds", longest_ * ratio_);
        room_second_ = steps_of("task.interval_max_seconds", longest_);
    }

    std::span<const std::string_view> condition_names() const override {
        static constexpr std::array<std::string_view, 2> kNames{"first_seconds", "second_seconds"};
        return kNames;
    }
    std::vector<double> conditions(Split split, std::uint64_t index) const override {
        const Intervals shown = intervals(source_of(split, index));
        return {shown.first * time_step_seconds(), shown.second * time_step_seconds()};
    }

    std::vector<Metric> metrics(Split split, std::span<const std::int32_t> answers) const override {
        std::vector<double> first, second;
        std::vector<std::int32_t> labels;
        for (std::uint32_t i = 0; i < answers.size(); ++i) {
            const Intervals shown = intervals(source_of(split, i));
            first.push_back(shown.first * time_step_seconds());
            second.push_back(shown.second * time_step_seconds());
            labels.push_back(shown.label);
        }
        const IntervalBias bias = interval_bias({.first_seconds = first,
                                                 .second_seconds = second,
                                                 .label = labels,
                                                 .answer = answers,
                                                 .shortest_seconds = shortest_,
                                                 .longest_seconds = longest_});
        const double part = std::min(math::log(ratio_) / math::log(longest_ / shortest_), 0.5);
        const auto rows = [](const ByQuintile& table) {
            std::vector<double> values(table[0].begin(), table[0].end());
            values.insert(values.end(), table[1].begin(), table[1].end());
            return values;
        };
        const auto list = [](const auto& values) {
            return std::vector<double>(values.begin(), values.end());
        };
        return {
            {.name = "memory_free_accuracy", .values = {0.5}},
            {.name = "first_alone_accuracy", .values = {0.5 + part}},
            {.name = "memory", .values = {}, .words = bias.memory},
            {.name = "memory_slope", .values = {bias.memory_slope}},
            {.name = "memory_slope_se", .values = {bias.memory_slope_se}},
            {.name = "history_slope", .values = {bias.history_slope}},
            {.name = "history_slope_se", .values = {bias.history_slope_se}},
            {.name = "contraction", .values = {bias.contraction}},
            {.name = "contraction_bias", .values = {bias.contraction_bias}},
            {.name = "contraction_bias_memory_free", .values = {1.0 - 2.0 * part}},
            {.name = "coefficients", .values = list(bias.coefficients), .shape = {4}},
            {.name = "coefficients_se", .values = list(bias.coefficients_se), .shape = {4}},
            {.name = "first_quintiles_seconds", .values = list(bias.first_quintiles), .shape = {4}},
            {.name = "correct_by_quintile", .values = rows(bias.correct_by_first), .shape = {2, kQuintiles}},
            {.name = "second_quintiles_seconds", .values = list(bias.second_quintiles), .shape = {4}},
            {.name = "psychometric_curve", .values = rows(bias.longer_by_second), .shape = {2, kQuintiles}}};
    }

private:
    /// What is shown, in steps.
    struct Intervals {
        std::uint32_t first, second;
        std::int32_t label;
    };
    Intervals intervals(const Source& source) const {
        const double second = shortest_ * math::pow(longest_ / shortest_, double(source.uniform(0)));
        const std::int32_t label = source.uniform(1) < 0.5F ? 0 : 1;
        const double first = label == 1 ? second / ratio_ : second * ratio_;
        return {steps_of("task.interval", first), steps_of("task.interval", second), label};
    }

    Plan plan(const Source& source) const override {
        Plan plan;
        const Intervals shown = intervals(source);
        plan.label = shown.label;
        const std::uint32_t first_end = steps().gap + room_first_, second_begin = first_end + steps().delay;
        plan.bursts.push_back({0, first_end - shown.first, first_end});
        plan.bursts.push_back({1, second_begin, second_begin + shown.second});
        plan.response = second_begin + room_second_ + steps().gap;
        plan.steps = plan.response + steps().response;
        plan.bursts.push_back({2, plan.response, plan.steps});
        return plan;
    }

    double shortest_, longest_, ratio_;
    std::uint32_t room_first_ = 0, room_second_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_cue_accumulation(const ExperimentConfig& config) {
    return std::make_unique<CueAccumulation>(config);
}
std::unique_ptr<Task> make_delayed_match(const ExperimentConfig& config) {
    return std::make_unique<DelayedMatch>(config);
}
std::unique_ptr<Task> make_store_recall(const ExperimentConfig& config) {
    return std::make_unique<StoreRecall>(config);
}
std::unique_ptr<Task> make_interval_discrimination(const ExperimentConfig& config) {
    return std::make_unique<IntervalDiscrimination>(config);
}

}  // namespace memprop::learning
