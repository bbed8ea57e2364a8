// Gradient to weight change, with learning rate lr and n counting updates.
//   gd        dW = -lr g
//   momentum  u = momentum u + g, dW = -lr u (Polyak's heavy ball)
//   adam      m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and, by `adam_form`,
//             kingma      dW = -lr m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^n), v^ = v / (1 - b2^n)
//                         (Kingma and Ba, ICLR 2015, algorithm 1; PyTorch)
//             tensorflow  dW = -lr sqrt(1 - b2^n) / (1 - b1^n) m / (sqrt(v) + eps)
//                         (the same paper, end of section 2; TensorFlow, NEST)
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/config/config.hpp"

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

    /// For updates within a trial: replaces the gradient of the weights [first, first + size), which are
    /// together row `row`, by their change. `updates` is the number of updates after this one, counting
    /// those the row missed: adam makes up for them with a gradient of 0 (NEST's weight optimiser does).
    void step_row(std::span<Real> gradient, std::size_t first, std::size_t row, std::uint64_t updates) {
        if (config_.optimizer != OptimizerKind::adam) {
            const auto keep = static_cast<Real>(config_.momentum);
            for (std::size_t i = 0; i < gradient.size(); ++i) {
                if (config_.optimizer == OptimizerKind::momentum) {
                    gradient[i] += keep * mean_[first + i];
                    mean_[first + i] = gradient[i];
                }
                gradient[i] *= -rate_;
            }
            row_updates_[row] = static_cast<std::uint32_t>(updates);
            return;
        }
        change_.assign(gradient.size(), Real{0});
        for (; row_updates_[row] < updates; ++row_updates_[row]) {
            row_beta1_power_[row] *= config_.adam_beta1;
            row_beta2_power_[row] *= config_.adam_beta2;
            step_adam(gradient, first, row_beta1_power_[row], row_beta2_power_[row]);
            for (std::size_t i = 0; i < gradient.size(); ++i) {
                change_[i] += gradient[i];
                gradient[i] = Real{0};
            }
        }
        std::copy(change_.begin(), change_.end(), gradient.begin());
    }

    /// Prepares step_row for that many rows.
    void count_rows(std::size_t rows) {
        row_updates_.assign(rows, 0);
        row_beta1_power_.assign(rows, 1.0);
        row_beta2_power_.assign(rows, 1.0);
    }
    std::uint64_t row_updates(std::size_t row) const { return row_updates_[row]; }

    void serialize(StateArchive& archive) {
        archive("mean", mean_);
        archive("square", square_);
        archive("beta1_power", beta1_power_);
        archive("beta2_power", beta2_power_);
        if (!row_updates_.empty()) {
            archive("row_updates", row_updates_);
            archive("row_beta1_power", row_beta1_power_);
            archive("row_beta2_power", row_beta2_power_);
        }
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
    std::vector<std::uint32_t> row_updates_;
    std::vector<double> row_beta1_power_, row_beta2_power_;
    std::vector<Real> change_;
    std::vector<Real> mean_, square_;  // of the gradient; mean_ is momentum's velocity
};

}  // namespace memprop::learning
