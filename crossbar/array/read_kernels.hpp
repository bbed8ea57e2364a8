// The inner loops of reading an array, vectorised at run time. Every column is an independent lane, so
// the order of additions, and with it every bit, is the same at every vector width.
#pragma once

#include <cstdint>
#include <span>

#include "crossbar/base/random.hpp"

namespace memprop::crossbar {

/// Rows of the arrays a read sums: `stride` floats each, padded to whole vectors of any width.
struct ReadMatrices {
    const float* value;
    const float* variance;
    std::size_t stride;
};

/// out[c] = sum over rows of value[row][c], rows in the given order.
void read_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, std::span<float> out);

/// out[c] = sum over rows of value[row][c] + sqrt(sum over rows of variance[row][c]) normal(key, c).
void read_rows_noisy(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, const DrawKey& key,
                     std::span<float> out);

/// difference[i] += sign * mean[i], variance[i] += sigma[i]^2, for one plane of devices. Returns the sum
/// of the means.
double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance);

}  // namespace memprop::crossbar
