// Reward in place of targets: the network answers, and is told only whether the answer was right. After
// Williams, Machine Learning 8, 229 (1992), as a three-factor rule (Bellec et al., Nat. Commun. 11, 3625,
// 2020, reward-based e-prop without a critic): with the policy pi = softmax of the mean readout over the
// learning window, an answer a drawn from it, R = 1 if it is right and else 0, and a running mean Rm of R,
//   err_k[t] = (R - Rm) (pi_k - [k = a])   in the window
// takes the place of dE/dy. Its mean over the draws is the gradient of -E[R] times the steps of the window.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/math.hpp"
#include "crossbar/base/random.hpp"
#include "crossbar/base/state_archive.hpp"
#include "learning/tape.hpp"
#include "learning/task/trial.hpp"

namespace memprop::learning {

class RewardSignal {
public:
    RewardSignal(std::uint64_t seed, double decay) : seed_(seed), decay_(decay) {}

    /// Draws the answer of sample `sample` and replaces the error of the first objective. Returns the reward.
    template <class Real>
    double apply(const Trial& trial, std::uint64_t sample, Tape<Real>& all) const {
        ObjectiveTape<Real>& tape = all.objectives.front();
        const std::size_t outputs = all.steps > 0 ? tape.output.size() / all.steps : 0;
        const auto end = std::min<std::size_t>(trial.window_end, all.steps);
        std::vector<double> policy(outputs);
        for (std::size_t t = trial.window_begin; t < end; ++t) {
            for (std::size_t k = 0; k < outputs; ++k) {
                policy[k] += double(tape.output[t * outputs + k]) / double(tape.window_steps);
            }
        }
        const double largest = *std::max_element(policy.begin(), policy.end());
        double sum = 0.0;
        for (double& p : policy) {
            p = math::exp(std::max(-700.0, p - largest));
            sum += p;
        }
        for (double& p : policy) {
            p /= sum;
        }
        const std::size_t answer = draw(policy, sample);
        const double reward = static_cast<std::int32_t>(answer) == trial.label ? 1.0 : 0.0;
        for (std::size_t t = trial.window_begin; t < end; ++t) {
            for (std::size_t k = 0; k < outputs; ++k) {
                const double chosen = k == answer ? 1.0 : 0.0;
                tape.error[t * outputs + k] = static_cast<Real>((reward - expected_) * (policy[k] - chosen));
            }
        }
        return reward;
    }

    /// Notes the reward of a sample, in order; what is expected changes with the batch.
    void note(double reward) { next_ = decay_ * next_ + (1.0 - decay_) * reward; }
    void end_batch() { expected_ = next_; }

    void serialize(StateArchive& archive) {
        archive("reward_expected", expected_);
        archive("reward_next", next_);
    }

private:
    std::size_t draw(std::span<const double> policy, std::uint64_t sample) const {
        double rest = double(
            random_uniform({.seed = seed_, .stream = Stream::action}, static_cast<std::uint32_t>(sample)));
        std::size_t answer = 0;
        while (answer + 1 < policy.size() && rest >= policy[answer]) {
            rest -= policy[answer++];
        }
        return answer;
    }

    std::uint64_t seed_;
    double decay_;
    double expected_ = 0.0, next_ = 0.0;
};

}  // namespace memprop::learning
