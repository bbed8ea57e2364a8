// Learning from rewards: the mean of the drawn errors is the gradient of the expected reward, a task is
// learnt without targets, and threads change nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "crossbar/base/error.hpp"
#include "learning/eprop/reward.hpp"
#include "learning/trainer.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

/// Which of two groups fired? A short trial with one cue.
ExperimentConfig one_cue() {
    ExperimentConfig c;
    c.task.name = "cue_accumulation";
    c.task.samples = 16;
    c.task.fresh_trials = true;
    c.task.test_samples = 100;
    c.task.cues = 1;
    c.task.side_probability = 0.0;
    c.task.delay_seconds = 0.01;
    c.task.response_seconds = 0.05;
    c.network.inputs = 20;
    c.network.recurrent = 40;
    c.network.outputs = 2;
    c.network.tau_membrane_seconds = 0.1;
    c.network.threshold = 0.6;
    c.network.input_scaling = LeakScaling::one;
    c.network.init_std_in = 0.2;
    c.network.init_std_rec = 0.05;
    c.learning.loss = Loss::cross_entropy;
    c.learning.supervision = Supervision::reward;
    c.learning.average_over_window = true;
    c.learning.optimizer = OptimizerKind::adam;
    c.learning.lr = c.learning.lr_out = 5e-3;
    c.learning.batch = 16;
    c.learning.rate_regularization = 1.0;
    c.update.scheme = "vanilla";
    return c;
}

}  // namespace

TEST_CASE("errors of drawn answers are the gradient of the expected reward on average") {
    constexpr std::size_t kOutputs = 3, kSteps = 4;
    constexpr std::uint64_t kDraws = 200000;
    Trial trial;
    trial.label = 2;
    trial.window_begin = 1;
    trial.window_end = 3;
    Tape<double> tape;
    tape.steps = kSteps;
    tape.objectives.resize(1);
    ObjectiveTape<double>& answer = tape.objectives[0];
    answer.window_steps = 2;
    answer.output = {9, 9, 9, 0.2, -0.4, 0.5, 0.6, 0.0, -0.1, 9, 9, 9};
    const std::vector<double> mean{0.4, -0.2, 0.2};
    double sum = 0.0;
    std::vector<double> policy;
    for (const double y : mean) {
        policy.push_back(std::exp(y));
        sum += policy.back();
    }
    for (double& p : policy) {
        p /= sum;
    }
    RewardSignal signal(5, 0.9);
    signal.note(4.0);  // expected: 0.4, which must not change the mean
    signal.end_batch();
    std::vector<double> error(kOutputs);
    double rewards = 0.0;
    for (std::uint64_t sample = 0; sample < kDraws; ++sample) {
        answer.error.assign(kSteps * kOutputs, 0.0);
        rewards += signal.apply(trial, sample, tape);
        for (std::size_t k = 0; k < kOutputs; ++k) {
            error[k] += answer.error[kOutputs + k] / kDraws;
            CHECK(answer.error[kOutputs + k] == answer.error[2 * kOutputs + k]);
        }
    }
    CHECK(std::abs(rewards / kDraws - policy[2]) < 4 * std::sqrt(0.25 / kDraws));
    for (std::size_t k = 0; k < kOutputs; ++k) {
        const double gradient =
            policy[2] * (policy[k] - (k == 2 ? 1.0 : 0.0));  // of -E[R] by the mean of y_k
        CHECK(std::abs(error[k] - gradient) < 4 * std::sqrt(0.4 / kDraws));
    }
    CHECK(answer.error[0] == 0.0);
    CHECK(answer.error[3 * kOutputs] == 0.0);
}

TEST_CASE("a task is learnt from rewards alone") {
    Trainer trainer(one_cue());
    const double before = trainer.evaluate_all(Split::test).accuracy;
    for (int i = 0; i < 16 * 250; ++i) {
        trainer.train_sample();
    }
    CHECK(before < 0.75);
    CHECK(trainer.evaluate_all(Split::test).accuracy > 0.9);
}

TEST_CASE("rewards give the same run with any number of threads") {
    std::vector<std::vector<double>> weights;
    for (const int threads : {1, 3}) {
        ExperimentConfig config = one_cue();
        config.run.threads = threads;
        Trainer trainer(config);
        for (int i = 0; i < 16 * 5; ++i) {
            trainer.train_sample();
        }
        weights.push_back(trainer.snapshot(classic::w_rec));
    }
    CHECK(weights[0] == weights[1]);
}

TEST_CASE("rewards need answers, and updates after trials") {
    ExperimentConfig config;
    config.learning.supervision = Supervision::reward;
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("learning.supervision"), InputError);
    config.learning.loss = Loss::cross_entropy;  // but the task has no labels
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("labels"), InputError);
    config = one_cue();
    config.learning.gradient = GradientForm::online;
    config.learning.update_every_steps = 1;
    config.learning.batch = 1;
    CHECK_THROWS_WITH_AS(Trainer{config}, doctest::Contains("learning.supervision"), InputError);
}
