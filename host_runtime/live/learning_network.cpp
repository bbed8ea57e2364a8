#include "host_runtime/live/learning_network.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/exchange/initial_weights.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/results/checkpoint.hpp"

namespace memprop::host::live {
namespace {

/// The trials of a stream come from the stream.
class StreamTask final : public learning::Task {
public:
    std::uint32_t trials(learning::Split split) const override {
        return split == learning::Split::training ? 1 : 0;
    }
    bool is_stream() const override { return true; }
    const learning::Trial& trial(learning::Split, std::uint64_t, learning::Trial&) const override {
        throw RunError("a live stream has no trial of its own");
    }
};

Experiment for_streams(Experiment config) {
    if (config.run.engine != learning::EngineKind::functional) {
        throw InputError("run.engine must be \"functional\" to learn from a live stream");
    }
    if (config.learning.supervision != learning::Supervision::target) {
        throw InputError("learning.supervision must be \"target\" to learn from a live stream");
    }
    if (config.learning.batch != 1) {
        throw InputError("learning.batch", config.learning.batch, "must be 1 to learn from a live stream");
    }
    config.network.state_reset = learning::StateReset::never;
    return config;
}

}  // namespace

LearningNetwork::LearningNetwork(const nir::Network& network, const std::string& file,
                                 const Experiment& config, std::filesystem::path save)
    : config_(for_streams(config)),
      save_(std::move(save)),
      outputs_(static_cast<std::uint32_t>(config.network.outputs)),
      segment_steps_(static_cast<std::uint32_t>(config.task.steps)),
      target_(outputs_),
      y_(outputs_) {
    const std::string extension = save_.extension().string();
    if (!save_.empty() && extension != ".nir" && extension != ".h5") {
        throw InputError("save", save_.string(), "must end in .nir or .h5");
    }
    if (extension == ".nir") {
        check_exportable(config_, save_.string());
    }
    const learning::NetworkWeights weights = initial_weights(network, file, config_);
    trainer_ = learning::make_trainer(config_, std::make_unique<StreamTask>(), &weights);
    const auto* array = trainer_->array(learning::classic::w_in);
    if (array != nullptr && !array->model().takes_pulses()) {
        throw InputError("crossbar.device", config_.crossbar.device,
                         "is programmed once and takes no update pulses");
    }
}

void LearningNetwork::step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t> targets,
                           std::vector<Word>& out) {
    if (position_ == 0) {
        trainer_->begin_stream(segment_steps_);
    }
    active_.assign(inputs.begin(), inputs.end());
    std::sort(active_.begin(), active_.end());
    active_.erase(std::unique(active_.begin(), active_.end()), active_.end());
    std::span<const double> wanted;
    if (!targets.empty()) {
        std::fill(target_.begin(), target_.end(), 0.0);
        for (const std::uint16_t target : targets) {
            target_[target] = 1.0;
        }
        wanted = target_;
    }
    trainer_->stream_step(active_, wanted, targets.empty() ? -1 : targets.back());
    trainer_->stream_output(y_);
    const auto largest = std::max_element(y_.begin(), y_.end()) - y_.begin();
    out.push_back(
        {.x = static_cast<std::uint16_t>(largest), .y = 0, .on = false, .timed = false, .time_us = 0});
    ++steps_;
    if (++position_ == segment_steps_) {
        end_segment();
    }
}

void LearningNetwork::end_segment() {
    if (position_ > 0) {
        trainer_->end_stream();
        position_ = 0;
    }
}

void LearningNetwork::pause() {
    end_segment();
    if (save_.empty()) {
        return;
    }
    try {
        save(save_);
    } catch (const std::exception& error) {
        say("{}: {}; serving goes on, and the end saves again\n", program_name(), error.what());
    }
}

void LearningNetwork::save(const std::filesystem::path& file) {
    end_segment();
    Recording nothing(false);
    if (file.extension() == ".h5") {
        write_checkpoint(file, CheckpointOwner(config_), *trainer_, nothing, ChipLedger());
        return;
    }
    // The NIR file is made from a checkpoint, so that both hold the same.
    std::filesystem::path checkpoint = file;
    checkpoint += fmt::format(".{}.h5", ::getpid());
    struct Remover {
        const std::filesystem::path& file;
        ~Remover() {
            std::error_code ignored;
            std::filesystem::remove(file, ignored);
        }
    } const remover{checkpoint};
    write_checkpoint(checkpoint, CheckpointOwner(config_), *trainer_, nothing, ChipLedger());
    nir::write_network(network_of_checkpoint(checkpoint), file);
}

}  // namespace memprop::host::live
