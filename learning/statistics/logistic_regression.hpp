// Logistic regression of 0/1 answers: P(answer = 1) = 1 / (1 + exp(-x b)). Defined for every input:
//   - Estimates are those of maximum likelihood where it has a maximum (Newton's method, in an orthonormal
//     basis of the columns).
//   - Answers that a plane through the regressors separates have none: their coefficients grow without
//     bound, only their directions mean something. They get the mode under a normal prior with standard
//     deviation 10 on the coefficient of each standardised regressor; the constant stays free.
//   - A column that is a combination of those before it (constant columns, fewer rows than columns) has no
//     coefficient of its own: NaN. The others are as without it.
//   - Answers that are all the same, or none, say nothing: all NaN.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace memprop::learning {

enum class LogisticEstimate : std::uint8_t { none, separated, maximum_likelihood };

struct LogisticFit {
    LogisticEstimate estimate = LogisticEstimate::none;
    std::vector<double> coefficients;  ///< [1 + regressors], the constant first; NaN: not defined
    std::vector<double> covariance;    ///< of the coefficients: inverse of the observed information
};

/// `regressors` [row][regressor], finite; a column of ones is added in front. `answers` are 0 or 1.
LogisticFit fit_logistic(std::span<const double> regressors, std::span<const std::uint8_t> answers);

}  // namespace memprop::learning
