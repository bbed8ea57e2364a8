// The error signal of a step: what the readouts' gradient and the learning signal are made of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "crossbar/base/math.hpp"
#include "learning/config/config.hpp"

namespace memprop::learning {

/// error[k] = softmax(y)_k - [k == label]. Returns the cross-entropy, -log softmax(y)_label.
template <class Real>
double softmax_error(std::span<const Real> y, std::int32_t label, std::span<Real> error) {
    const Real largest = *std::max_element(y.begin(), y.end());
    double sum = 0.0;
    for (std::size_t k = 0; k < y.size(); ++k) {
        const double e = math::exp(std::max(-700.0, double(y[k]) - double(largest)));
        error[k] = static_cast<Real>(e);
        sum += e;
    }
    for (std::size_t k = 0; k < y.size(); ++k) {
        error[k] = static_cast<Real>(double(error[k]) / sum);
    }
    const auto wanted = static_cast<std::size_t>(label);
    const double loss = math::log(sum) - (double(y[wanted]) - double(largest));
    error[wanted] -= Real{1};
    return loss;
}

/// What the readouts should say in a step of the learning window.
struct Wanted {
    std::span<const double> target;  ///< [readout]; for the squared error
    std::int32_t label = -1;         ///< for the cross-entropy
};

/// The error of a step of the window; its part of the loss (the squares, or the cross-entropy) is added to
/// `sum`.
template <class Real>
void step_error(Loss loss, const Wanted& wanted, std::span<const Real> y, std::span<Real> error,
                double& sum) {
    if (loss == Loss::cross_entropy) {
        sum += softmax_error(y, wanted.label, error);
        return;
    }
    for (std::size_t k = 0; k < y.size(); ++k) {
        error[k] = y[k] - static_cast<Real>(wanted.target[k]);
        sum += double(error[k]) * double(error[k]);
    }
}

}  // namespace memprop::learning
