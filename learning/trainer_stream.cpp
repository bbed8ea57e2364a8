// Learning from a sample whose inputs and targets are not known before their step.
#include <algorithm>
#include <cmath>

#include "learning/objective.hpp"
#include "learning/trainer.hpp"

namespace memprop::learning {

template <class Real>
void BasicTrainer<Real>::begin_stream(std::uint32_t steps) {
    Worker& worker = *workers_[0];
    end_ahead_ = first_ahead_;  // what ran ahead is overwritten
    last_ = &worker;
    if (learns_in_steps()) {
        refresh_feedback();
    }
    // The buffers of a trial of that length; its inputs follow.
    Trial& trial = worker.buffer;
    trial = {};
    for (std::uint32_t t = 0; t < steps; ++t) {
        trial.input.end_step();
    }
    trial.window_end = 0;
    worker.trial = &trial;
    engine_->begin(trial, static_cast<std::uint32_t>(samples_done_), tick(), worker.tape);
    trial.input.clear();
    for (RuleGroup& group : groups_) {
        if (group.needs.steps) {
            group.rules[0]->begin_trial();
        }
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
    for (RuleGroup& group : groups_) {
        if (group.needs.steps) {
            group.rules[0]->before_step(tape, t);
        }
    }
    engine_->step(t);
    std::size_t first = 0;
    for (std::size_t o = 0; o < tape.objectives.size(); ++o) {
        const network::Objective& objective = resolved_.network.objectives[o];
        ObjectiveTape<Real>& found = tape.objectives[o];
        const std::size_t outputs = resolved_.network.at(objective.population).size,
                          at = std::size_t{t} * outputs;
        const std::span<const Real> y = std::span<const Real>(found.output).subspan(at, outputs);
        const std::span<Real> error = std::span<Real>(found.error).subspan(at, outputs);
        if (objective.loss == Loss::cross_entropy && label >= 0) {
            found.loss += softmax_error(y, label, error);
            ++found.window_steps;
        } else if (objective.loss == Loss::mse && !target.empty()) {
            for (std::size_t k = 0; k < outputs; ++k) {
                error[k] = y[k] - static_cast<Real>(target[first + k]);
                found.loss += double(error[k]) * double(error[k]);
            }
            ++found.window_steps;
        }
        first += objective.loss == Loss::mse ? outputs : 0;
    }
    for (RuleGroup& group : groups_) {
        if (group.needs.steps) {
            group.rules[0]->after_step(tape, t);
        }
    }
}

template <class Real>
void BasicTrainer<Real>::stream_output(std::span<double> y) const {
    const Worker& worker = *workers_[0];
    const std::size_t step = worker.buffer.input.steps() - 1;
    std::size_t first = 0;
    for (const ObjectiveTape<Real>& objective : worker.tape.objectives) {
        const std::size_t width = objective.output.size() / worker.tape.steps;
        for (std::size_t k = 0; k < width; ++k) {
            y[first + k] = double(objective.output[step * width + k]);
        }
        first += width;
    }
}

template <class Real>
double BasicTrainer<Real>::end_stream() {
    Worker& worker = *workers_[0];
    worker.tape.steps = worker.buffer.input.steps();
    end_trial(worker, 0, true);
    engine_->end();
    const bool learned = std::any_of(worker.tape.objectives.begin(), worker.tape.objectives.end(),
                                     [](const auto& objective) { return objective.window_steps > 0; });
    double loss = 0.0;
    if (learned) {
        loss = account(worker);
        if (has_gradients()) {
            refresh_feedback();
            end_trial(worker, 0, false);
            apply_updates(worker);
        }
    } else {
        steps_done_ += worker.trial->input.steps();
        spikes_done_ += spikes_of(worker.tape);
    }
    ++samples_done_;
    epoch_loss_ += loss;
    if (samples_done_ % samples_per_epoch() == 0) {
        close_epoch();
    }
    return loss;
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

}  // namespace memprop::learning
