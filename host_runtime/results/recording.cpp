#include "host_runtime/results/recording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/results/task_metrics.hpp"

namespace memprop::host {
namespace {

std::vector<std::int32_t> as_pairs(const learning::SpikeTrain& train) {
    std::vector<std::int32_t> pairs;
    pairs.reserve(2 * train.spikes());
    for (std::size_t t = 0; t < train.steps(); ++t) {
        for (const std::uint32_t neuron : train.at(t)) {
            pairs.push_back(static_cast<std::int32_t>(t));
            pairs.push_back(static_cast<std::int32_t>(neuron));
        }
    }
    return pairs;
}

std::vector<float> transposed(const std::vector<double>& values, std::size_t rows, std::size_t columns) {
    std::vector<float> out(values.size());
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            out[j * rows + i] = static_cast<float>(values[i * columns + j]);
        }
    }
    return out;
}

/// (step, index) pairs below the two limits.
bool are_pairs(const std::vector<std::int32_t>& pairs, std::uint64_t steps, std::uint32_t indices) {
    bool good = pairs.size() % 2 == 0;
    for (std::size_t i = 0; good && i < pairs.size(); i += 2) {
        good = pairs[i] >= 0 && static_cast<std::uint64_t>(pairs[i]) < steps && pairs[i + 1] >= 0 &&
               static_cast<std::uint32_t>(pairs[i + 1]) < indices;
    }
    return good;
}

void write_devices(h5::File& out, const std::string& name, const crossbar::SynapseArray& array) {
    const h5::Shape shape{2 * array.shape().devices_per_polarity, array.rows(), array.columns()};
    const h5::Storage storage{.gzip_level = 4, .chunk = {}};
    const crossbar::DeviceState& devices = array.devices();
    std::vector<float> held_us = devices.conductance_us;
    if (!array.faults().none()) {
        std::vector<float> sigma_us(held_us.size());
        array.faults().apply(0, held_us, sigma_us);
    }
    out.write("/devices/" + name + "/conductance_us", held_us, shape, storage);
    out.write("/devices/" + name + "/set_pulses", devices.set_pulses, shape, storage);
    out.write("/devices/" + name + "/reset_pulses", devices.reset_pulses, shape, storage);
}

}  // namespace

void Recording::keep(const learning::TrainerBase& trainer, std::uint32_t index) {
    const learning::Trial& trial = trainer.last_trial();
    const std::vector<double> output = trainer.last_output();
    // A network that no rule compares with targets has no outputs, and no use for those of the task.
    const std::vector<double> none;
    const std::vector<double>& target = output.empty() ? none : trial.target;
    trials_.push_back({index,
                       trial.input.steps(),
                       as_pairs(trial.input),
                       as_pairs(trainer.last_spikes()),
                       {output.begin(), output.end()},
                       {target.begin(), target.end()},
                       {}});
    if (trial.label >= 0) {
        trials_.back().answer = {trial.label, trainer.last_answer()};
    }
}

void Recording::follow(const learning::TrainerBase& trainer) {
    if (golden_) {
        golden_->keep(trainer);
    }
}

void Recording::serialize(StateArchive& archive) {
    std::uint64_t count = trials_.size();
    archive("recorded_trials", count);
    trials_.resize(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        archive.enter(fmt::format("recorded_{}", i));
        std::uint64_t index = trials_[i].index;
        archive("index", index);
        trials_[i].index = static_cast<std::uint32_t>(std::min<std::uint64_t>(index, ~0U));
        archive("steps", trials_[i].steps);
        archive("input", trials_[i].input);
        archive("spikes", trials_[i].spikes);
        archive("output", trials_[i].output);
        archive("target", trials_[i].target);
        archive("answer", trials_[i].answer);
        archive.leave();
    }
    if (golden_) {
        golden_->serialize(archive);
    }
}

void Recording::check(const learning::TrainerBase& trainer) const {
    std::uint32_t inputs = 0, outputs = 0;
    for (const learning::PopulationId id : learning::sources_of(trainer.network())) {
        inputs += trainer.network().at(id).size;
    }
    for (const network::Objective& objective : trainer.network().objectives) {
        outputs += trainer.network().at(objective.population).size;
    }
    const auto neurons = static_cast<std::uint32_t>(trainer.spiking_neurons());
    std::set<std::uint32_t> seen;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
        const TrialRecord& trial = trials_[i];
        const std::size_t values = trial.output.size();
        if (trial.index >= trainer.samples_per_epoch() || !seen.insert(trial.index).second ||
            trial.steps == 0 ||
            (outputs == 0 ? values != 0 : values % outputs != 0 || values / outputs != trial.steps) ||
            !(trial.target.empty() || trial.target.size() == values) ||
            !(trial.answer.empty() || trial.answer.size() == 2) ||
            !are_pairs(trial.input, trial.steps, inputs) || !are_pairs(trial.spikes, trial.steps, neurons)) {
            throw InputError(
                fmt::format("/state/recorded_{}: is no trial of this network: steps, spikes and outputs "
                            "do not belong together",
                            i));
        }
    }
    if (golden_) {
        golden_->check(trainer);
    }
}

SplitAnswers Recording::training_answers(const learning::TrainerBase& trainer) const {
    const std::uint64_t first = first_trial_of_last_epoch(trainer);
    SplitAnswers answers;
    for (const TrialRecord& trial : trials_) {
        if (!trial.answer.empty()) {
            answers.trial.push_back(first + trial.index);
            answers.label.push_back(trial.answer[0]);
            answers.answer.push_back(trial.answer[1]);
        }
    }
    return answers;
}

void Recording::write(const std::filesystem::path& file, learning::TrainerBase& trainer,
                      const std::vector<SplitAnswers>& answers) const {
    write_atomically(file, [&](const std::filesystem::path& temporary) {
        h5::File out = h5::File::create(temporary);
        for (const TrialRecord& trial : trials_) {
            const std::string group = fmt::format("/trials/{}", trial.index);
            out.write(group + "/input", trial.input, {trial.input.size() / 2, 2});
            out.write(group + "/spikes", trial.spikes, {trial.spikes.size() / 2, 2});
            if (!trial.output.empty()) {
                out.write(group + "/output", trial.output, {trial.steps, trial.output.size() / trial.steps});
            }
            if (!trial.target.empty()) {
                out.write(group + "/target", trial.target, {trial.steps, trial.target.size() / trial.steps});
            }
        }
        write_answers(out, trainer.task(), training_answers(trainer));
        for (const SplitAnswers& of_split : answers) {
            write_answers(out, trainer.task(), of_split);
        }
        for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
            const network::Projection& projection = trainer.network().projections[p];
            const std::string& name = projection.name;
            const auto id = static_cast<learning::ProjectionId>(p);
            const std::vector<double> weights = trainer.snapshot(id);
            const std::size_t rows = rows_of(trainer.network(), projection),
                              columns = columns_of(trainer.network(), projection);
            if (weights.size() == rows * columns) {
                out.write("/weights/" + name, transposed(weights, rows, columns), {columns, rows});
            } else {  // no matrix: in the layout of its connection
                out.write("/weights/" + name, std::vector<float>(weights.begin(), weights.end()),
                          {weights.size()});
            }
            if (const crossbar::SynapseArray* array = trainer.array(id)) {
                write_devices(out, name, *array);
            }
        }
        if (golden_) {
            golden_->write(out, trainer);
        }
        out.close();
    });
}

}  // namespace memprop::host
