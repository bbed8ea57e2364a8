#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"

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

/// With the weights `given`, or drawn ones if there are none.
template <class Real>
std::unique_ptr<BasicWeightStore<Real>> make_projection(const ExperimentConfig& config,
                                                        const WeightStoreShape& shape,
                                                        double standard_deviation,
                                                        const std::vector<double>* given) {
    std::vector<Real> initial =
        given != nullptr ? std::vector<Real>(given->begin(), given->end())
                         : draw_weights<Real>(config, Stream::initial_weight, shape.id,
                                              std::size_t{shape.pre} * shape.post, standard_deviation);
    if (shape.no_diagonal) {
        for (std::size_t i = 0; i < std::min(shape.pre, shape.post); ++i) {
            initial[i * shape.post + i] = Real{0};
        }
    }
    return make_weight_store<Real>(config, shape, initial);
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
BasicTrainer<Real>::BasicTrainer(const ExperimentConfig& config, std::unique_ptr<Task> task)
    : config_(config),
      task_(std::move(task)),
      parameters_(parameters_of<Real>(config, *task_)),
      gradient_(make_gradient(config.learning.gradient, parameters_)),
      gradients_(parameters_),
      batch_sum_(parameters_),
      regularizer_{.strength = static_cast<Real>(config.learning.rate_regularization),
                   .target_per_step =
                       static_cast<Real>(config.learning.target_rate_hz * config.network.time_step_seconds),
                   .form = config.learning.regularizer,
                   .decay = static_cast<Real>(config.learning.regularizer_decay)},
      readout_weights_(std::size_t{parameters_.recurrent} * parameters_.outputs),
      forward_(parameters_) {
    check_settings();
    const auto& p = parameters_;
    const InitialNetwork* given = task_->initial_network();
    weights_ = {
        make_projection<Real>(config, {.id = ProjectionId::w_in, .pre = p.inputs, .post = p.recurrent},
                              config.network.init_std_in, given ? &given->w_in : nullptr),
        make_projection<Real>(
            config, {.id = ProjectionId::w_rec, .pre = p.recurrent, .post = p.recurrent, .no_diagonal = true},
            config.network.init_std_rec, given ? &given->w_rec : nullptr),
        make_projection<Real>(config, {.id = ProjectionId::w_out, .pre = p.recurrent, .post = p.outputs},
                              config.network.init_std_out, given ? &given->w_out : nullptr)};
    const auto& learning = config.learning;
    optimizers_ = {std::make_unique<Optimizer<Real>>(learning, learning.lr, gradients_.w_in.size()),
                   std::make_unique<Optimizer<Real>>(learning, learning.lr, gradients_.w_rec.size()),
                   std::make_unique<Optimizer<Real>>(learning, learning.lr_out, gradients_.w_out.size())};
    if (learning.update_every_steps > 0) {
        step_learner_ = std::make_unique<StepLearner<Real>>(
            parameters_, learning, regularizer_,
            std::array<Optimizer<Real>*, 3>{optimizers_[0].get(), optimizers_[1].get(),
                                            optimizers_[2].get()});
    }
    const crossbar::ArrayCounters initial = counters();  // initial programming belongs to no epoch
    epoch_set_pulses_ = initial.set_pulses;
    epoch_reset_pulses_ = initial.reset_pulses;
    feedback_ = given ? std::vector<Real>(given->feedback.begin(), given->feedback.end())
                      : draw_weights<Real>(config, Stream::feedback_weight, ProjectionId::w_out,
                                           readout_weights_.size(), learning.feedback_std);
}

template <class Real>
void BasicTrainer<Real>::check_settings() const {
    const LearningConfig& learning = config_.learning;
    if (learning.early_spikes_lose_last_error && learning.gradient != GradientForm::online) {
        throw InputError("learning.early_spikes_lose_last_error", true,
                         "needs learning.gradient = \"online\"");
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

template <class Real>
double BasicTrainer<Real>::reported_loss(const Tape<Real>& tape) const {
    if (config_.learning.loss == Loss::cross_entropy) {
        return tape.loss / double(tape.window_steps);
    }
    return task_->reports_half_sum() ? 0.5 * tape.loss
                                     : tape.loss / (double(tape.window_steps) * double(parameters_.outputs));
}

template <class Real>
double BasicTrainer<Real>::run_forward(const Trial& trial, std::uint32_t sample) {
    for (auto& store : weights_) {
        store->begin_sample(sample, tick());
    }
    forward_.run(trial, *weights_[0], *weights_[1], *weights_[2], tape_);
    for (auto& store : weights_) {
        store->end_sample();
    }
    return finish_forward(trial);
}

template <class Real>
double BasicTrainer<Real>::finish_forward(const Trial& trial) {
    last_trial_ = &trial;
    steps_done_ += trial.input.steps();
    spikes_done_ += tape_.spikes.spikes();
    const double loss = reported_loss(tape_);
    if (!std::isfinite(loss)) {
        throw RunError(
            fmt::format("the loss of training sample {} is not finite: learning has diverged; "
                        "try a smaller learning.lr or learning.lr_out",
                        samples_done_));
    }
    return loss;
}

template <class Real>
double BasicTrainer<Real>::run_learning_between_steps(const Trial& trial) {
    const auto sample = static_cast<std::uint32_t>(samples_done_);
    refresh_feedback();
    for (auto& store : weights_) {
        store->begin_sample(sample, tick());
    }
    forward_.begin(trial, tape_);
    step_learner_->begin_trial();
    const auto steps = static_cast<std::uint32_t>(trial.input.steps());
    for (std::uint32_t t = 0; t < steps; ++t) {
        step_learner_->before_step(stores(), tick());
        forward_.step(t, trial, *weights_[0], *weights_[1], *weights_[2], tape_);
        step_learner_->after_step(tape_, t, feedback_);
    }
    step_learner_->end_trial(stores(), tick());
    for (auto& store : weights_) {
        store->end_sample();
    }
    return finish_forward(trial);
}

/// Which inputs spike in step 1 of the next trial.
template <class Real>
void BasicTrainer<Real>::note_late_inputs() {
    const std::uint64_t total = static_cast<std::uint64_t>(config_.run.epochs) * samples_per_epoch();
    if (config_.learning.early_spikes_lose_last_error && samples_done_ + 1 < total) {
        const SpikeTrain& next = task_->trial(Split::training, samples_done_ + 1, next_trial_buffer_).input;
        if (next.steps() > 1) {
            tape_.late_inputs.assign(next.at(1).begin(), next.at(1).end());
        }
    }
}

template <class Real>
void BasicTrainer<Real>::refresh_feedback() {
    if (config_.learning.feedback == Feedback::symmetric) {
        weights_[2]->measure(static_cast<std::uint32_t>(samples_done_), tick(), readout_weights_);
        for (std::size_t j = 0; j < parameters_.recurrent; ++j) {
            for (std::size_t k = 0; k < parameters_.outputs; ++k) {
                feedback_[k * parameters_.recurrent + j] = readout_weights_[j * parameters_.outputs + k];
            }
        }
    }
}

template <class Real>
double BasicTrainer<Real>::train_sample() {
    if (samples_done_ >= std::numeric_limits<std::int32_t>::max() - 1) {
        throw RunError("more than 2^31 training samples in one run");
    }
    const Trial& trial = task_->trial(Split::training, samples_done_, trial_buffer_);
    double loss = 0.0;
    if (step_learner_) {
        loss = run_learning_between_steps(trial);
    } else {
        loss = run_forward(trial, static_cast<std::uint32_t>(samples_done_));
        note_late_inputs();
        refresh_feedback();
        gradient_->compute(tape_, feedback_, regularizer_, gradients_);
        apply_updates();
    }
    ++samples_done_;
    epoch_loss_ += loss;
    if (samples_done_ % samples_per_epoch() == 0) {
        close_epoch();
    }
    return loss;
}

template <class Real>
void BasicTrainer<Real>::close_epoch() {
    const crossbar::ArrayCounters now = counters();
    history_.loss.push_back(epoch_loss_ / samples_per_epoch());
    history_.set_pulses.push_back(static_cast<double>(now.set_pulses - epoch_set_pulses_));
    history_.reset_pulses.push_back(static_cast<double>(now.reset_pulses - epoch_reset_pulses_));
    history_.spikes.push_back(static_cast<double>(spikes_done_ - epoch_spikes_));
    epoch_loss_ = 0.0;
    epoch_set_pulses_ = now.set_pulses;
    epoch_reset_pulses_ = now.reset_pulses;
    epoch_spikes_ = spikes_done_;
}

template <class Real>
void BasicTrainer<Real>::apply_updates() {
    const std::array gradients{&gradients_.w_in, &gradients_.w_rec, &gradients_.w_out};
    if (parameters_.average_over_window) {
        for (auto* gradient : gradients) {
            for (Real& g : *gradient) {
                g /= static_cast<Real>(tape_.window_steps);
            }
        }
    }
    const auto batch = static_cast<std::uint64_t>(config_.learning.batch);
    if (batch > 1) {
        const std::array sums{&batch_sum_.w_in, &batch_sum_.w_rec, &batch_sum_.w_out};
        const bool due = (samples_done_ + 1) % batch == 0;
        for (std::size_t w = 0; w < 3; ++w) {
            for (std::size_t i = 0; i < sums[w]->size(); ++i) {
                (*sums[w])[i] += (*gradients[w])[i];
                if (due) {
                    (*gradients[w])[i] = (*sums[w])[i] / static_cast<Real>(batch);
                    (*sums[w])[i] = Real{0};
                }
            }
        }
        if (!due) {
            return;
        }
    }
    limit_gradient();
    for (std::size_t w = 0; w < 3; ++w) {
        optimizers_[w]->step(*gradients[w]);
    }
    update_feedback();
    decay_weights();
    for (std::size_t w = 0; w < 3; ++w) {
        weights_[w]->update(*gradients[w], static_cast<std::uint32_t>(updates_done_), tick());
    }
    ++updates_done_;
}

template <class Real>
void BasicTrainer<Real>::limit_gradient() {
    if (config_.learning.gradient_clip == 0.0) {
        return;
    }
    double square = 0.0;
    for (const auto* gradient : {&gradients_.w_in, &gradients_.w_rec, &gradients_.w_out}) {
        for (const Real g : *gradient) {
            square += double(g) * double(g);
        }
    }
    const double norm = std::sqrt(square);
    if (norm > config_.learning.gradient_clip) {
        const auto factor = static_cast<Real>(config_.learning.gradient_clip / norm);
        for (auto* gradient : {&gradients_.w_in, &gradients_.w_rec, &gradients_.w_out}) {
            for (Real& g : *gradient) {
                g *= factor;
            }
        }
    }
}

/// Takes the decay of the weights into the changes asked for; devices are read for it.
template <class Real>
void BasicTrainer<Real>::decay_weights() {
    const std::array changes{&gradients_.w_in, &gradients_.w_rec, &gradients_.w_out};
    for (std::size_t w = 0; w < 3; ++w) {
        double decay = config_.learning.weight_decay;
        if (index_of(ProjectionId::w_out) == w && config_.learning.feedback == Feedback::adaptive) {
            decay += config_.learning.feedback_decay;
        }
        if (decay > 0.0) {
            measured_.resize(changes[w]->size());
            weights_[w]->measure(static_cast<std::uint32_t>(samples_done_), tick(), measured_);
            for (std::size_t i = 0; i < measured_.size(); ++i) {
                (*changes[w])[i] -= static_cast<Real>(decay) * measured_[i];
            }
        }
    }
}

/// Kolen and Pollack, "Backpropagation without weight transport", ICNN 1994: with equal changes and decay,
/// feedback weights come to equal the readout weights.
template <class Real>
void BasicTrainer<Real>::update_feedback() {
    if (config_.learning.feedback != Feedback::adaptive) {
        return;
    }
    const std::size_t n = parameters_.recurrent, outputs = parameters_.outputs;
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < outputs; ++k) {
            Real& b = feedback_[k * n + j];
            b += gradients_.w_out[j * outputs + k] - static_cast<Real>(config_.learning.feedback_decay) * b;
        }
    }
}

template <class Real>
double BasicTrainer<Real>::evaluate(Split split, std::uint32_t index) {
    return run_forward(task_->trial(split, index, trial_buffer_),
                       static_cast<std::uint32_t>(samples_done_) + index);
}

template <class Real>
std::vector<double> BasicTrainer<Real>::snapshot(ProjectionId id) {
    const WeightStoreShape s = shape(id);
    std::vector<Real> weights(std::size_t{s.pre} * s.post);
    weights_[index_of(id)]->snapshot(tick(), weights);
    return {weights.begin(), weights.end()};
}

template <class Real>
crossbar::ArrayCounters BasicTrainer<Real>::counters() const {
    crossbar::ArrayCounters sum;
    for (const auto& store : weights_) {
        if (store->array() != nullptr) {
            sum += store->array()->counters();
        }
    }
    return sum;
}

template <class Real>
std::uint64_t BasicTrainer<Real>::most_pulses_of_a_device() const {
    std::uint64_t most = 0;
    for (const auto& store : weights_) {
        if (store->array() != nullptr) {
            const crossbar::DeviceState& devices = store->array()->devices();
            for (std::size_t i = 0; i < devices.size(); ++i) {
                most = std::max(most, std::uint64_t{devices.set_pulses[i]} + devices.reset_pulses[i]);
            }
        }
    }
    return most;
}

template <class Real>
void BasicTrainer<Real>::serialize(StateArchive& archive) {
    const std::array sums{&batch_sum_.w_in, &batch_sum_.w_rec, &batch_sum_.w_out};
    for (std::size_t w = 0; w < 3; ++w) {
        archive.enter(kProjectionNames[w]);
        weights_[w]->serialize(archive);
        archive.enter("optimizer");
        optimizers_[w]->serialize(archive);
        archive.leave();
        archive("batch_sum", *sums[w]);
        archive.leave();
    }
    if (config_.learning.feedback == Feedback::adaptive) {
        archive("feedback", feedback_);
    }
    if (parameters_.keeps_state) {
        forward_.serialize(archive);
    }
    if (step_learner_) {
        step_learner_->serialize(archive);
    }
    archive("samples_done", samples_done_);
    archive("updates_done", updates_done_);
    archive("steps_done", steps_done_);
    archive("spikes_done", spikes_done_);
    archive("epoch_loss", epoch_loss_);
    archive("start_tick", start_tick_);
    archive("epoch_set_pulses", epoch_set_pulses_);
    archive("epoch_reset_pulses", epoch_reset_pulses_);
    archive("epoch_spikes", epoch_spikes_);
    history_.serialize(archive);
}

template <class Real>
void BasicTrainer<Real>::load_weights(StateArchive& archive) {
    for (std::size_t w = 0; w < 3; ++w) {
        archive.enter(kProjectionNames[w]);
        weights_[w]->load_weights(archive);
        archive.leave();
    }
    std::uint64_t samples = 0;
    archive("start_tick", start_tick_);
    archive("samples_done", samples);
    start_tick_ += samples;
    epoch_set_pulses_ = epoch_reset_pulses_ = 0;
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

std::unique_ptr<TrainerBase> make_trainer(const ExperimentConfig& config, std::unique_ptr<Task> task) {
    if (config.run.precision == Precision::double_) {
        return std::make_unique<BasicTrainer<double>>(config, std::move(task));
    }
    return std::make_unique<BasicTrainer<float>>(config, std::move(task));
}

}  // namespace memprop::learning
