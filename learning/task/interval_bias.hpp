// Whether a network that compares two intervals remembers the first one, and whether its memory is drawn
// towards the mean (contraction bias) or towards the intervals before. A difference of answer probabilities
// alone does not show it: a network without memory has one too.
//
// Logistic regression of the answer "the second was longer" on three logarithms, all relative to that of the
// geometric middle of the range: of the first interval (b1), of the second (b2), and the mean of both of the
// trial before (b3; 0 in the first trial).
//   memory_slope = -b1 / b2    1: the first is remembered as it was; 0: it is ignored
//   history_slope = -b3 / b2   0: the trials before do not matter. It can be another only if the state of
//                              the network lasts from trial to trial (network.state_reset = "never").
//   contraction = 1 - memory_slope - history_slope: the weight of the mean
// Conventions and examples: P. Serrano-Fernandez et al., Cell Reports 43, 114412 (2024).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learning/statistics/logistic_regression.hpp"

namespace memprop::learning {

/// Trials in the order in which they were shown; all spans of one length.
struct IntervalTrials {
    std::span<const double> first_seconds, second_seconds;  ///< positive
    std::span<const std::int32_t> label, answer;            ///< 1: the second was longer; any other: not
    double shortest_seconds = 0, longest_seconds = 0;       ///< of the range whose middle is the reference
};

inline constexpr std::size_t kQuintiles = 5;
/// By label (0, 1) and quintile; NaN where there is no such trial.
using ByQuintile = std::array<std::array<double, kQuintiles>, 2>;

/// NaN: not defined for these trials.
struct IntervalBias {
    double accuracy;
    double contraction_bias;  ///< P(answer 1 | first above the middle) - P(answer 1 | below)
    LogisticEstimate estimate;
    /// Constant, first, second, trial before; NaN if the answers are separated: they grow without bound then.
    std::array<double, 4> coefficients, coefficients_se;
    double memory_slope, memory_slope_se, history_slope, history_slope_se, contraction;
    std::array<double, kQuintiles - 1> first_quintiles, second_quintiles;  ///< borders, s
    ByQuintile correct_by_first;  ///< part of right answers, by quintile of the first interval
    ByQuintile longer_by_second;  ///< psychometric curve: part of answers 1, by quintile of the second
    std::string memory;           ///< what the slopes say, in words
};

IntervalBias interval_bias(const IntervalTrials& trials);

}  // namespace memprop::learning
