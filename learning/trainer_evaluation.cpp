// Losses, answers and passes over a split without learning.
#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"

namespace memprop::learning {

template <class Real>
double BasicTrainer<Real>::reported_loss(const Tape<Real>& tape) const {
    if (config_.learning.loss == Loss::cross_entropy) {
        return tape.loss / double(tape.window_steps);
    }
    return task_->reports_half_sum() ? 0.5 * tape.loss
                                     : tape.loss / (double(tape.window_steps) * double(parameters_.outputs));
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
void BasicTrainer<Real>::show(Worker& worker, Split split, std::uint32_t index) {
    end_ahead_ = first_ahead_;  // what ran ahead is overwritten
    worker.trial = &task_->trial(split, index, worker.buffer);
    run_forward(
        worker,
        static_cast<std::uint32_t>(samples_done_) + index + (static_cast<std::uint32_t>(split) << 30U),
        false);
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
    std::vector<std::int32_t>& labels = evaluation.labels;
    labels.assign(trials, -1);
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

template double BasicTrainer<float>::reported_loss(const Tape<float>&) const;
template double BasicTrainer<float>::account(const BasicTrainer<float>::Worker&);
template std::int32_t BasicTrainer<float>::answer(const BasicTrainer<float>::Worker&) const;
template void BasicTrainer<float>::show(BasicTrainer<float>::Worker&, Split, std::uint32_t);
template double BasicTrainer<float>::evaluate(Split, std::uint32_t);
template void BasicTrainer<float>::validate();
template Evaluation BasicTrainer<float>::evaluate_all(Split);

template double BasicTrainer<double>::reported_loss(const Tape<double>&) const;
template double BasicTrainer<double>::account(const BasicTrainer<double>::Worker&);
template std::int32_t BasicTrainer<double>::answer(const BasicTrainer<double>::Worker&) const;
template void BasicTrainer<double>::show(BasicTrainer<double>::Worker&, Split, std::uint32_t);
template double BasicTrainer<double>::evaluate(Split, std::uint32_t);
template void BasicTrainer<double>::validate();
template Evaluation BasicTrainer<double>::evaluate_all(Split);

}  // namespace memprop::learning
