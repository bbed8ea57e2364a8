// Learning from a sample whose inputs and targets are not known before their step.
#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "learning/trainer.hpp"

namespace memprop::learning {

template <class Real>
void BasicTrainer<Real>::begin_stream(std::uint32_t steps) {
    Worker& worker = *workers_[0];
    end_ahead_ = first_ahead_;  // what ran ahead is overwritten
    last_ = &worker;
    if (step_learner_) {
        refresh_feedback();
    }
    for (auto& store : weights_) {
        store->begin_sample(static_cast<std::uint32_t>(samples_done_), tick());
    }
    // The buffers of a trial of that length; its inputs follow.
    Trial& trial = worker.buffer;
    trial = {};
    for (std::uint32_t t = 0; t < steps; ++t) {
        trial.input.end_step();
    }
    trial.window_end = 0;
    worker.trial = &trial;
    worker.forward.begin(trial, worker.tape);
    trial.input.clear();
    worker.tape.window_steps = 0;
    if (step_learner_) {
        step_learner_->begin_trial();
    }
}

template <class Real>
void BasicTrainer<Real>::stream_step(std::span<const std::uint32_t> inputs, std::span<const double> target,
                                     std::int32_t label) {
    Worker& worker = *workers_[0];
    Trial& trial = worker.buffer;
    Tape<Real>& tape = worker.tape;
    const auto t = static_cast<std::uint32_t>(trial.input.steps());
    for (const std::uint32_t input : inputs) {
        trial.input.add(input);
    }
    trial.input.end_step();
    if (step_learner_) {
        step_learner_->before_step();
    }
    worker.forward.step(t, trial, *weights_[0], *weights_[1], *weights_[2], tape);
    const std::size_t outputs = parameters_.outputs, at = std::size_t{t} * outputs;
    const std::span<const Real> y = std::span<const Real>(tape.output).subspan(at, outputs);
    const std::span<Real> error = std::span<Real>(tape.error).subspan(at, outputs);
    if (parameters_.loss == Loss::cross_entropy && label >= 0) {
        tape.loss += softmax_error(y, label, error);
        ++tape.window_steps;
    } else if (parameters_.loss == Loss::mse && !target.empty()) {
        for (std::size_t k = 0; k < outputs; ++k) {
            error[k] = y[k] - static_cast<Real>(target[k]);
            tape.loss += double(error[k]) * double(error[k]);
        }
        ++tape.window_steps;
    }
    if (step_learner_) {
        step_learner_->after_step(tape, t, feedback_);
    }
}

template <class Real>
void BasicTrainer<Real>::stream_output(std::span<double> y) const {
    const Worker& worker = *workers_[0];
    const std::size_t at = (worker.buffer.input.steps() - 1) * parameters_.outputs;
    std::copy_n(worker.tape.output.begin() + static_cast<std::ptrdiff_t>(at), parameters_.outputs, y.begin());
}

template <class Real>
double BasicTrainer<Real>::end_stream() {
    Worker& worker = *workers_[0];
    if (step_learner_) {
        step_learner_->end_trial();
    }
    for (auto& store : weights_) {
        store->end_sample();
    }
    double loss = 0.0;
    if (worker.tape.window_steps > 0) {
        loss = account(worker);
        if (!step_learner_) {
            refresh_feedback();
            worker.gradient->compute(worker.tape, feedback_, regularizer_, worker.gradients);
            apply_updates(worker);
        }
    } else {
        steps_done_ += worker.trial->input.steps();
        spikes_done_ += worker.tape.spikes.spikes();
    }
    ++samples_done_;
    epoch_loss_ += loss;
    if (samples_done_ % samples_per_epoch() == 0) {
        close_epoch();
    }
    return loss;
}

template void BasicTrainer<float>::begin_stream(std::uint32_t);
template void BasicTrainer<float>::stream_step(std::span<const std::uint32_t>, std::span<const double>,
                                               std::int32_t);
template void BasicTrainer<float>::stream_output(std::span<double>) const;
template double BasicTrainer<float>::end_stream();
template void BasicTrainer<double>::begin_stream(std::uint32_t);
template void BasicTrainer<double>::stream_step(std::span<const std::uint32_t>, std::span<const double>,
                                                std::int32_t);
template void BasicTrainer<double>::stream_output(std::span<double>) const;
template double BasicTrainer<double>::end_stream();

}  // namespace memprop::learning
