#include "host_runtime/results/golden_recording.hpp"

#include <string>

#include "crossbar/base/error.hpp"

namespace memprop::host {

void GoldenRecording::keep(const learning::TrainerBase& trainer) {
    const learning::SpikeTrain& spikes = trainer.last_spikes(learning::classic::neurons);
    for (std::size_t t = 0; t < spikes.steps(); ++t) {
        for (const std::uint32_t neuron : spikes.at(t)) {
            events_.push_back(static_cast<std::uint32_t>(steps_ + t));
            events_.push_back(neuron);
        }
    }
    steps_ += spikes.steps();
    const std::vector<double> output = trainer.last_output();
    output_.insert(output_.end(), output.begin(), output.end());
}

void GoldenRecording::serialize(StateArchive& archive) {
    archive.enter("golden");
    archive("events", events_);
    archive("output", output_);
    archive("steps", steps_);
    archive.leave();
}

void GoldenRecording::check(const learning::TrainerBase& trainer) const {
    const std::uint32_t neurons = trainer.network().at(learning::classic::neurons).size,
                        outputs = trainer.network().at(learning::classic::readouts).size;
    bool good =
        events_.size() % 2 == 0 && output_.size() % outputs == 0 && steps_ == output_.size() / outputs;
    for (std::size_t i = 0; good && i < events_.size(); i += 2) {
        good = events_[i] < steps_ && events_[i + 1] < neurons;
    }
    if (!good) {
        throw InputError("/state/golden: its spikes and outputs do not belong together");
    }
}

void GoldenRecording::write(h5::File& out, learning::TrainerBase& trainer) const {
    const std::uint64_t trials = trainer.samples_per_epoch(), iterations = trainer.epochs_done();
    const std::uint64_t steps = steps_ / (trials * iterations);
    const std::uint64_t neurons = trainer.network().at(learning::classic::neurons).size;
    std::vector<std::uint8_t> z(steps_ * neurons);
    for (std::size_t i = 0; i < events_.size(); i += 2) {
        z[events_[i] * neurons + events_[i + 1]] = 1;
    }
    const h5::Storage storage{.gzip_level = 4, .chunk = {}};
    out.write("/golden/z", z, {iterations, trials, steps, neurons}, storage);
    out.write("/golden/y", output_, {iterations, trials, steps, output_.size() / steps_});
    out.write("/golden/loss", trainer.history().loss);
    for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
        const auto id = static_cast<learning::ProjectionId>(p);
        const network::Projection& projection = trainer.network().projections[p];
        const std::size_t pre = rows_of(trainer.network(), projection),
                          post = columns_of(trainer.network(), projection);
        const std::vector<double> weights = trainer.snapshot(id);
        std::vector<double> transposed(weights.size());
        for (std::size_t i = 0; i < pre; ++i) {
            for (std::size_t j = 0; j < post; ++j) {
                transposed[j * pre + i] = weights[i * post + j];
            }
        }
        out.write("/golden/" + projection.name, transposed, {post, pre});
    }
}

}  // namespace memprop::host
