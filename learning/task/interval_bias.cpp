#include "learning/task/interval_bias.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/base/math.hpp"

namespace memprop::learning {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSlopeOfNoMemory = 0.05;
constexpr double kLargestError = 0.1;  // of a slope that is to tell memory from none
constexpr double kSignificant = 3.0;   // standard errors

double ratio(double part, double whole) {
    return whole > 0.0 ? part / whole : kNan;
}

/// The borders of quintiles, interpolated between the two nearest values.
std::array<double, kQuintiles - 1> quintiles(std::span<const double> values) {
    std::array<double, kQuintiles - 1> borders;
    borders.fill(kNan);
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t q = 0; q < borders.size() && !sorted.empty(); ++q) {
        const double place = double(q + 1) / double(kQuintiles) * double(sorted.size() - 1);
        const auto below = static_cast<std::size_t>(place);
        const std::size_t above = std::min(below + 1, sorted.size() - 1);
        borders[q] = sorted[below] + (sorted[above] - sorted[below]) * (place - double(below));
    }
    return borders;
}

/// Part of the trials of a label and a quintile of `values` of which `holds` is true.
template <class Holds>
ByQuintile by_quintile(const IntervalTrials& trials, std::span<const double> values,
                       const std::array<double, kQuintiles - 1>& borders, Holds holds) {
    ByQuintile part{}, count{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto quintile = static_cast<std::size_t>(
            std::upper_bound(borders.begin(), borders.end(), values[i]) - borders.begin());
        const std::size_t label = trials.label[i] == 1 ? 1 : 0;
        part[label][quintile] += holds(i) ? 1.0 : 0.0;
        count[label][quintile] += 1.0;
    }
    for (std::size_t label = 0; label < 2; ++label) {
        for (std::size_t q = 0; q < kQuintiles; ++q) {
            part[label][q] = ratio(part[label][q], count[label][q]);
        }
    }
    return part;
}

struct Slope {
    double value = kNan, se = kNan;
};

/// -b[of] / b[2] and its standard error, to first order.
Slope slope(const LogisticFit& fit, std::size_t of) {
    const double b = fit.coefficients[of], second = fit.coefficients[2];
    if (!std::isfinite(b) || !std::isfinite(second) || second == 0.0) {
        return {};
    }
    const auto covariance = [&](std::size_t i, std::size_t j) { return fit.covariance[i * 4 + j]; };
    const double value = -b / second;
    const double variance =
        covariance(of, of) + 2 * value * covariance(of, 2) + value * value * covariance(2, 2);
    return {value, std::sqrt(std::max(variance, 0.0)) / std::abs(second)};
}

bool significant(const LogisticFit& fit, std::size_t of) {
    return std::abs(fit.coefficients[of]) > kSignificant * std::sqrt(fit.covariance[of * 4 + of]);
}

std::string in_words(const LogisticFit& fit, const Slope& memory) {
    if (fit.estimate == LogisticEstimate::none) {
        return "not defined: all answers are the same";
    }
    if (!std::isfinite(memory.value)) {
        return "not defined: too few different trials";
    }
    const std::string figures = fmt::format("memory slope {:.3f} +- {:.3f}", memory.value, memory.se);
    if (!significant(fit, 2)) {
        if (fit.estimate == LogisticEstimate::separated && !significant(fit, 1)) {
            return fmt::format("too few trials to tell ({})", figures);
        }
        return significant(fit, 1) ? "the answers follow the first interval alone"
                                   : "no memory: the answers follow neither interval";
    }
    if (std::abs(memory.value) - 2 * memory.se <= kSlopeOfNoMemory) {
        return memory.se <= kLargestError
                   ? fmt::format("no memory: the first interval is ignored ({})", figures)
                   : fmt::format("no memory shown: too few trials to tell ({})", figures);
    }
    if (memory.value < 0) {
        return fmt::format("the answers follow the first interval the wrong way ({})", figures);
    }
    return fmt::format("the first interval is remembered{} ({})",
                       memory.value + 2 * memory.se < 1.0 ? ", contracted" : "", figures);
}

}  // namespace

IntervalBias interval_bias(const IntervalTrials& trials) {
    const std::size_t count = trials.answer.size();
    const double middle = 0.5 * (math::log(trials.shortest_seconds) + math::log(trials.longest_seconds));
    const double middle_seconds = std::sqrt(trials.shortest_seconds * trials.longest_seconds);
    std::vector<double> regressors(3 * count);
    std::vector<std::uint8_t> longer(count);
    std::array<double, 2> longer_of{}, trials_of{};  // with the first below and above the middle
    double right = 0.0, before = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
        const double first = math::log(trials.first_seconds[i]) - middle,
                     second = math::log(trials.second_seconds[i]) - middle;
        regressors[3 * i] = first;
        regressors[3 * i + 1] = second;
        regressors[3 * i + 2] = before;
        before = 0.5 * (first + second);
        longer[i] = trials.answer[i] == 1 ? 1 : 0;
        right += trials.answer[i] == trials.label[i] ? 1.0 : 0.0;
        const std::size_t above = trials.first_seconds[i] > middle_seconds ? 1 : 0;
        longer_of[above] += longer[i];
        trials_of[above] += 1.0;
    }
    const LogisticFit fit = fit_logistic(regressors, longer);
    IntervalBias bias{};
    bias.accuracy = ratio(right, double(count));
    bias.contraction_bias = ratio(longer_of[1], trials_of[1]) - ratio(longer_of[0], trials_of[0]);
    bias.estimate = fit.estimate;
    const Slope memory = count == 0 ? Slope{} : slope(fit, 1), history = count == 0 ? Slope{} : slope(fit, 3);
    for (std::size_t c = 0; c < 4; ++c) {
        const bool finite = fit.estimate == LogisticEstimate::maximum_likelihood;
        bias.coefficients[c] = finite ? fit.coefficients[c] : kNan;
        bias.coefficients_se[c] = finite ? std::sqrt(fit.covariance[c * 4 + c]) : kNan;
    }
    bias.memory_slope = memory.value;
    bias.memory_slope_se = memory.se;
    bias.history_slope = history.value;
    bias.history_slope_se = history.se;
    bias.contraction = 1.0 - memory.value - history.value;
    bias.first_quintiles = quintiles(trials.first_seconds);
    bias.second_quintiles = quintiles(trials.second_seconds);
    bias.correct_by_first = by_quintile(trials, trials.first_seconds, bias.first_quintiles,
                                        [&](std::size_t i) { return trials.answer[i] == trials.label[i]; });
    bias.longer_by_second = by_quintile(trials, trials.second_seconds, bias.second_quintiles,
                                        [&](std::size_t i) { return trials.answer[i] == 1; });
    bias.memory = in_words(fit, memory);
    return bias;
}

}  // namespace memprop::learning
