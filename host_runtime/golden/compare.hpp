// How far results computed anew are from those of a golden file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host_runtime/golden/kinds.hpp"

namespace memprop::host::golden {

/// An array that cannot be compared: a NaN or an infinity is not where the golden array has one, or not with
/// its sign. Finite, so that it can stand in JSON.
inline constexpr double kIncomparable = 1e300;

/// max |x - golden| / max |golden| over the finite golden values; not divided where they are all 0.
double array_error(std::span<const double> golden, std::span<const double> computed);

struct Comparison {
    std::uint64_t spikes_differ = 0;
    double max_relative_error = 0.0;
    std::vector<std::pair<std::string, double>> arrays;  ///< every result of the file, in byte order
};

/// Throws InputError naming an array of the file that is neither given nor computed, or has another shape.
Comparison compare(const GoldenFile& file, const std::vector<Computed>& computed);

}  // namespace memprop::host::golden
