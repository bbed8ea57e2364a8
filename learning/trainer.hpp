// A training run: trials of a task through an engine, rules that learn from them, weight updates, sample
// after sample. Owns all state of a run; what happens to it depends on the configuration and on nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crossbar/array/counters.hpp"
#include "learning/config/config.hpp"
#include "learning/engine.hpp"
#include "learning/eprop/reward.hpp"
#include "learning/parallel.hpp"
#include "learning/rules/rules.hpp"
#include "learning/task/task.hpp"
#include "learning/update/optimizer.hpp"
#include "learning/weights/frozen_weights.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// One value per finished epoch.
struct EpochHistory {
    std::vector<double> loss;      ///< mean over the epoch's samples
    std::vector<double> accuracy;  ///< part of them classified right; labelled only
    std::vector<double> validation_epoch, validation_loss, validation_accuracy;  ///< per validation
    std::vector<double> set_pulses, reset_pulses, spikes;                        ///< within the epoch

    void serialize(StateArchive& archive) {
        archive("loss_history", loss);
        archive("accuracy_history", accuracy);
        archive("validation_epochs", validation_epoch);
        archive("validation_loss_history", validation_loss);
        archive("validation_accuracy_history", validation_accuracy);
        archive("set_pulse_history", set_pulses);
        archive("reset_pulse_history", reset_pulses);
        archive("spike_history", spikes);
    }
};

/// Weights by projection, [pre][post] each where they are a matrix; empty: drawn.
using NetworkWeights = std::vector<std::vector<double>>;

/// What a pass over a split without learning has found.
struct Evaluation {
    double loss = 0.0;      ///< mean over the trials
    double accuracy = 0.0;  ///< part of the labelled trials that were classified right; 0 if there are none
    std::vector<std::uint32_t> confusion;       ///< [label][answer]; empty without labels
    std::vector<std::int32_t> labels, answers;  ///< [trial]; -1 without labels
};

/// A run as results and checkpoints see it, in whatever precision it computes.
class TrainerBase {
public:
    virtual ~TrainerBase() = default;

    /// Shows the next sample and learns from it. Returns its loss in the forward pass before the update:
    /// the mean over the steps of the learning window of the cross-entropy, or of (y - y*)^2 (over the
    /// readouts too; half the sum if the task reports that), summed over the objectives; 0 without any.
    /// Throws RunError if it is not finite.
    virtual double train_sample() = 0;

    /// Shows a trial of the task without learning; device time stands still. Returns the loss.
    virtual double evaluate(Split split, std::uint32_t index) = 0;

    /// Evaluates the validation split and adds the result to the history.
    virtual void validate() = 0;

    /// Shows all trials of a split without learning.
    virtual Evaluation evaluate_all(Split split) = 0;

    /// A training sample that comes in step by step, as from a live stream (trainer_stream.cpp):
    /// begin_stream(T), at most T times stream_step(), end_stream(), which learns and returns the loss over
    /// the steps that had a target (0 and no update if none had). Needs a task of one trial per epoch, and
    /// the functional engine.
    virtual void begin_stream(std::uint32_t steps) = 0;
    /// inputs ascend. Either `target` (one value per readout) or `label` (-1: none) may say what the readouts
    /// should be in this step. Afterwards last_spikes().at(t) and stream_output() are those of the step.
    virtual void stream_step(std::span<const std::uint32_t> inputs, std::span<const double> target,
                             std::int32_t label) = 0;
    virtual void stream_output(std::span<double> y) const = 0;
    virtual double end_stream() = 0;

    virtual std::uint32_t samples_per_epoch() const = 0;
    virtual std::uint64_t samples_done() const = 0;
    virtual std::uint64_t steps_done() const = 0;
    virtual std::uint64_t spikes_done() const = 0;
    virtual const EpochHistory& history() const = 0;
    virtual const Task& task() const = 0;
    std::uint64_t epochs_done() const { return samples_done() / samples_per_epoch(); }

    /// The network as it was resolved; weights are not in it.
    virtual const ResolvedNetwork& resolved() const = 0;
    const network::Network& network() const { return resolved().network; }

    /// The last forward pass.
    virtual const Trial& last_trial() const = 0;
    /// Events of a population.
    virtual const SpikeTrain& last_spikes(PopulationId id) const = 0;
    /// y of the objectives side by side, [step][neuron].
    virtual std::vector<double> last_output() const = 0;
    virtual std::int32_t last_answer() const = 0;  ///< class chosen; -1 if the trial has no label

    /// The projections: noise-free weights (Projection::weights' layout), devices (null if weights are
    /// numbers).
    virtual std::vector<double> snapshot(ProjectionId id) = 0;
    virtual const crossbar::SynapseArray* array(ProjectionId id) const = 0;
    virtual crossbar::RefreshReport refreshed(ProjectionId id) const = 0;
    virtual crossbar::ProgrammingReport programmed(ProjectionId id) const = 0;
    /// Synapses that exist, and events of their devices and those of their update scheme.
    virtual std::uint64_t synapses(ProjectionId id) const = 0;
    virtual crossbar::ArrayCounters counters(ProjectionId id) const = 0;
    /// Whether any projection is on devices.
    bool has_devices() const;
    /// Events of all populations that spike, side by side in the order of the populations.
    SpikeTrain last_spikes() const;
    std::size_t spiking_neurons() const;

    /// Device time of the reads of the next sample, in update intervals.
    virtual std::int32_t tick() const = 0;
    virtual crossbar::ArrayCounters counters() const = 0;
    virtual std::uint64_t most_pulses_of_a_device() const = 0;

    /// The state between two samples.
    virtual void serialize(StateArchive& archive) = 0;

    /// Weights, devices and device time of another run, `donor`; everything else stays as at the start.
    virtual void load_weights(StateArchive& archive, const ExperimentConfig& donor) = 0;
};

template <class Real>
class BasicTrainer final : public TrainerBase {
public:
    /// Throws InputError for settings that contradict each other.
    explicit BasicTrainer(const ExperimentConfig& config) : BasicTrainer(config, make_task(config)) {}
    /// Starts from the weights `given`, else from those of the task, else from drawn ones.
    /// On the hardware that `make_hardware` makes, if any; that computes in single precision.
    BasicTrainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                 const NetworkWeights* given_weights = nullptr, const HardwareFactory& make_hardware = {});

    BasicTrainer(const BasicTrainer&) = delete;  // its parts know each other
    BasicTrainer& operator=(const BasicTrainer&) = delete;

    double train_sample() override;
    double evaluate(Split split, std::uint32_t index) override;
    void begin_stream(std::uint32_t steps) override;
    void stream_step(std::span<const std::uint32_t> inputs, std::span<const double> target,
                     std::int32_t label) override;
    void stream_output(std::span<double> y) const override;
    double end_stream() override;
    void validate() override;
    Evaluation evaluate_all(Split split) override;
    /// Trial `index` of the training split.
    double evaluate_sample(std::uint32_t index) { return evaluate(Split::training, index); }

    std::uint32_t samples_per_epoch() const override { return task_->trials(Split::training); }
    std::uint64_t samples_done() const override { return samples_done_; }
    std::uint64_t steps_done() const override { return steps_done_; }
    std::uint64_t spikes_done() const override { return spikes_done_; }
    const EpochHistory& history() const override { return history_; }
    const Task& task() const override { return *task_; }
    const ResolvedNetwork& resolved() const override { return resolved_; }

    const Tape<Real>& tape() const { return last_->tape; }
    const Trial& last_trial() const override { return *last_->trial; }
    const SpikeTrain& last_spikes(PopulationId id) const override {
        return tape().populations[network::index_of(id)].events();
    }
    std::vector<double> last_output() const override;
    std::int32_t last_answer() const override { return answer(*last_); }

    /// Of a projection that is a matrix.
    BasicWeightStore<Real>& weights(ProjectionId id) { return *stores_[network::index_of(id)]; }
    std::vector<double> snapshot(ProjectionId id) override;
    const crossbar::SynapseArray* array(ProjectionId id) const override;
    crossbar::ProgrammingReport programmed(ProjectionId id) const override;
    crossbar::RefreshReport refreshed(ProjectionId id) const override;
    std::uint64_t synapses(ProjectionId id) const override;
    crossbar::ArrayCounters counters(ProjectionId id) const override;
    using TrainerBase::last_spikes;

    std::int32_t tick() const override { return static_cast<std::int32_t>(start_tick_ + samples_done_) + 1; }
    crossbar::ArrayCounters counters() const override;
    std::uint64_t most_pulses_of_a_device() const override;
    void serialize(StateArchive& archive) override;
    void load_weights(StateArchive& archive, const ExperimentConfig& donor) override;

private:
    /// The projections that learn by one rule table.
    struct RuleGroup {
        const RuleKind* kind = nullptr;
        RuleNeeds needs;
        std::string name;
        LearningConfig learning;
        std::vector<network::Parameter> parameters;
        std::vector<RuleProjection> projections;
        EpropPlan<Real> plan;            // rules that ask for errors
        FeedbackWeights<Real> feedback;  // of the plan
        RateRegularizer<Real> regularizer;
        std::vector<std::unique_ptr<Rule<Real>>> rules;  // one per worker, or one with steps
    };
    /// What one thread needs to run a trial and its gradient.
    struct Worker {
        Gradients<Real> gradients;
        Tape<Real> tape;
        Trial buffer, next_buffer;
        const Trial* trial = &buffer;
        double reward = 0.0;
    };

    // trainer.cpp: how a run is set up
    void check_settings() const;
    bool loss_suits_task() const;
    void check_adaptive(const RuleGroup& group, ProjectionId direct) const;
    void check_run_wide(const RuleGroup& group) const;
    void make_groups();
    void make_stores();
    void make_optimizers();
    void make_engine(const HardwareFactory& make_hardware);
    void make_workers(std::size_t count);
    std::size_t workers_wanted() const;
    TapeRequest tape_request() const;
    void check_fault_map() const;
    void make_frozen(const NetworkWeights* given_weights);
    void load_initial_weights(const NetworkWeights* given_weights);
    void load_initial_feedback();
    std::vector<Real> initial_weights(ProjectionId id, const NetworkWeights* given_weights) const;
    std::uint64_t seed() const { return static_cast<std::uint64_t>(config_.run.seed); }

    // trainer_sample.cpp: a sample
    bool learns_in_steps() const;
    bool has_gradients() const;
    bool is_finite(const Tape<Real>& tape) const;
    void run_learning_between_steps();
    void run_ahead();
    void end_trial(Worker& worker, std::size_t index, bool with_steps);
    void learn(Worker& worker, std::size_t index, std::uint64_t sample);
    void tell_reward(const Worker& worker);
    void note_late_inputs(Worker& worker, std::uint64_t sample) const;
    void close_epoch();

    // trainer_evaluation.cpp
    void show(Worker& worker, Split split, std::uint32_t index);
    double account(const Worker& worker);
    std::int32_t answer(const Worker& worker) const;
    double reported_loss(const Tape<Real>& tape) const;
    std::uint64_t spikes_of(const Tape<Real>& tape) const;
    std::size_t answering() const;

    // trainer_update.cpp: from gradients to changes of weights
    bool learns_from_errors() const;
    bool has_feedback(Feedback kind) const;
    void refresh_feedback();
    void apply_updates(Worker& worker);
    void limit_gradient(Gradients<Real>& gradients);
    void decay_weights(Gradients<Real>& changes);
    bool carries_errors_back(ProjectionId id) const;

    ExperimentConfig config_;
    std::unique_ptr<Task> task_;
    ResolvedNetwork resolved_;
    std::vector<std::unique_ptr<BasicWeightStore<Real>>> stores_;  // by projection; null: frozen_ has it
    std::vector<std::unique_ptr<FrozenWeights<Real>>> frozen_;
    std::vector<std::unique_ptr<Optimizer<Real>>> optimizers_;  // null: no gradient
    std::vector<RuleGroup> groups_;
    Gradients<Real> batch_sum_;
    std::unique_ptr<RewardSignal> reward_;  // null: targets
    std::vector<Real> measured_;            // weights as read for their decay
    std::unique_ptr<Engine<Real>> engine_;
    // Trials of a batch may run ahead, one per worker: gradients are added in the order of the trials.
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<ThreadPool> threads_;
    std::uint64_t first_ahead_ = 0, end_ahead_ = 0;  // samples that the workers hold
    const Worker* last_ = nullptr;

    std::uint64_t samples_done_ = 0, updates_done_ = 0, steps_done_ = 0, spikes_done_ = 0;
    double epoch_loss_ = 0.0, epoch_right_ = 0.0;
    std::uint64_t start_tick_ = 0;  // device time that passed in the run whose weights were loaded
    std::uint64_t epoch_set_pulses_ = 0, epoch_reset_pulses_ = 0, epoch_spikes_ = 0;  // totals at its start
    EpochHistory history_;
};

using Trainer = BasicTrainer<float>;
extern template class BasicTrainer<float>;
extern template class BasicTrainer<double>;

/// The trainer of `config.run.precision`.
std::unique_ptr<TrainerBase> make_trainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                          const NetworkWeights* given_weights = nullptr,
                                          const HardwareFactory& make_hardware = {});

}  // namespace memprop::learning
