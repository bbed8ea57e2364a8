#include "host_runtime/results/regression.hpp"

#include <algorithm>
#include <vector>

namespace memprop::host {
namespace {

/// Calls visit(readout, target, weight) for all targets that count; with the weights of a loss.
template <class Visit>
void visit_targets(const learning::Task& task, learning::Split split, std::uint64_t first, Visit visit) {
    learning::Trial buffer;
    const std::uint32_t trials = task.trials(split);
    for (std::uint32_t i = 0; i < trials; ++i) {
        const learning::Trial& trial = task.trial(split, first + i, buffer);
        const std::size_t steps = trial.input.steps();
        const std::size_t outputs = steps == 0 ? 0 : trial.target.size() / steps;
        const std::size_t end = std::min<std::size_t>(trial.window_end, steps);
        const double values = double(end - std::min<std::size_t>(trial.window_begin, end)) * double(outputs);
        const double weight = (task.reports_half_sum() ? 0.5 : 1.0 / values) / trials;
        for (std::size_t t = trial.window_begin; t < end; ++t) {
            for (std::size_t k = 0; k < outputs; ++k) {
                visit(k, trial.target[t * outputs + k], weight);
            }
        }
    }
}

}  // namespace

std::optional<double> r_squared(const learning::Task& task, learning::Split split, std::uint64_t first,
                                double loss) {
    std::vector<double> mean, weight;
    visit_targets(task, split, first, [&](std::size_t k, double target, double w) {
        if (k >= mean.size()) {
            mean.resize(k + 1);
            weight.resize(k + 1);
        }
        weight[k] += w;
        mean[k] += (target - mean[k]) * w / weight[k];
    });
    double variance = 0.0, square = 0.0;
    visit_targets(task, split, first, [&](std::size_t k, double target, double w) {
        variance += w * (target - mean[k]) * (target - mean[k]);
        square += w * target * target;
    });
    // Constant targets have a variance of rounding errors.
    return variance > 1e-24 * square ? std::optional(1.0 - loss / variance) : std::nullopt;
}

}  // namespace memprop::host
