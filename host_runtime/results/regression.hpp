// How much of the targets' variance a regression explains.
#pragma once

#include <cstdint>
#include <optional>

#include "learning/task/task.hpp"

namespace memprop::host {

/// R2 = 1 - loss / (loss of readouts that stay at the mean of their targets), over the learning windows of
/// the trials [first, first + trials of the split). 1: exact, 0: no better than the mean, below 0: worse.
/// `loss` is the mean over those trials as the task reports it. Empty if the targets do not vary.
std::optional<double> r_squared(const learning::Task& task, learning::Split split, std::uint64_t first,
                                double loss);

}  // namespace memprop::host
