// What happens to the gradients of samples on their way to an optimiser and behind it, weight by weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace memprop::learning {

/// learning.average_over_window.
template <class Real>
void average_over_window(std::span<Real> gradient, std::uint32_t window_steps) {
    for (Real& g : gradient) {
        g /= static_cast<Real>(window_steps);
    }
}

/// learning.batch: adds the gradient of a sample to those of its batch. `complete`: it was the last one, and
/// their mean replaces it.
template <class Real>
void add_to_batch(std::span<Real> gradient, std::span<Real> sum, std::uint64_t batch, bool complete) {
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        sum[i] += gradient[i];
        if (complete) {
            gradient[i] = sum[i] / static_cast<Real>(batch);
            sum[i] = Real{0};
        }
    }
}

/// learning.weight_decay: takes the decay of weights into the changes asked for.
template <class Real>
void decay_weights(std::span<Real> change, std::span<const Real> weights, double decay) {
    for (std::size_t i = 0; i < change.size(); ++i) {
        change[i] -= static_cast<Real>(decay) * weights[i];
    }
}

}  // namespace memprop::learning
