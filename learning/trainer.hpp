// The functional engine: forward pass, e-prop gradient, weight update, sample after sample. Owns all
// state of a run; what happens to it depends on the configuration and on nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crossbar/array/counters.hpp"
#include "learning/config.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/network/forward.hpp"
#include "learning/task/task.hpp"
#include "learning/update/optimizer.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// One value per finished epoch.
struct EpochHistory {
    std::vector<double> loss;                              ///< mean over the epoch's samples
    std::vector<double> set_pulses, reset_pulses, spikes;  ///< within the epoch

    void serialize(StateArchive& archive) {
        archive("loss_history", loss);
        archive("set_pulse_history", set_pulses);
        archive("reset_pulse_history", reset_pulses);
        archive("spike_history", spikes);
    }
};

class Trainer {
public:
    /// Throws InputError for settings that contradict each other.
    explicit Trainer(const ExperimentConfig& config);

    /// Shows the next sample and learns from it. Returns its loss: the mean over steps and readouts of
    /// (y - y*)^2 in the forward pass before the update. Throws RunError if it is not finite.
    double train_sample();

    /// Shows sample `index` of the task without learning; device time stands still. Returns the loss.
    double evaluate_sample(std::uint32_t index);

    std::uint32_t samples_per_epoch() const { return task_->trials_per_epoch(); }
    std::uint64_t samples_done() const { return samples_done_; }
    std::uint64_t epochs_done() const { return samples_done_ / samples_per_epoch(); }
    const EpochHistory& history() const { return history_; }
    std::uint64_t steps_done() const { return steps_done_; }
    std::uint64_t spikes_done() const { return spikes_done_; }

    /// The last forward pass: spikes, outputs, errors.
    const Tape<float>& tape() const { return tape_; }
    const Task& task() const { return *task_; }
    /// The projection's weights; devices of null-array stores are absent.
    WeightStore& weights(ProjectionId id) { return *weights_[static_cast<std::size_t>(id)]; }
    /// Device time of the reads of the next sample, in update intervals.
    std::int32_t tick() const { return static_cast<std::int32_t>(start_tick_ + samples_done_) + 1; }

    crossbar::ArrayCounters counters() const;
    std::uint64_t most_pulses_of_a_device() const;

    /// The state between two samples.
    void serialize(StateArchive& archive);

    /// Weights, devices and device time of another run; everything else stays as at the start.
    void load_weights(StateArchive& archive);

private:
    double run_forward(const Trial& trial, std::uint32_t sample);
    void refresh_feedback();
    void apply_updates();
    void close_epoch();

    ExperimentConfig config_;
    std::unique_ptr<Task> task_;
    NetworkParameters<float> parameters_;
    std::array<std::unique_ptr<WeightStore>, 3> weights_;
    std::array<std::unique_ptr<Optimizer>, 3> optimizers_;
    std::unique_ptr<Gradient<float>> gradient_;
    Gradients<float> gradients_, batch_sum_;
    RateRegularizer<float> regularizer_;
    std::vector<float> feedback_;         // [readout][neuron]
    std::vector<float> readout_weights_;  // [neuron][readout], for symmetric feedback
    ForwardPass<float> forward_;
    Tape<float> tape_;

    std::uint64_t samples_done_ = 0, updates_done_ = 0, steps_done_ = 0, spikes_done_ = 0;
    double epoch_loss_ = 0.0;
    std::uint64_t start_tick_ = 0;  // device time that passed in the run whose weights were loaded
    std::uint64_t epoch_set_pulses_ = 0, epoch_reset_pulses_ = 0, epoch_spikes_ = 0;  // totals at its start
    EpochHistory history_;
};

}  // namespace memprop::learning
