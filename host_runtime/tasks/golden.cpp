#include "host_runtime/tasks/golden.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/tasks/task_file.hpp"

namespace memprop::host {
namespace {

using learning::Split;
using learning::Trial;

/// [rows][columns] to [columns][rows].
std::vector<double> transposed(const std::vector<double>& values, std::size_t rows, std::size_t columns) {
    std::vector<double> out(values.size());
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            out[j * rows + i] = values[i * columns + j];
        }
    }
    return out;
}

class Golden final : public learning::Task {
public:
    explicit Golden(learning::ExperimentConfig& config) {
        const TaskFile file(config.task.file);
        const h5::Shape x = file.shape("x", 4, "[iteration or 1, trial, step, input]");
        trials_ = static_cast<std::uint32_t>(x[1]);
        steps_ = x[2];
        inputs_ = x[3];
        const auto recurrent = file.shape("w_rec", 2, "[neuron, neuron]")[0];
        const auto outputs = file.shape("w_out", 2, "[readout, neuron]")[0];
        config.network.inputs = static_cast<std::int64_t>(inputs_);
        config.network.recurrent = static_cast<std::int64_t>(recurrent);
        config.network.outputs = static_cast<std::int64_t>(outputs);
        config.task.samples = trials_;
        config.task.steps = static_cast<std::int64_t>(steps_);
        config.learning.batch = trials_;
        if (config.task.readout_delay_from_data) {
            const auto first = file.block("x", {1, 1, 1, inputs_});
            config.network.readout_delay_steps =
                std::any_of(first.begin(), first.end(), [](std::uint8_t spike) { return spike != 0; });
        }
        const auto epochs = static_cast<std::uint64_t>(config.run.epochs);
        if (x[0] != 1 && x[0] < epochs) {
            throw InputError("run.epochs", epochs,
                             fmt::format("{} has only {} iterations", config.task.file, x[0]));
        }
        initial_.w_in =
            transposed(file.numbers("w_in", {recurrent, inputs_}, "[neuron, input]"), recurrent, inputs_);
        initial_.w_rec = transposed(file.numbers("w_rec", {recurrent, recurrent}, "[neuron, neuron]"),
                                    recurrent, recurrent);
        initial_.w_out =
            transposed(file.numbers("w_out", {outputs, recurrent}, "[readout, neuron]"), outputs, recurrent);
        initial_.feedback =
            transposed(file.numbers("b_fb", {recurrent, outputs}, "[neuron, readout]"), recurrent, outputs);
        if (file.has("beta")) {
            initial_.beta = file.numbers("beta", {recurrent}, "[neuron]");
        }
        const std::uint64_t iterations = x[0];
        read_trials(file, iterations);
        if (config.learning.loss == learning::Loss::cross_entropy) {
            read_labels(file, iterations, outputs);
        } else {
            read_targets(file, iterations, outputs);
        }
    }

    std::uint32_t trials(Split split) const override { return split == Split::training ? trials_ : 0; }
    const Trial& trial(Split, std::uint64_t index, Trial& buffer) const override {
        const std::uint64_t iteration = index / trials_, member = index % trials_;
        const Trial& trial = data_[(iteration * trials_ + member) % data_.size()];
        if (wanted_.empty()) {
            return trial;
        }
        buffer.input = trial.input;  // x repeats, targets do not
        const Wanted& wanted = wanted_[(iteration * trials_ + member) % wanted_.size()];
        buffer.target = wanted.target;
        buffer.label = wanted.label;
        buffer.window_begin = trial.window_begin;
        buffer.window_end = trial.window_end;
        return buffer;
    }
    const learning::InitialNetwork* initial_network() const override { return &initial_; }
    bool reports_half_sum() const override { return true; }

private:
    struct Wanted {
        std::vector<double> target;
        std::int32_t label = -1;
    };

    void read_trials(const TaskFile& file, std::uint64_t iterations) {
        std::uint32_t begin = 0;
        auto end = static_cast<std::uint32_t>(steps_);
        if (file.has("window")) {
            const auto window = file.numbers("window", {2}, "[start, stop]");
            if (!(window[0] >= 0 && window[0] < window[1] && window[1] <= double(steps_))) {
                file.fail("window", fmt::format("= [{}, {}]; must hold 0 <= start < stop <= {}", window[0],
                                                window[1], steps_));
            }
            begin = static_cast<std::uint32_t>(window[0]);
            end = static_cast<std::uint32_t>(window[1]);
        }
        const std::vector<std::uint8_t> x = file.bytes("x");
        data_.resize(iterations * trials_);
        std::size_t at = 0;
        for (Trial& trial : data_) {
            trial.window_begin = begin;
            trial.window_end = end;
            for (std::uint64_t t = 0; t < steps_; ++t) {
                for (std::uint32_t i = 0; i < inputs_; ++i, ++at) {
                    if (x[at] > 1) {
                        file.fail("x", fmt::format("holds {}; it must be 0 or 1", x[at]));
                    }
                    if (x[at] == 1) {
                        trial.input.add(i);
                    }
                }
                trial.input.end_step();
            }
        }
    }

    /// Gives each trial of x its target, or keeps targets apart if they alone differ between iterations.
    void place(std::vector<Wanted> wanted) {
        if (wanted.size() > data_.size()) {
            wanted_ = std::move(wanted);
            return;
        }
        for (std::size_t i = 0; i < data_.size(); ++i) {
            data_[i].target = wanted[i % wanted.size()].target;
            data_[i].label = wanted[i % wanted.size()].label;
        }
    }

    void check_iterations(const TaskFile& file, const std::string& name, const h5::Shape& shape,
                          std::uint64_t iterations) const {
        if ((shape[0] != 1 && iterations != 1 && shape[0] != iterations) || shape[1] != trials_) {
            file.fail(name, fmt::format("has shape [{}]; x has {} iterations of {} trials",
                                        fmt::join(shape, ", "), iterations, trials_));
        }
    }

    void read_targets(const TaskFile& file, std::uint64_t iterations, std::uint64_t outputs) {
        const h5::Shape shape = file.shape("target", 4, "[iteration or 1, trial, step, readout]");
        check_iterations(file, "target", shape, iterations);
        const std::vector<double> values =
            file.numbers("target", {shape[0], trials_, steps_, outputs}, "[iteration, trial, step, readout]");
        const auto length = static_cast<std::ptrdiff_t>(steps_ * outputs);
        std::vector<Wanted> wanted(shape[0] * trials_);
        auto from = values.begin();
        for (Wanted& w : wanted) {
            w.target.assign(from, from + length);
            from += length;
        }
        place(std::move(wanted));
    }

    void read_labels(const TaskFile& file, std::uint64_t iterations, std::uint64_t outputs) {
        const h5::Shape shape = file.shape("label", 2, "[iteration or 1, trial]");
        check_iterations(file, "label", shape, iterations);
        std::vector<Wanted> wanted;
        for (const std::int64_t label : file.integers("label")) {
            if (label < 0 || static_cast<std::uint64_t>(label) >= outputs) {
                file.fail("label", fmt::format("holds {}; it must be 0 to {}", label, outputs - 1));
            }
            wanted.push_back({.target = {}, .label = static_cast<std::int32_t>(label)});
        }
        place(std::move(wanted));
    }

    std::uint32_t trials_ = 0;
    std::uint64_t steps_ = 0, inputs_ = 0;
    std::vector<Trial> data_;     // [iteration or 1][trial]
    std::vector<Wanted> wanted_;  // [iteration][trial], if x is the same in all iterations
    learning::InitialNetwork initial_;
};

}  // namespace

std::unique_ptr<learning::Task> make_golden(learning::ExperimentConfig& config) {
    return std::make_unique<Golden>(config);
}

}  // namespace memprop::host
