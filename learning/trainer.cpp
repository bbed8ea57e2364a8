#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

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
BasicTrainer<Real>::BasicTrainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                 const NetworkWeights* given_weights)
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
    const InitialNetwork* given = task_->initial_network();
    const auto start = [&](ProjectionId id, const std::vector<double>* of_task) {
        return given_weights != nullptr ? &(*given_weights)[index_of(id)] : of_task;
    };
    weights_ = {
        make_projection<Real>(config, {.id = ProjectionId::w_in, .pre = p.inputs, .post = p.recurrent},
                              config.network.init_std_in,
                              start(ProjectionId::w_in, given ? &given->w_in : nullptr)),
        make_projection<Real>(
            config, {.id = ProjectionId::w_rec, .pre = p.recurrent, .post = p.recurrent, .no_diagonal = true},
            config.network.init_std_rec, start(ProjectionId::w_rec, given ? &given->w_rec : nullptr)),
        make_projection<Real>(config, {.id = ProjectionId::w_out, .pre = p.recurrent, .post = p.outputs},
                              config.network.init_std_out,
                              start(ProjectionId::w_out, given ? &given->w_out : nullptr))};
    const auto& learning = config.learning;
    optimizers_ = {std::make_unique<Optimizer<Real>>(learning, learning.lr, batch_sum_.w_in.size()),
                   std::make_unique<Optimizer<Real>>(learning, learning.lr, batch_sum_.w_rec.size()),
                   std::make_unique<Optimizer<Real>>(learning, learning.lr_out, batch_sum_.w_out.size())};
    if (learning.update_every_steps > 0) {
        step_learner_ = std::make_unique<StepLearner<Real>>(
            parameters_, learning, regularizer_,
            std::array<Optimizer<Real>*, 3>{optimizers_[0].get(), optimizers_[1].get(),
                                            optimizers_[2].get()});
    }
    make_workers();
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

/// One worker, or several if trials may run side by side: weights that are numbers can be read by several
/// threads, and trials are independent if state is reset.
template <class Real>
void BasicTrainer<Real>::make_workers() {
    std::size_t count = 1;
    if (weights_[0]->array() == nullptr && !step_learner_ && !parameters_.keeps_state) {
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
void BasicTrainer<Real>::run_forward(Worker& worker, std::uint32_t sample) {
    for (auto& store : weights_) {
        store->begin_sample(sample, tick());
    }
    worker.forward.run(*worker.trial, *weights_[0], *weights_[1], *weights_[2], worker.tape);
    for (auto& store : weights_) {
        store->end_sample();
    }
}

template <class Real>
double BasicTrainer<Real>::account(const Worker& worker) {
    last_ = &worker;
    steps_done_ += worker.trial->input.steps();
    spikes_done_ += worker.tape.spikes.spikes();
    const double loss = reported_loss(worker.tape);
    if (!std::isfinite(loss)) {
        throw RunError(
            fmt::format("the loss of training sample {} is not finite: learning has diverged; "
                        "try a smaller learning.lr or learning.lr_out",
                        samples_done_));
    }
    return loss;
}

/// The readout with the largest sum over the learning window.
template <class Real>
std::int32_t BasicTrainer<Real>::answer(const Worker& worker) const {
    if (worker.trial->label < 0) {
        return -1;
    }
    const std::size_t outputs = parameters_.outputs;
    const auto end = std::min<std::size_t>(worker.trial->window_end, worker.trial->input.steps());
    std::vector<double> sum(outputs);
    for (std::size_t t = worker.trial->window_begin; t < end; ++t) {
        for (std::size_t k = 0; k < outputs; ++k) {
            sum[k] += double(worker.tape.output[t * outputs + k]);
        }
    }
    return static_cast<std::int32_t>(std::max_element(sum.begin(), sum.end()) - sum.begin());
}

template <class Real>
void BasicTrainer<Real>::run_learning_between_steps() {
    Worker& worker = *workers_[0];
    refresh_feedback();
    for (auto& store : weights_) {
        store->begin_sample(static_cast<std::uint32_t>(samples_done_), tick());
    }
    worker.forward.begin(*worker.trial, worker.tape);
    step_learner_->begin_trial();
    const auto steps = static_cast<std::uint32_t>(worker.trial->input.steps());
    for (std::uint32_t t = 0; t < steps; ++t) {
        step_learner_->before_step(stores(), tick());
        worker.forward.step(t, *worker.trial, *weights_[0], *weights_[1], *weights_[2], worker.tape);
        step_learner_->after_step(worker.tape, t, feedback_);
    }
    step_learner_->end_trial(stores(), tick());
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

/// Computes the gradients of the next trials of the batch, as many as there are workers.
template <class Real>
void BasicTrainer<Real>::run_ahead() {
    const auto batch = static_cast<std::uint64_t>(config_.learning.batch);
    const std::uint64_t count = std::min<std::uint64_t>(workers_.size(), batch - samples_done_ % batch);
    first_ahead_ = samples_done_;
    end_ahead_ = samples_done_ + count;
    const auto learn = [&](Worker& worker, std::uint64_t sample) {
        note_late_inputs(worker, sample);
        worker.gradient->compute(worker.tape, feedback_, regularizer_, worker.gradients);
    };
    if (count == 1) {
        Worker& worker = *workers_[0];
        worker.trial = &task_->trial(Split::training, samples_done_, worker.buffer);
        run_forward(worker, static_cast<std::uint32_t>(samples_done_));
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

template <class Real>
void BasicTrainer<Real>::apply_updates(Worker& worker) {
    Gradients<Real>& own = worker.gradients;
    const std::array gradients{&own.w_in, &own.w_rec, &own.w_out};
    if (parameters_.average_over_window) {
        for (auto* gradient : gradients) {
            for (Real& g : *gradient) {
                g /= static_cast<Real>(worker.tape.window_steps);
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
    limit_gradient(own);
    for (std::size_t w = 0; w < 3; ++w) {
        optimizers_[w]->step(*gradients[w]);
    }
    update_feedback(own);
    decay_weights(own);
    for (std::size_t w = 0; w < 3; ++w) {
        weights_[w]->update(*gradients[w], static_cast<std::uint32_t>(updates_done_), tick());
    }
    ++updates_done_;
}

template <class Real>
void BasicTrainer<Real>::limit_gradient(Gradients<Real>& own) const {
    if (config_.learning.gradient_clip == 0.0) {
        return;
    }
    double square = 0.0;
    for (const auto* gradient : {&own.w_in, &own.w_rec, &own.w_out}) {
        for (const Real g : *gradient) {
            square += double(g) * double(g);
        }
    }
    const double norm = std::sqrt(square);
    if (norm > config_.learning.gradient_clip) {
        const auto factor = static_cast<Real>(config_.learning.gradient_clip / norm);
        for (auto* gradient : {&own.w_in, &own.w_rec, &own.w_out}) {
            for (Real& g : *gradient) {
                g *= factor;
            }
        }
    }
}

/// Takes the decay of the weights into the changes asked for; devices are read for it.
template <class Real>
void BasicTrainer<Real>::decay_weights(Gradients<Real>& own) {
    const std::array changes{&own.w_in, &own.w_rec, &own.w_out};
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
void BasicTrainer<Real>::update_feedback(const Gradients<Real>& own) {
    if (config_.learning.feedback != Feedback::adaptive) {
        return;
    }
    const std::size_t n = parameters_.recurrent, outputs = parameters_.outputs;
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < outputs; ++k) {
            Real& b = feedback_[k * n + j];
            b += own.w_out[j * outputs + k] - static_cast<Real>(config_.learning.feedback_decay) * b;
        }
    }
}

template <class Real>
void BasicTrainer<Real>::show(Worker& worker, Split split, std::uint32_t index) {
    end_ahead_ = first_ahead_;  // what ran ahead is overwritten
    worker.trial = &task_->trial(split, index, worker.buffer);
    run_forward(worker, static_cast<std::uint32_t>(samples_done_) + index +
                            (static_cast<std::uint32_t>(split) << 30U));
}

template <class Real>
double BasicTrainer<Real>::evaluate(Split split, std::uint32_t index) {
    show(*workers_[0], split, index);
    return account(*workers_[0]);
}

template <class Real>
void BasicTrainer<Real>::validate() {
    const Evaluation found = evaluate_all(Split::validation);
    history_.validation_epoch.push_back(static_cast<double>(epochs_done()));
    history_.validation_loss.push_back(found.loss);
    history_.validation_accuracy.push_back(found.accuracy);
}

template <class Real>
Evaluation BasicTrainer<Real>::evaluate_all(Split split) {
    const std::uint32_t trials = task_->trials(split);
    Evaluation evaluation;
    evaluation.answers.assign(trials, -1);
    std::vector<std::int32_t> labels(trials, -1);
    const auto take = [&](const Worker& worker, std::uint32_t index) {
        evaluation.loss += account(worker) / trials;
        evaluation.answers[index] = answer(worker);
        labels[index] = worker.trial->label;
    };
    for (std::uint32_t first = 0; first < trials;) {
        const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(workers_.size(), trials - first));
        if (workers_.size() == 1) {
            show(*workers_[0], split, first);
        } else {
            end_ahead_ = first_ahead_;
            threads_->run(count, [&](std::size_t i) {
                Worker& worker = *workers_[i];
                worker.trial = &task_->trial(split, first + i, worker.buffer);
                worker.forward.run(*worker.trial, *weights_[0], *weights_[1], *weights_[2], worker.tape);
            });
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            take(*workers_[i], first + i);
        }
        first += count;
    }
    const std::size_t outputs = parameters_.outputs;
    double right = 0.0, labelled = 0.0;
    for (std::uint32_t i = 0; i < trials; ++i) {
        if (labels[i] >= 0) {
            evaluation.confusion.resize(outputs * outputs);
            ++evaluation.confusion[static_cast<std::size_t>(labels[i]) * outputs +
                                   static_cast<std::size_t>(evaluation.answers[i])];
            labelled += 1.0;
            right += labels[i] == evaluation.answers[i] ? 1.0 : 0.0;
        }
    }
    evaluation.accuracy = labelled > 0.0 ? right / labelled : 0.0;
    return evaluation;
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
        workers_[0]->forward.serialize(archive);
    }
    if (step_learner_) {
        step_learner_->serialize(archive);
    }
    archive("samples_done", samples_done_);
    archive("updates_done", updates_done_);
    archive("steps_done", steps_done_);
    archive("spikes_done", spikes_done_);
    archive("epoch_loss", epoch_loss_);
    archive("epoch_right", epoch_right_);
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

std::unique_ptr<TrainerBase> make_trainer(const ExperimentConfig& config, std::unique_ptr<Task> task,
                                          const NetworkWeights* given_weights) {
    if (config.run.precision == Precision::double_) {
        return std::make_unique<BasicTrainer<double>>(config, std::move(task), given_weights);
    }
    return std::make_unique<BasicTrainer<float>>(config, std::move(task), given_weights);
}

}  // namespace memprop::learning
