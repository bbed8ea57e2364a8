// The inner loops of reading an array, vectorised at run time. Every column is an independent lane, so
// the order of additions, and with it every bit, is the same at every vector width.
#pragma once

#include <cstdint>
#include <span>

#include "crossbar/base/random.hpp"

namespace memprop::crossbar {

/// Rows of the arrays a read sums: `stride` floats each, padded to whole vectors of any width.
/// From here on rows do not stay in the first cache, and reads walk along them.
inline constexpr std::uint32_t kWideColumns = 256;

struct ReadMatrices {
    const float* value;
    const float* variance;
    std::size_t stride;
};

/// For the columns c = first + i: out[i] = sum over rows of value[row][c], rows in the given order. Loads
/// reach up to one vector past the last column, so one vector must follow the last row.
void read_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, std::uint32_t first,
               std::span<float> out);

/// The same, plus sqrt(sum over rows of variance[row][c]) normal(key, c).
void read_rows_noisy(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, const DrawKey& key,
                     std::uint32_t first, std::span<float> out);

/// difference[i] += sign * mean[i], variance[i] += sigma[i]^2, for one plane of devices. Returns the sum
/// of the means.
double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance);

}  // namespace memprop::crossbar
