// A LiveNetwork that learns from target words on the spot, with the training engine and the update scheme of
// an experiment: weights on its devices, or numbers with update.scheme = "vanilla".
#pragma once

#include <filesystem>
#include <memory>

#include "host_runtime/config/experiment.hpp"
#include "host_runtime/live/live_network.hpp"
#include "host_runtime/nir/network.hpp"
#include "learning/trainer.hpp"

namespace memprop::host::live {

/// Errors count in the steps that have a target: with learning.loss = "cross_entropy" y is the label; with
/// "mse" the readouts named should be 1 and the others 0. Weights change after every task.steps steps, or
/// within them with learning.update_every_steps. State is kept from one of these to the next
/// (network.state_reset = "never"). Puts out the index of the largest readout.
class LearningNetwork final : public LiveNetwork {
public:
    /// Starts from the weights of `network`, which has to be of the form that training knows
    /// (exchange/initial_weights.hpp). `save`, if not empty: a .nir or .h5 (checkpoint) file that is written
    /// when a peer goes; a failure to write is said, and the work goes on. Throws InputError.
    LearningNetwork(const nir::Network& network, const std::string& file, const Experiment& config,
                    std::filesystem::path save);

    void step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t> targets,
              std::vector<Word>& out) override;
    std::uint64_t steps_done() const override { return steps_; }
    bool learns() const override { return true; }
    std::uint32_t target_count() const override { return outputs_; }
    void pause() override;

    /// Ends the segment under way, which learns, and writes `file` (.nir or .h5). Throws RunError.
    void save(const std::filesystem::path& file);

    const learning::TrainerBase& trainer() const { return *trainer_; }
    const Experiment& config() const { return config_; }

private:
    void end_segment();

    Experiment config_;
    std::filesystem::path save_;
    std::unique_ptr<learning::TrainerBase> trainer_;
    std::uint32_t outputs_, segment_steps_;
    std::uint32_t position_ = 0;  // within the segment
    std::uint64_t steps_ = 0;
    std::vector<std::uint32_t> active_;
    std::vector<double> target_, y_;
};

}  // namespace memprop::host::live
