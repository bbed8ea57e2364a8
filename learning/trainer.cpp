#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>
#include <type_traits>

#include "crossbar/array/faults.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/update/fast_array.hpp"
#include "learning/update/scheme.hpp"
#include "learning/weights/connectivity.hpp"

namespace memprop::learning {
namespace {

template <class Real>
std::vector<Real> draw_weights(const ExperimentConfig& config, Stream stream, ProjectionId id,
                               std::size_t count, double standard_deviation) {
    std::vector<float> weights(count);
    fill_normals({.seed = static_cast<std::uint64_t>(config.run.seed),
                  .stream = stream,
                  .array = static_cast<std::uint8_t>(id)},
                 0, weights);
    for (float& w : weights) {
        w *= static_cast<float>(standard_deviation);
    }
    return {weights.begin(), weights.end()};
}

/// The weights `given`, or drawn ones if there are none.
template <class Real>
std::vector<Real> initial_weights(const ExperimentConfig& config, const WeightStoreShape& shape,
                                  double standard_deviation, const std::vector<double>* given) {
    const std::size_t count = std::size_t{shape.pre} * shape.post;
    if (given != nullptr && given->size() != count) {
        throw InputError(kProjectionNames[static_cast<std::size_t>(shape.id)], given->size(),
                         fmt::format("must be {} x {} weights, as network.* of the experiment says",
                                     shape.pre, shape.post));
    }
    std::vector<Real> initial = given != nullptr ? std::vector<Real>(given->begin(), given->end())
                                                 : draw_weights<Real>(config, Stream::initial_weight,
                                                                      shape.id, count, standard_deviation);
    if (shape.no_diagonal) {
        for (std::size_t i = 0; i < std::min(shape.pre, shape.post); ++i) {
            initial[i * shape.post + i] = Real{0};
        }
    }
    cut_unconnected(shape, std::span(initial));
    return initial;
}

}  // namespace

template <class Real>
NetworkParameters<Real> parameters_of(const ExperimentConfig& config, const Task& task) {
    NetworkParameters<Real> parameters(config.network, config.learning);
    if (const InitialNetwork* given = task.initial_network(); given != nullptr && !given->beta.empty()) {
        parameters.set_beta(given->beta);
    }
    return parameters;
}

template <class Real>
BasicTrainer<Real>::BasicTrainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                 const NetworkWeights* given_weights, const HardwareFactory& make_hardware)
    : config_(config),
      task_(std::move(task)),
      parameters_(parameters_of<Real>(config, *task_)),
      batch_sum_(parameters_),
      regularizer_{.strength = static_cast<Real>(config.learning.rate_regularization),
                   .target_per_step =
                       static_cast<Real>(config.learning.target_rate_hz * config.network.time_step_seconds),
                   .form = config.learning.regularizer,
                   .decay = static_cast<Real>(config.learning.regularizer_decay)},
      readout_weights_(std::size_t{parameters_.recurrent} * parameters_.outputs) {
    check_settings();
    const auto& p = parameters_;
    weights_ = {make_weight_store<Real>(config, {.id = ProjectionId::w_in,
                                                 .pre = p.inputs,
                                                 .post = p.recurrent,
                                                 .connected = connect(config, ProjectionId::w_in)}),
                make_weight_store<Real>(config, {.id = ProjectionId::w_rec,
                                                 .pre = p.recurrent,
                                                 .post = p.recurrent,
                                                 .no_diagonal = true,
                                                 .connected = connect(config, ProjectionId::w_rec)}),
                make_weight_store<Real>(config, {.id = ProjectionId::w_out,
                                                 .pre = p.recurrent,
                                                 .post = p.outputs,
                                                 .connected = connect(config, ProjectionId::w_out)})};
    check_fault_map();
    const auto& learning = config.learning;
    optimizers_ = {std::make_unique<Optimizer<Real>>(learning, learning.lr, batch_sum_.w_in.size()),
                   std::make_unique<Optimizer<Real>>(learning, learning.lr, batch_sum_.w_rec.size()),
                   std::make_unique<Optimizer<Real>>(learning, learning.lr_out, batch_sum_.w_out.size())};
    if (learning.supervision == Supervision::reward) {
        reward_ = std::make_unique<RewardSignal>(static_cast<std::uint64_t>(config.run.seed),
                                                 learning.reward_decay);
    }
    if (learning.update_every_steps > 0) {
        step_learner_ = std::make_unique<StepLearner<Real>>(
            parameters_, learning, regularizer_,
            std::array<Optimizer<Real>*, 3>{optimizers_[0].get(), optimizers_[1].get(), optimizers_[2].get()},
            std::array{weights_[0]->shape(), weights_[1]->shape(), weights_[2]->shape()},
            [this](const std::array<std::span<const Real>, 3>& changes, std::uint32_t event) {
                write_weights(changes, event);
            });
    }
    make_workers();
    feedback_.resize(readout_weights_.size());
    if (make_hardware) {
        build_hardware(make_hardware);
    }
    load_initial_weights(given_weights);
    load_initial_feedback();
    const crossbar::ArrayCounters initial = counters();  // initial programming belongs to no epoch
    epoch_set_pulses_ = initial.set_pulses;
    epoch_reset_pulses_ = initial.reset_pulses;
}

template <class Real>
void BasicTrainer<Real>::check_fault_map() const {
    std::vector<std::uint32_t> arrays;
    for (std::uint32_t w = 0; w < weights_.size(); ++w) {
        if (weights_[w]->array() != nullptr) {
            arrays.push_back(w);
        }
        if (weights_[w]->scheme_array() != nullptr) {
            arrays.push_back(kFirstFastArray + w);
        }
    }
    if (!arrays.empty()) {
        crossbar::check_mapped_arrays(config_.crossbar.faults, arrays);
    }
}

template <class Real>
void BasicTrainer<Real>::build_hardware(const HardwareFactory& make_hardware) {
    if constexpr (std::is_same_v<Real, float>) {
        hardware_ = make_hardware({.config = config_,
                                   .parameters = parameters_,
                                   .weights = stores(),
                                   .state = workers_[0]->forward.state(),
                                   .feedback = feedback_});
    } else {
        throw InputError("run.precision", "double",
                         "must be \"single\" on run.engine = \"cycle\": the chip has 32-bit numbers");
    }
}

template <class Real>
void BasicTrainer<Real>::load_initial_weights(const NetworkWeights* given_weights) {
    const InitialNetwork* of_task = task_->initial_network();
    const std::array<double, 3> spread{config_.network.init_std_in, config_.network.init_std_rec,
                                       config_.network.init_std_out};
    for (std::size_t w = 0; w < 3; ++w) {
        const std::vector<double>* given = given_weights != nullptr ? &(*given_weights)[w]
                                           : of_task == nullptr     ? nullptr
                                           : w == 0                 ? &of_task->w_in
                                           : w == 1                 ? &of_task->w_rec
                                                                    : &of_task->w_out;
        const std::vector<Real> initial =
            initial_weights<Real>(config_, weights_[w]->shape(), spread[w], given);
        if constexpr (std::is_same_v<Real, float>) {
            if (hardware_) {
                hardware_->load(static_cast<ProjectionId>(w), initial);
                continue;
            }
        }
        weights_[w]->load(initial);
    }
}

template <class Real>
void BasicTrainer<Real>::load_initial_feedback() {
    const InitialNetwork* given = task_->initial_network();
    std::vector<Real> initial =
        given != nullptr ? std::vector<Real>(given->feedback.begin(), given->feedback.end())
                         : draw_weights<Real>(config_, Stream::feedback_weight, ProjectionId::w_out,
                                              feedback_.size(), config_.learning.feedback_std);
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_) {
            hardware_->load_feedback(initial);
            return;
        }
    }
    feedback_ = std::move(initial);
}

template <class Real>
bool BasicTrainer<Real>::loss_suits_task() const {
    Trial buffer;
    const Trial& first = task_->trial(Split::training, 0, buffer);
    return config_.learning.loss == Loss::cross_entropy
               ? first.label >= 0 && first.label < config_.network.outputs
               : !first.target.empty();
}

template <class Real>
void BasicTrainer<Real>::check_settings() const {
    const LearningConfig& learning = config_.learning;
    if (learning.early_spikes_lose_last_error && learning.gradient != GradientForm::online) {
        throw InputError("learning.early_spikes_lose_last_error", true,
                         "needs learning.gradient = \"online\"");
    }
    if (!task_->is_stream() && !loss_suits_task()) {
        throw InputError("learning.loss", learning.loss == Loss::cross_entropy ? "cross_entropy" : "mse",
                         fmt::format("does not suit the task {}: cross_entropy needs trials with labels, mse "
                                     "trials with targets",
                                     config_.task.name));
    }
    if (config_.network.layers > 1 && config_.network.layer_readout == LayerReadout::last &&
        learning.feedback != Feedback::random) {
        throw InputError("learning.feedback", "symmetric or adaptive",
                         "must be \"random\": only the last of network.layers has readout weights");
    }
    if (learning.supervision == Supervision::reward &&
        (learning.loss != Loss::cross_entropy || learning.update_every_steps > 0)) {
        throw InputError("learning.supervision", "reward",
                         "needs learning.loss = \"cross_entropy\" and updates after trials");
    }
    if (config_.update.write_verify &&
        find_scheme_kind("update.scheme", config_.update.scheme).make == nullptr) {
        throw InputError(
            "update.write_verify", true,
            fmt::format("must be false with update.scheme = \"{}\": its weights are numbers, nothing "
                        "is written to devices",
                        config_.update.scheme));
    }
    if (learning.update_every_steps == 0) {
        return;
    }
    const auto refuse = [&](std::string_view rule) {
        throw InputError("learning.update_every_steps", learning.update_every_steps, rule);
    };
    if (learning.gradient != GradientForm::online) {
        refuse("updates within a trial need learning.gradient = \"online\"");
    }
    if (learning.regularizer == RegularizerForm::per_trial && learning.rate_regularization > 0.0) {
        refuse(
            "updates within a trial need learning.regularizer = \"running_average\": the rate of the "
            "trial is not known yet");
    }
    if (learning.feedback == Feedback::adaptive || learning.average_over_window ||
        learning.weight_decay > 0.0 || learning.gradient_clip > 0.0) {
        refuse(
            "adaptive feedback, average_over_window, weight_decay and gradient_clip belong to updates "
            "after trials");
    }
}

/// One worker, or several if trials may run side by side: weights that are numbers can be read by several
/// threads, and trials are independent if state is reset.
template <class Real>
void BasicTrainer<Real>::make_workers() {
    std::size_t count = 1;
    if (config_.run.engine == Engine::functional && weights_[0]->array() == nullptr && !step_learner_ &&
        !parameters_.keeps_state) {
        const std::size_t wanted = config_.run.threads > 0 ? static_cast<std::size_t>(config_.run.threads)
                                                           : std::thread::hardware_concurrency();
        count = std::clamp<std::size_t>(wanted, 1, static_cast<std::size_t>(config_.learning.batch));
    }
    for (std::size_t i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<Worker>(parameters_, config_.learning.gradient));
    }
    last_ = workers_[0].get();
    threads_ = std::make_unique<ThreadPool>(count);
}

template <class Real>
void BasicTrainer<Real>::run_forward(Worker& worker, std::uint32_t sample, bool learns) {
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_) {
            hardware_->run(*worker.trial, sample, tick(), learns, worker.tape);
            return;
        }
    }
    for (auto& store : weights_) {
        store->begin_sample(sample, tick());
    }
    worker.forward.run(*worker.trial, *weights_[0], *weights_[1], *weights_[2], worker.tape);
    for (auto& store : weights_) {
        store->end_sample();
    }
}

template <class Real>
void BasicTrainer<Real>::run_learning_between_steps() {
    Worker& worker = *workers_[0];
    const auto sample = static_cast<std::uint32_t>(samples_done_);
    const auto learn_with = [&](auto&& step) {
        step_learner_->begin_trial();
        const auto steps = static_cast<std::uint32_t>(worker.trial->input.steps());
        for (std::uint32_t t = 0; t < steps; ++t) {
            step_learner_->before_step();
            step(t);
            step_learner_->after_step(worker.tape, t, feedback_);
        }
        step_learner_->end_trial();
    };
    refresh_feedback();
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_) {
            hardware_->begin(*worker.trial, sample, tick(), worker.tape);
            learn_with([&](std::uint32_t t) { hardware_->step(t); });
            return;
        }
    }
    for (auto& store : weights_) {
        store->begin_sample(sample, tick());
    }
    worker.forward.begin(*worker.trial, worker.tape);
    learn_with([&](std::uint32_t t) {
        worker.forward.step(t, *worker.trial, *weights_[0], *weights_[1], *weights_[2], worker.tape);
    });
    for (auto& store : weights_) {
        store->end_sample();
    }
}

/// Which inputs spike in step 1 of the next trial.
template <class Real>
void BasicTrainer<Real>::note_late_inputs(Worker& worker, std::uint64_t sample) const {
    const std::uint64_t total = static_cast<std::uint64_t>(config_.run.epochs) * samples_per_epoch();
    if (config_.learning.early_spikes_lose_last_error && sample + 1 < total) {
        const SpikeTrain& next = task_->trial(Split::training, sample + 1, worker.next_buffer).input;
        if (next.steps() > 1) {
            worker.tape.late_inputs.assign(next.at(1).begin(), next.at(1).end());
        }
    }
}

template <class Real>
void BasicTrainer<Real>::tell_reward(const Worker& worker) {
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_ && worker.tape.window_steps > 0) {
            const std::size_t outputs = parameters_.outputs;
            hardware_->reward(std::span<const float>(worker.tape.error)
                                  .subspan(worker.trial->window_begin * outputs, outputs));
        }
    }
}

/// Computes the gradients of the next trials of the batch, as many as there are workers.
template <class Real>
void BasicTrainer<Real>::run_ahead() {
    const auto batch = static_cast<std::uint64_t>(config_.learning.batch);
    const std::uint64_t count = std::min<std::uint64_t>(workers_.size(), batch - samples_done_ % batch);
    first_ahead_ = samples_done_;
    end_ahead_ = samples_done_ + count;
    const auto learn = [&](Worker& worker, std::uint64_t sample) {
        note_late_inputs(worker, sample);
        if (reward_) {
            worker.reward = reward_->apply(*worker.trial, sample, parameters_.outputs, worker.tape);
            tell_reward(worker);
        }
        worker.gradient->compute(worker.tape, feedback_, regularizer_, worker.gradients);
    };
    if (count == 1) {
        Worker& worker = *workers_[0];
        worker.trial = &task_->trial(Split::training, samples_done_, worker.buffer);
        run_forward(worker, static_cast<std::uint32_t>(samples_done_), true);
        refresh_feedback();
        if (std::isfinite(worker.tape.loss)) {
            learn(worker, samples_done_);
        }
        return;
    }
    refresh_feedback();
    threads_->run(count, [&](std::size_t i) {
        Worker& worker = *workers_[i];
        worker.trial = &task_->trial(Split::training, first_ahead_ + i, worker.buffer);
        worker.forward.run(*worker.trial, *weights_[0], *weights_[1], *weights_[2], worker.tape);
        learn(worker, first_ahead_ + i);
    });
}

template <class Real>
double BasicTrainer<Real>::train_sample() {
    if (samples_done_ >= std::numeric_limits<std::int32_t>::max() - 1) {
        throw RunError("more than 2^31 training samples in one run");
    }
    Worker* worker = workers_[0].get();
    double loss = 0.0;
    if (step_learner_) {
        worker->trial = &task_->trial(Split::training, samples_done_, worker->buffer);
        run_learning_between_steps();
        loss = account(*worker);
    } else {
        if (samples_done_ < first_ahead_ || samples_done_ >= end_ahead_) {
            run_ahead();
        }
        worker = workers_[samples_done_ - first_ahead_].get();
        loss = account(*worker);
        if (reward_) {
            reward_->note(worker->reward);
        }
        apply_updates(*worker);
    }
    ++samples_done_;
    epoch_loss_ += loss;
    epoch_right_ += worker->trial->label >= 0 && answer(*worker) == worker->trial->label ? 1.0 : 0.0;
    if (samples_done_ % samples_per_epoch() == 0) {
        close_epoch();
    }
    return loss;
}

template <class Real>
void BasicTrainer<Real>::close_epoch() {
    const crossbar::ArrayCounters now = counters();
    history_.loss.push_back(epoch_loss_ / samples_per_epoch());
    if (last_->trial->label >= 0) {
        history_.accuracy.push_back(epoch_right_ / samples_per_epoch());
    }
    history_.set_pulses.push_back(static_cast<double>(now.set_pulses - epoch_set_pulses_));
    history_.reset_pulses.push_back(static_cast<double>(now.reset_pulses - epoch_reset_pulses_));
    history_.spikes.push_back(static_cast<double>(spikes_done_ - epoch_spikes_));
    epoch_loss_ = epoch_right_ = 0.0;
    epoch_set_pulses_ = now.set_pulses;
    epoch_reset_pulses_ = now.reset_pulses;
    epoch_spikes_ = spikes_done_;
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

std::unique_ptr<TrainerBase> make_trainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                          const NetworkWeights* given_weights,
                                          const HardwareFactory& make_hardware) {
    if (config.run.precision == Precision::double_) {
        return std::make_unique<BasicTrainer<double>>(config, std::move(task), given_weights, make_hardware);
    }
    return std::make_unique<BasicTrainer<float>>(config, std::move(task), given_weights, make_hardware);
}

}  // namespace memprop::learning
