// A training sample: its trial through the engine, what the rules make of it, and the end of an epoch.
#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "learning/trainer.hpp"

namespace memprop::learning {

template <class Real>
bool BasicTrainer<Real>::learns_in_steps() const {
    return std::any_of(groups_.begin(), groups_.end(), [](const RuleGroup& g) { return g.needs.steps; });
}

template <class Real>
void BasicTrainer<Real>::run_learning_between_steps() {
    Worker& worker = *workers_[0];
    const auto steps = static_cast<std::uint32_t>(worker.trial->input.steps());
    refresh_feedback();
    engine_->begin(*worker.trial, static_cast<std::uint32_t>(samples_done_), tick(), worker.tape);
    const auto for_each_rule = [&](auto&& f) {
        for (RuleGroup& group : groups_) {
            if (group.needs.steps) {
                f(*group.rules[0]);
            }
        }
    };
    for_each_rule([](Rule<Real>& rule) { rule.begin_trial(); });
    for (std::uint32_t t = 0; t < steps; ++t) {
        for_each_rule([&](Rule<Real>& rule) { rule.before_step(worker.tape, t); });
        engine_->step(t);
        for_each_rule([&](Rule<Real>& rule) { rule.after_step(worker.tape, t); });
    }
    end_trial(worker, 0, true);
    engine_->end();
}

/// Lets the rules that work in steps, or the others, learn from the trial of a worker.
template <class Real>
void BasicTrainer<Real>::end_trial(Worker& worker, std::size_t index, bool with_steps) {
    for (RuleGroup& group : groups_) {
        if (group.needs.steps == with_steps) {
            group.rules[with_steps ? 0 : index]->end_trial(worker.tape, worker.gradients);
        }
    }
}

/// Which inputs spike in step 1 of the next trial.
template <class Real>
void BasicTrainer<Real>::note_late_inputs(Worker& worker, std::uint64_t sample) const {
    const std::uint64_t total = static_cast<std::uint64_t>(config_.run.epochs) * samples_per_epoch();
    if (config_.learning.early_spikes_lose_last_error && sample + 1 < total) {
        const SpikeTrain& next = task_->trial(Split::training, sample + 1, worker.next_buffer).input;
        if (next.steps() > 1) {
            std::uint32_t first = 0;
            for (const PopulationId id : sources_of(resolved_.network)) {
                const std::uint32_t end = first + resolved_.network.at(id).size;
                for (const std::uint32_t line : next.at(1)) {
                    if (line >= first && line < end) {
                        worker.tape.populations[network::index_of(id)].late.push_back(line - first);
                    }
                }
                first = end;
            }
        }
    }
}

template <class Real>
void BasicTrainer<Real>::tell_reward(const Worker& worker) {
    const ObjectiveTape<Real>& objective = worker.tape.objectives[0];
    if (objective.window_steps > 0) {
        const std::size_t outputs = objective.error.size() / worker.tape.steps;
        engine_->reward(
            std::span<const Real>(objective.error).subspan(worker.trial->window_begin * outputs, outputs));
    }
}

/// After the trial of a worker: rewards, gradients.
template <class Real>
void BasicTrainer<Real>::learn(Worker& worker, std::size_t index, std::uint64_t sample) {
    note_late_inputs(worker, sample);
    if (reward_) {
        worker.reward = reward_->apply(*worker.trial, sample, worker.tape);
        tell_reward(worker);
    }
    end_trial(worker, index, false);
}

/// Computes the gradients of the next trials of the batch, as many as there are workers.
template <class Real>
void BasicTrainer<Real>::run_ahead() {
    const auto batch = static_cast<std::uint64_t>(config_.learning.batch);
    const std::uint64_t count = std::min<std::uint64_t>(workers_.size(), batch - samples_done_ % batch);
    first_ahead_ = samples_done_;
    end_ahead_ = samples_done_ + count;
    if (count == 1) {
        Worker& worker = *workers_[0];
        worker.trial = &task_->trial(Split::training, samples_done_, worker.buffer);
        engine_->run(*worker.trial, static_cast<std::uint32_t>(samples_done_), tick(), true, worker.tape);
        refresh_feedback();
        if (is_finite(worker.tape)) {
            learn(worker, 0, samples_done_);
        }
        return;
    }
    refresh_feedback();
    threads_->run(count, [&](std::size_t i) {
        Worker& worker = *workers_[i];
        worker.trial = &task_->trial(Split::training, first_ahead_ + i, worker.buffer);
        engine_->run_beside(i, *worker.trial, worker.tape);
        learn(worker, i, first_ahead_ + i);
    });
}

template <class Real>
bool BasicTrainer<Real>::is_finite(const Tape<Real>& tape) const {
    return std::all_of(tape.objectives.begin(), tape.objectives.end(),
                       [](const auto& objective) { return std::isfinite(objective.loss); });
}

template <class Real>
double BasicTrainer<Real>::train_sample() {
    if (samples_done_ >= std::numeric_limits<std::int32_t>::max() - 1) {
        throw RunError("more than 2^31 training samples in one run");
    }
    Worker* worker = workers_[0].get();
    double loss = 0.0;
    if (learns_in_steps()) {
        worker->trial = &task_->trial(Split::training, samples_done_, worker->buffer);
        run_learning_between_steps();
        loss = account(*worker);
        if (has_gradients()) {
            refresh_feedback();
            learn(*worker, 0, samples_done_);
        }
    } else {
        if (samples_done_ < first_ahead_ || samples_done_ >= end_ahead_) {
            run_ahead();
        }
        worker = workers_[samples_done_ - first_ahead_].get();
        loss = account(*worker);
    }
    if (reward_) {
        reward_->note(worker->reward);
    }
    if (has_gradients()) {
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

}  // namespace memprop::learning
