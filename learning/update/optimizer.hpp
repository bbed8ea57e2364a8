// Gradient to weight change, with learning rate lr and n counting updates.
//   gd        dW = -lr g
//   momentum  u = momentum u + g, dW = -lr u (Polyak's heavy ball)
//   adam      m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and, by `adam_form`,
//             kingma      dW = -lr m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^n), v^ = v / (1 - b2^n)
//                         (Kingma and Ba, ICLR 2015, algorithm 1; PyTorch)
//             tensorflow  dW = -lr sqrt(1 - b2^n) / (1 - b1^n) m / (sqrt(v) + eps)
//                         (the same paper, end of section 2; TensorFlow, NEST)
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/config.hpp"

namespace memprop::learning {

template <class Real>
class Optimizer {
public:
    Optimizer(const LearningConfig& config, double learning_rate, std::size_t weights)
        : config_(config), rate_(static_cast<Real>(learning_rate)), exact_rate_(learning_rate) {
        if (config.optimizer != OptimizerKind::gd) {
            mean_.resize(weights);
        }
        if (config.optimizer == OptimizerKind::adam) {
            square_.resize(weights);
        }
    }

    /// Replaces each gradient by the weight change it asks for.
    void step(std::span<Real> gradient) {
        switch (config_.optimizer) {
            case OptimizerKind::gd:
                for (Real& g : gradient) {
                    g *= -rate_;
                }
                return;
            case OptimizerKind::momentum: {
                const auto keep = static_cast<Real>(config_.momentum);
                for (std::size_t i = 0; i < gradient.size(); ++i) {
                    mean_[i] = keep * mean_[i] + gradient[i];
                    gradient[i] = -rate_ * mean_[i];
                }
                return;
            }
            case OptimizerKind::adam:
                beta1_power_ *= config_.adam_beta1;
                beta2_power_ *= config_.adam_beta2;
                step_adam(gradient, 0, beta1_power_, beta2_power_);
                return;
        }
    }

    void serialize(StateArchive& archive) {
        archive("mean", mean_);
        archive("square", square_);
        archive("beta1_power", beta1_power_);
        archive("beta2_power", beta2_power_);
    }

private:
    /// For the weights [first, first + gradient.size()), with b1^n and b2^n given.
    void step_adam(std::span<Real> gradient, std::size_t first, double beta1_power, double beta2_power) {
        const auto b1 = static_cast<Real>(config_.adam_beta1), b2 = static_cast<Real>(config_.adam_beta2);
        const auto epsilon = static_cast<Real>(config_.adam_epsilon);
        const std::span<Real> mean = std::span(mean_).subspan(first, gradient.size());
        const std::span<Real> square = std::span(square_).subspan(first, gradient.size());
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            mean[i] = b1 * mean[i] + (Real{1} - b1) * gradient[i];
            square[i] = b2 * square[i] + (Real{1} - b2) * (gradient[i] * gradient[i]);
        }
        if (config_.adam_form == AdamForm::tensorflow) {
            const auto rate =
                static_cast<Real>(exact_rate_ * std::sqrt(1.0 - beta2_power) / (1.0 - beta1_power));
            for (std::size_t i = 0; i < gradient.size(); ++i) {
                gradient[i] = -rate * mean[i] / (std::sqrt(square[i]) + epsilon);
            }
            return;
        }
        const auto mean_correction = static_cast<Real>(1.0 / (1.0 - beta1_power));
        const auto square_correction = static_cast<Real>(1.0 / (1.0 - beta2_power));
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            gradient[i] =
                -rate_ * (mean[i] * mean_correction) / (std::sqrt(square[i] * square_correction) + epsilon);
        }
    }

    LearningConfig config_;
    Real rate_;
    double exact_rate_;
    double beta1_power_ = 1.0, beta2_power_ = 1.0;
    std::vector<Real> mean_, square_;  // of the gradient; mean_ is momentum's velocity
};

}  // namespace memprop::learning
