// Losses, answers and passes over a split without learning.
#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::learning {

template <class Real>
double BasicTrainer<Real>::reported_loss(const Tape<Real>& tape) const {
    double sum = 0.0;
    for (std::size_t o = 0; o < tape.objectives.size(); ++o) {
        const ObjectiveTape<Real>& found = tape.objectives[o];
        const network::Objective& objective = resolved_.network.objectives[o];
        if (objective.loss == Loss::cross_entropy) {
            sum += found.loss / double(found.window_steps);
        } else {
            sum += task_->reports_half_sum()
                       ? 0.5 * found.loss
                       : found.loss / (double(found.window_steps) *
                                       double(resolved_.network.at(objective.population).size));
        }
    }
    return sum;
}

template <class Real>
std::uint64_t BasicTrainer<Real>::spikes_of(const Tape<Real>& tape) const {
    std::uint64_t spikes = 0;
    for (std::size_t p = 0; p < tape.populations.size(); ++p) {
        if (network::find_model("model", resolved_.network.populations[p].model).spiking) {
            spikes += tape.populations[p].events().spikes();
        }
    }
    return spikes;
}

template <class Real>
double BasicTrainer<Real>::account(const Worker& worker) {
    last_ = &worker;
    steps_done_ += worker.trial->input.steps();
    spikes_done_ += spikes_of(worker.tape);
    const double loss = reported_loss(worker.tape);
    if (!std::isfinite(loss)) {
        throw RunError(
            fmt::format("the loss of training sample {} is not finite: learning has diverged; "
                        "try a smaller learning.lr or learning.lr_out",
                        samples_done_));
    }
    return loss;
}

/// The objective that answers: the first that classifies, else the first.
template <class Real>
std::size_t BasicTrainer<Real>::answering() const {
    const auto& objectives = resolved_.network.objectives;
    const auto classifies = std::find_if(objectives.begin(), objectives.end(), [](const auto& objective) {
        return objective.loss == Loss::cross_entropy;
    });
    return classifies == objectives.end() ? 0 : static_cast<std::size_t>(classifies - objectives.begin());
}

/// The readout with the largest sum over the learning window.
template <class Real>
std::int32_t BasicTrainer<Real>::answer(const Worker& worker) const {
    if (worker.trial->label < 0 || worker.tape.objectives.empty()) {
        return -1;
    }
    const std::size_t o = answering();
    const std::size_t outputs = resolved_.network.at(resolved_.network.objectives[o].population).size;
    const auto end = std::min<std::size_t>(worker.trial->window_end, worker.trial->input.steps());
    std::vector<double> sum(outputs);
    for (std::size_t t = worker.trial->window_begin; t < end; ++t) {
        for (std::size_t k = 0; k < outputs; ++k) {
            sum[k] += double(worker.tape.objectives[o].output[t * outputs + k]);
        }
    }
    return static_cast<std::int32_t>(std::max_element(sum.begin(), sum.end()) - sum.begin());
}

template <class Real>
std::vector<double> BasicTrainer<Real>::last_output() const {
    const Tape<Real>& tape = last_->tape;
    std::vector<double> all;
    for (std::size_t t = 0; t < tape.steps; ++t) {
        for (const ObjectiveTape<Real>& objective : tape.objectives) {
            const std::size_t width = objective.output.size() / tape.steps;
            for (std::size_t k = 0; k < width; ++k) {
                all.push_back(double(objective.output[t * width + k]));
            }
        }
    }
    return all;
}

template <class Real>
void BasicTrainer<Real>::show(Worker& worker, Split split, std::uint32_t index) {
    end_ahead_ = first_ahead_;  // what ran ahead is overwritten
    worker.trial = &task_->trial(split, index, worker.buffer);
    engine_->run(
        *worker.trial,
        static_cast<std::uint32_t>(samples_done_) + index + (static_cast<std::uint32_t>(split) << 30U),
        tick(), false, worker.tape);
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
                engine_->run_beside(i, *worker.trial, worker.tape);
            });
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            take(*workers_[i], first + i);
        }
        first += count;
    }
    const auto& objectives = resolved_.network.objectives;
    const std::size_t outputs =
        objectives.empty() ? 0 : resolved_.network.at(objectives[answering()].population).size;
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

template class BasicTrainer<float>;
template class BasicTrainer<double>;

}  // namespace memprop::learning
