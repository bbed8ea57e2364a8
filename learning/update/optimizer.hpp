// Gradient to weight change. Gradient descent: dW = -lr g. Adam (Kingma and Ba, 2015, with epsilon
// outside the bias correction): dW = -lr m^ / (sqrt(v^) + epsilon).
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/config.hpp"

namespace memprop::learning {

class Optimizer {
public:
    Optimizer(const LearningConfig& config, double learning_rate, std::size_t weights)
        : config_(config), rate_(static_cast<float>(learning_rate)) {
        if (config.optimizer == OptimizerKind::adam) {
            mean_.resize(weights);
            square_.resize(weights);
        }
    }

    /// Replaces each gradient by the weight change it asks for.
    void step(std::span<float> gradient) {
        if (config_.optimizer == OptimizerKind::gd) {
            for (float& g : gradient) {
                g *= -rate_;
            }
            return;
        }
        beta1_power_ *= config_.adam_beta1;
        beta2_power_ *= config_.adam_beta2;
        const auto b1 = static_cast<float>(config_.adam_beta1), b2 = static_cast<float>(config_.adam_beta2);
        const auto mean_correction = static_cast<float>(1.0 / (1.0 - beta1_power_));
        const auto square_correction = static_cast<float>(1.0 / (1.0 - beta2_power_));
        const auto epsilon = static_cast<float>(config_.adam_epsilon);
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            mean_[i] = b1 * mean_[i] + (1.0F - b1) * gradient[i];
            square_[i] = b2 * square_[i] + (1.0F - b2) * (gradient[i] * gradient[i]);
            gradient[i] =
                -rate_ * (mean_[i] * mean_correction) / (std::sqrt(square_[i] * square_correction) + epsilon);
        }
    }

    void serialize(StateArchive& archive) {
        archive("mean", mean_);
        archive("square", square_);
        archive("beta1_power", beta1_power_);
        archive("beta2_power", beta2_power_);
    }

private:
    LearningConfig config_;
    float rate_;
    double beta1_power_ = 1.0, beta2_power_ = 1.0;
    std::vector<float> mean_, square_;
};

}  // namespace memprop::learning
