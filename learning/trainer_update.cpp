// From the gradients of the trials to changes of the weights and of the feedback.
#include "learning/trainer.hpp"

#include <array>
#include <cmath>
#include <type_traits>

#include "learning/eprop/adaptive_feedback.hpp"
#include "learning/weights/connectivity.hpp"

namespace memprop::learning {

template <class Real>
void BasicTrainer<Real>::refresh_feedback() {
    if (config_.learning.feedback == Feedback::symmetric) {
        if (hardware_) {
            hardware_->refresh_feedback(static_cast<std::uint32_t>(samples_done_), tick());
            return;
        }
        weights_[2]->measure(static_cast<std::uint32_t>(samples_done_), tick(), readout_weights_);
        for (std::size_t j = 0; j < parameters_.recurrent; ++j) {
            for (std::size_t k = 0; k < parameters_.outputs; ++k) {
                feedback_[k * parameters_.recurrent + j] = readout_weights_[j * parameters_.outputs + k];
            }
        }
    }
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
    if (reward_) {
        reward_->end_batch();
    }
    for (std::size_t w = 0; w < 3; ++w) {
        cut_unconnected(weights_[w]->shape(), std::span(*gradients[w]));
    }
    limit_gradient(own);
    for (std::size_t w = 0; w < 3; ++w) {
        optimizers_[w]->step(*gradients[w]);
    }
    update_feedback(own);
    decay_weights(own);
    write_weights({own.w_in, own.w_rec, own.w_out}, static_cast<std::uint32_t>(updates_done_));
    ++updates_done_;
}

template <class Real>
void BasicTrainer<Real>::write_weights(const std::array<std::span<const Real>, 3>& changes,
                                       std::uint32_t event) {
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_) {
            hardware_->update(changes, event, tick());
            return;
        }
    }
    for (std::size_t w = 0; w < 3; ++w) {
        if (!changes[w].empty()) {
            weights_[w]->update(changes[w], event, tick());
        }
    }
}

template <class Real>
void BasicTrainer<Real>::measure_weights(ProjectionId id) {
    const auto sample = static_cast<std::uint32_t>(samples_done_);
    const WeightStoreShape s = shape(id);
    measured_.resize(std::size_t{s.pre} * s.post);
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_) {
            hardware_->measure(id, sample, tick(), measured_);
            return;
        }
    }
    weights_[index_of(id)]->measure(sample, tick(), measured_);
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
    const bool too_large = norm > config_.learning.gradient_clip;
    const Real factor = too_large ? static_cast<Real>(config_.learning.gradient_clip / norm) : Real{1};
    if (hardware_) {
        hardware_->limit_gradient(static_cast<float>(factor));
    }
    if (too_large) {
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
            measure_weights(static_cast<ProjectionId>(w));
            cut_unconnected(weights_[w]->shape(), std::span(measured_));
            for (std::size_t i = 0; i < measured_.size(); ++i) {
                (*changes[w])[i] -= static_cast<Real>(decay) * measured_[i];
            }
        }
    }
}

template <class Real>
void BasicTrainer<Real>::update_feedback(const Gradients<Real>& own) {
    if (config_.learning.feedback != Feedback::adaptive) {
        return;
    }
    const auto decay = static_cast<Real>(config_.learning.feedback_decay);
    if constexpr (std::is_same_v<Real, float>) {
        if (hardware_) {
            hardware_->adapt_feedback(own.w_out, decay);
            return;
        }
    }
    const std::size_t n = parameters_.recurrent, outputs = parameters_.outputs;
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < outputs; ++k) {
            Real& b = feedback_[k * n + j];
            b = adapted_feedback(b, own.w_out[j * outputs + k], decay);
        }
    }
}

template void BasicTrainer<float>::refresh_feedback();
template void BasicTrainer<float>::apply_updates(BasicTrainer<float>::Worker&);
template void BasicTrainer<float>::write_weights(const std::array<std::span<const float>, 3>&, std::uint32_t);
template void BasicTrainer<float>::measure_weights(ProjectionId);
template void BasicTrainer<float>::limit_gradient(Gradients<float>&) const;
template void BasicTrainer<float>::decay_weights(Gradients<float>&);
template void BasicTrainer<float>::update_feedback(const Gradients<float>&);

template void BasicTrainer<double>::refresh_feedback();
template void BasicTrainer<double>::apply_updates(BasicTrainer<double>::Worker&);
template void BasicTrainer<double>::write_weights(const std::array<std::span<const double>, 3>&,
                                                  std::uint32_t);
template void BasicTrainer<double>::measure_weights(ProjectionId);
template void BasicTrainer<double>::limit_gradient(Gradients<double>&) const;
template void BasicTrainer<double>::decay_weights(Gradients<double>&);
template void BasicTrainer<double>::update_feedback(const Gradients<double>&);

}  // namespace memprop::learning
