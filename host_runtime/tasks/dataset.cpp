#include "host_runtime/tasks/dataset.hpp"

#include <algorithm>
#include <array>

#include "host_runtime/tasks/task_file.hpp"

namespace memprop::host {
namespace {

using learning::ExperimentConfig;
using learning::Split;
using learning::Trial;

/// Trials held in memory, by split.
class StoredTask final : public learning::Task {
public:
    std::array<std::vector<Trial>, 3> data;

    std::uint32_t trials(Split split) const override {
        return static_cast<std::uint32_t>(data[static_cast<std::size_t>(split)].size());
    }
    const Trial& trial(Split split, std::uint64_t index, Trial&) const override {
        const std::vector<Trial>& of_split = data[static_cast<std::size_t>(split)];
        return of_split[index % of_split.size()];
    }
};

void check_loss(const ExperimentConfig& config, bool labelled) {
    if (labelled != (config.learning.loss == learning::Loss::cross_entropy)) {
        throw InputError("learning.loss", labelled ? "mse" : "cross_entropy",
                         labelled ? "must be \"cross_entropy\": the data has labels"
                                  : "must be \"mse\": the data has targets");
    }
}

/// Labels are 0 .. classes - 1; sets network.outputs.
void use_labels(const TaskFile& file, const std::string& name, const std::vector<std::int64_t>& labels,
                ExperimentConfig& config) {
    std::int64_t largest = 1;
    for (const std::int64_t label : labels) {
        if (label < 0 || label > 4095) {
            file.fail(name, fmt::format("holds {}; a label must be 0 to 4095", label));
        }
        largest = std::max(largest, label);
    }
    config.network.outputs = largest + 1;
}

std::vector<learning::SpikeTrain> dense_inputs(const TaskFile& file, ExperimentConfig& config) {
    const h5::Shape shape = file.shape("x", 3, "[trial, step, input]");
    const std::vector<std::uint8_t> x = file.bytes("x");
    config.task.steps = static_cast<std::int64_t>(shape[1]);
    config.network.inputs = static_cast<std::int64_t>(shape[2]);
    std::vector<learning::SpikeTrain> inputs(shape[0]);
    std::size_t at = 0;
    for (learning::SpikeTrain& input : inputs) {
        for (std::uint64_t t = 0; t < shape[1]; ++t) {
            for (std::uint32_t i = 0; i < shape[2]; ++i, ++at) {
                if (x[at] > 1) {
                    file.fail("x", fmt::format("holds {}; it must be 0 or 1", x[at]));
                }
                if (x[at] == 1) {
                    input.add(i);
                }
            }
            input.end_step();
        }
    }
    return inputs;
}

/// One line of one step: at most one spike, ascending lines.
learning::SpikeTrain to_train(std::vector<std::pair<std::uint32_t, std::uint32_t>> events,
                              std::uint64_t steps) {
    std::sort(events.begin(), events.end());
    events.erase(std::unique(events.begin(), events.end()), events.end());
    learning::SpikeTrain train;
    std::size_t at = 0;
    for (std::uint64_t t = 0; t < steps; ++t) {
        for (; at < events.size() && events[at].first == t; ++at) {
            train.add(events[at].second);
        }
        train.end_step();
    }
    return train;
}

std::vector<learning::SpikeTrain> event_inputs(const TaskFile& file, const ExperimentConfig& config) {
    const h5::Shape shape = file.shape("events/step", 1, "[event]");
    const std::vector<std::int64_t> step = file.integers("events/step"),
                                    index = file.integers("events/index"), end = file.integers("events/end");
    if (index.size() != step.size()) {
        file.fail("events/index",
                  fmt::format("has {} entries; events/step has {}", index.size(), step.size()));
    }
    std::vector<learning::SpikeTrain> inputs;
    std::int64_t at = 0;
    for (const std::int64_t stop : end) {
        if (stop < at || static_cast<std::size_t>(stop) > step.size()) {
            file.fail("events/end", fmt::format("holds {}; it must ascend to at most {}", stop, shape[0]));
        }
        std::vector<std::pair<std::uint32_t, std::uint32_t>> events;
        for (; at < stop; ++at) {
            const auto e = static_cast<std::size_t>(at);
            if (step[e] < 0 || step[e] >= config.task.steps) {
                file.fail("events/step", fmt::format("holds {}; it must be 0 to {} (task.steps)", step[e],
                                                     config.task.steps - 1));
            }
            if (index[e] < 0 || index[e] >= config.network.inputs) {
                file.fail("events/index", fmt::format("holds {}; it must be 0 to {} (network.inputs)",
                                                      index[e], config.network.inputs - 1));
            }
            events.emplace_back(step[e], index[e]);
        }
        inputs.push_back(to_train(std::move(events), static_cast<std::uint64_t>(config.task.steps)));
    }
    return inputs;
}

void finish(const TaskFile& file, StoredTask& task, ExperimentConfig& config) {
    if (task.trials(Split::training) == 0) {
        file.fail("split", "leaves no training trial");
    }
    config.task.samples = task.trials(Split::training);
    config.task.validation_samples = task.trials(Split::validation);
    config.task.test_samples = task.trials(Split::test);
}

void read_shd(const std::string& path, ExperimentConfig& config, std::vector<Trial>& out) {
    const TaskFile file(path);
    const h5::Shape shape = file.shape("labels", 1, "[trial]");
    const std::vector<std::int64_t> labels = file.integers("labels");
    for (const std::string name : {"spikes/times", "spikes/units"}) {
        if (file.shape(name, 1, "[trial] of variable length") != shape) {
            file.fail(name, fmt::format("must have {} trials, as labels has", shape[0]));
        }
    }
    use_labels(file, "labels", labels, config);
    constexpr std::uint32_t kUnits = 700;
    for (std::uint64_t i = 0; i < shape[0]; ++i) {
        const std::vector<double> times = file.sequence("spikes/times", i),
                                  units = file.sequence("spikes/units", i);
        if (times.size() != units.size()) {
            file.fail("spikes/units",
                      fmt::format("trial {} has {} units and {} times", i, units.size(), times.size()));
        }
        std::vector<std::pair<std::uint32_t, std::uint32_t>> events;
        for (std::size_t e = 0; e < times.size(); ++e) {
            if (!(times[e] >= 0.0 && times[e] < 1e6) || !(units[e] >= 0.0 && units[e] < kUnits)) {
                file.fail("spikes", fmt::format("trial {} holds unit {} at {} s; units are 0 to 699, times "
                                                "not negative",
                                                i, units[e], times[e]));
            }
            const double step = std::floor(times[e] / config.network.time_step_seconds + 1e-6);
            if (step < double(config.task.steps)) {
                const auto unit = static_cast<std::uint64_t>(units[e]);
                events.emplace_back(static_cast<std::uint32_t>(step),
                                    unit * static_cast<std::uint64_t>(config.network.inputs) / kUnits);
            }
        }
        out.push_back({.input = to_train(std::move(events), static_cast<std::uint64_t>(config.task.steps)),
                       .target = {},
                       .label = static_cast<std::int32_t>(labels[i])});
    }
}

}  // namespace

std::unique_ptr<learning::Task> make_dataset(ExperimentConfig& config) {
    const TaskFile file(config.task.file);
    auto task = std::make_unique<StoredTask>();
    std::vector<learning::SpikeTrain> inputs =
        file.has("x") ? dense_inputs(file, config) : event_inputs(file, config);
    const std::uint64_t count = inputs.size();
    const bool labelled = file.has("label");
    check_loss(config, labelled);
    std::vector<std::int64_t> labels, splits(count, 0);
    std::vector<double> targets;
    const auto steps = static_cast<std::uint64_t>(config.task.steps);
    if (labelled) {
        if (file.shape("label", 1, "[trial]")[0] != count) {
            file.fail("label", fmt::format("must have {} entries, one per trial", count));
        }
        labels = file.integers("label");
        use_labels(file, "label", labels, config);
    } else {
        const std::uint64_t outputs = file.shape("target", 3, "[trial, step, readout]")[2];
        targets = file.numbers("target", {count, steps, outputs}, "[trial, step, readout]");
        config.network.outputs = static_cast<std::int64_t>(outputs);
    }
    if (file.has("split")) {
        splits = file.integers("split");
        if (splits.size() != count ||
            std::any_of(splits.begin(), splits.end(), [](std::int64_t s) { return s < 0 || s > 2; })) {
            file.fail("split", fmt::format("must hold 0, 1 or 2 for each of the {} trials", count));
        }
    }
    std::vector<double> window{0.0, double(steps)};
    if (file.has("window")) {
        window = file.numbers("window", {2}, "[start, stop]");
        if (!(window[0] >= 0 && window[0] < window[1] && window[1] <= double(steps))) {
            file.fail("window", fmt::format("= [{}, {}]; must hold 0 <= start < stop <= {}", window[0],
                                            window[1], steps));
        }
    }
    const auto length = static_cast<std::ptrdiff_t>(labelled ? 0 : targets.size() / count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto from = targets.begin() + static_cast<std::ptrdiff_t>(i) * length;
        task->data[static_cast<std::size_t>(splits[i])].push_back(
            {.input = std::move(inputs[i]),
             .target = std::vector<double>(from, from + length),
             .label = labelled ? static_cast<std::int32_t>(labels[i]) : -1,
             .window_begin = static_cast<std::uint32_t>(window[0]),
             .window_end = static_cast<std::uint32_t>(window[1])});
    }
    finish(file, *task, config);
    return task;
}

std::unique_ptr<learning::Task> make_shd(ExperimentConfig& config) {
    check_loss(config, true);
    auto task = std::make_unique<StoredTask>();
    if (!config.task.test_file.empty()) {
        read_shd(config.task.test_file, config, task->data[static_cast<std::size_t>(Split::test)]);
    }
    const std::int64_t test_outputs = config.task.test_file.empty() ? 0 : config.network.outputs;
    read_shd(config.task.file, config, task->data[static_cast<std::size_t>(Split::training)]);
    config.network.outputs = std::max(config.network.outputs, test_outputs);
    finish(TaskFile(config.task.file), *task, config);
    return task;
}

}  // namespace memprop::host
