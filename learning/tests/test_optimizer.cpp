// Optimisers against their formulas, written out for two updates.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "learning/update/optimizer.hpp"

using namespace memprop::learning;

namespace {

constexpr double kRate = 0.1;
const std::vector<double> kFirst{0.5, -2.0}, kSecond{1.5, 1.0};

std::vector<double> second_change(const LearningConfig& config) {
    Optimizer<double> optimizer(config, kRate, 2);
    std::vector<double> gradient = kFirst;
    optimizer.step(gradient);
    gradient = kSecond;
    optimizer.step(gradient);
    return gradient;
}

}  // namespace

TEST_CASE("momentum is a decaying sum of gradients") {
    LearningConfig config;
    config.optimizer = OptimizerKind::momentum;
    config.momentum = 0.8;
    const std::vector<double> change = second_change(config);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(change[i] == doctest::Approx(-kRate * (0.8 * kFirst[i] + kSecond[i])).epsilon(1e-12));
    }
}

TEST_CASE("adam puts epsilon where its form says") {
    LearningConfig config;
    config.optimizer = OptimizerKind::adam;
    config.adam_beta1 = 0.9;
    config.adam_beta2 = 0.99;
    config.adam_epsilon = 0.1;
    for (const AdamForm form : {AdamForm::kingma, AdamForm::tensorflow}) {
        config.adam_form = form;
        const std::vector<double> change = second_change(config);
        for (std::size_t i = 0; i < 2; ++i) {
            const double mean = 0.9 * 0.1 * kFirst[i] + 0.1 * kSecond[i];
            const double square = 0.99 * 0.01 * kFirst[i] * kFirst[i] + 0.01 * kSecond[i] * kSecond[i];
            const double c1 = 1 - 0.9 * 0.9, c2 = 1 - 0.99 * 0.99;
            const double expected = form == AdamForm::kingma
                                        ? -kRate * (mean / c1) / (std::sqrt(square / c2) + 0.1)
                                        : -kRate * std::sqrt(c2) / c1 * mean / (std::sqrt(square) + 0.1);
            CHECK(change[i] == doctest::Approx(expected).epsilon(1e-12));
        }
    }
}
