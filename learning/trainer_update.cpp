// From the gradients of the trials to changes of the weights and of the feedback.
#include "learning/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "learning/update/batch_gradient.hpp"
#include "learning/weights/connectivity.hpp"

namespace memprop::learning {

template <class Real>
bool BasicTrainer<Real>::has_gradients() const {
    return std::any_of(groups_.begin(), groups_.end(), [](const RuleGroup& g) { return g.needs.gradients; });
}

template <class Real>
bool BasicTrainer<Real>::learns_from_errors() const {
    return std::any_of(groups_.begin(), groups_.end(), [](const RuleGroup& g) { return g.needs.errors; });
}

template <class Real>
bool BasicTrainer<Real>::has_feedback(Feedback kind) const {
    return std::any_of(groups_.begin(), groups_.end(),
                       [&](const RuleGroup& g) { return g.needs.errors && g.learning.feedback == kind; });
}

template <class Real>
void BasicTrainer<Real>::refresh_feedback() {
    if (has_feedback(Feedback::symmetric)) {
        engine_->refresh_feedback(static_cast<std::uint32_t>(samples_done_), tick());
    }
}

template <class Real>
void BasicTrainer<Real>::apply_updates(Worker& worker) {
    Gradients<Real>& own = worker.gradients;
    if (config_.learning.average_over_window && !worker.tape.objectives.empty()) {
        for (auto& gradient : own) {
            average_over_window(std::span(gradient), worker.tape.objectives[0].window_steps);
        }
    }
    const auto batch = static_cast<std::uint64_t>(config_.learning.batch);
    if (batch > 1) {
        const bool due = (samples_done_ + 1) % batch == 0;
        for (std::size_t p = 0; p < own.size(); ++p) {
            add_to_batch(std::span(own[p]), std::span(batch_sum_[p]), batch, due);
        }
        if (!due) {
            return;
        }
    }
    if (reward_) {
        reward_->end_batch();
    }
    for (std::size_t p = 0; p < own.size(); ++p) {
        if (!own[p].empty()) {
            cut_unconnected(stores_[p]->shape(), std::span(own[p]));
        }
    }
    limit_gradient(own);
    for (std::size_t p = 0; p < own.size(); ++p) {
        if (!own[p].empty()) {
            optimizers_[p]->step(own[p]);
        }
    }
    if (has_feedback(Feedback::adaptive)) {
        engine_->adapt_feedback(own);
    }
    decay_weights(own);
    std::vector<std::span<const Real>> changes(own.begin(), own.end());
    engine_->update(changes, static_cast<std::uint32_t>(updates_done_), tick());
    ++updates_done_;
}

template <class Real>
void BasicTrainer<Real>::limit_gradient(Gradients<Real>& own) {
    if (config_.learning.gradient_clip == 0.0) {
        return;
    }
    double square = 0.0;
    for (const auto& gradient : own) {
        for (const Real g : gradient) {
            square += double(g) * double(g);
        }
    }
    const double norm = std::sqrt(square);
    const bool too_large = norm > config_.learning.gradient_clip;
    const Real factor = too_large ? static_cast<Real>(config_.learning.gradient_clip / norm) : Real{1};
    engine_->limit_gradient(factor);
    if (too_large) {
        for (auto& gradient : own) {
            for (Real& g : gradient) {
                g *= factor;
            }
        }
    }
}

/// Takes the decay of the weights into the changes asked for; devices are read for it.
template <class Real>
void BasicTrainer<Real>::decay_weights(Gradients<Real>& own) {
    for (std::size_t p = 0; p < own.size(); ++p) {
        if (own[p].empty()) {
            continue;
        }
        const LearningConfig& learning = resolved_.projections[p].learning;
        double decay = learning.weight_decay;
        if (learning.feedback == Feedback::adaptive && carries_errors_back(static_cast<ProjectionId>(p))) {
            decay += learning.feedback_decay;
        }
        if (decay > 0.0) {
            measured_.resize(own[p].size());
            engine_->measure(static_cast<ProjectionId>(p), static_cast<std::uint32_t>(samples_done_), tick(),
                             measured_);
            cut_unconnected(stores_[p]->shape(), std::span(measured_));
            learning::decay_weights(std::span(own[p]), std::span<const Real>(measured_), decay);
        }
    }
}

/// Whether errors travel back over the feedback that follows the weights of this projection.
template <class Real>
bool BasicTrainer<Real>::carries_errors_back(ProjectionId id) const {
    for (const RuleGroup& group : groups_) {
        for (const LearningPopulation<Real>& population : group.plan) {
            for (const ErrorSource& source : population.sources) {
                if (direct_projection(resolved_.network, population.population, source.objective) == id) {
                    return true;
                }
            }
        }
    }
    return false;
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

}  // namespace memprop::learning
