#include "host_runtime/results/recording.hpp"

#include <fmt/format.h>

#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/hdf5/h5.hpp"

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

std::vector<float> transposed(const std::vector<float>& values, std::size_t rows, std::size_t columns) {
    std::vector<float> out(values.size());
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            out[j * rows + i] = values[i * columns + j];
        }
    }
    return out;
}

void write_devices(h5::File& out, const std::string& name, const crossbar::SynapseArray& array) {
    const h5::Shape shape{2 * array.shape().devices_per_polarity, array.rows(), array.columns()};
    const h5::Storage storage{.gzip_level = 4, .chunk = {}};
    const crossbar::DeviceState& devices = array.devices();
    out.write("/devices/" + name + "/conductance_us", devices.conductance_us, shape, storage);
    out.write("/devices/" + name + "/set_pulses", devices.set_pulses, shape, storage);
    out.write("/devices/" + name + "/reset_pulses", devices.reset_pulses, shape, storage);
}

}  // namespace

void Recording::keep(const learning::Trainer& trainer, std::uint32_t index) {
    const learning::Tape<float>& tape = trainer.tape();
    const learning::Trial& trial = trainer.task().trial(index);
    trials_.push_back({index, as_pairs(trial.input), as_pairs(tape.spikes), tape.output, trial.target});
}

void Recording::serialize(StateArchive& archive) {
    std::uint64_t count = trials_.size();
    archive("recorded_trials", count);
    trials_.resize(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        archive.enter(fmt::format("recorded_{}", i));
        std::uint64_t index = trials_[i].index;
        archive("index", index);
        trials_[i].index = static_cast<std::uint32_t>(index);
        archive("input", trials_[i].input);
        archive("spikes", trials_[i].spikes);
        archive("output", trials_[i].output);
        archive("target", trials_[i].target);
        archive.leave();
    }
}

void Recording::write(const std::filesystem::path& file, learning::Trainer& trainer) const {
    write_atomically(file, [&](const std::filesystem::path& temporary) {
        h5::File out = h5::File::create(temporary);
        for (const TrialRecord& trial : trials_) {
            const std::string group = fmt::format("/trials/{}", trial.index);
            const std::uint64_t steps = trainer.task().trial(trial.index).input.steps();
            out.write(group + "/input", trial.input, {trial.input.size() / 2, 2});
            out.write(group + "/spikes", trial.spikes, {trial.spikes.size() / 2, 2});
            out.write(group + "/output", trial.output, {steps, trial.output.size() / steps});
            out.write(group + "/target", trial.target, {steps, trial.target.size() / steps});
        }
        for (std::size_t w = 0; w < learning::kProjectionNames.size(); ++w) {
            const std::string name(learning::kProjectionNames[w]);
            const auto id = static_cast<learning::ProjectionId>(w);
            const learning::WeightStoreShape shape = trainer.weights(id).shape();
            std::vector<float> weights(std::size_t{shape.pre} * shape.post);
            trainer.weights(id).snapshot(trainer.tick(), weights);
            out.write("/weights/" + name, transposed(weights, shape.pre, shape.post),
                      {shape.post, shape.pre});
            if (const crossbar::SynapseArray* array = trainer.weights(id).array()) {
                write_devices(out, name, *array);
            }
        }
        out.close();
    });
}

}  // namespace memprop::host
