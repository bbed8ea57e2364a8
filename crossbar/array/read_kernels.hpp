// The inner loops of reading an array, vectorised at run time. Every column is an independent lane and rows
// are added in the given order, so bits depend neither on the vector width nor on the order of columns.
#pragma once

#include <cstdint>
#include <span>

#include "crossbar/base/random.hpp"

namespace memprop::crossbar {

/// Widest vector of any instruction set, in floats.
inline constexpr std::size_t kWidestVector = 16;

/// Rows of the arrays a read sums, `stride` floats each; `variance` may be null where none is asked for.
/// Loads reach up to one vector past the last column, so one vector must follow the last row.
struct ReadMatrices {
    const float* value;
    const float* variance;
    std::size_t stride;
};

/// Floats from one row to the next for `columns`: whole vectors, and an odd number of them, so that the same
/// columns of many rows spread over all sets of a cache.
constexpr std::size_t row_stride(std::size_t columns) {
    return ((columns + kWidestVector - 1) / kWidestVector | 1) * kWidestVector;
}

/// sum[c] = sum over rows of drive[r] value[rows[r]][c], and variance[c] = sum of drive[r]^2
/// variance[rows[r]][c] unless `variance` is null. No `drive` means 1 for all. Both outputs have room for
/// whole vectors. Wide arrays should be read from alternating ends: what was read last is still in a cache.
void sum_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, std::span<const float> drive,
              std::size_t columns, bool from_last_column, float* sum, float* variance);

/// out[i] = sum[i] + sqrt(variance[i]) normal(key, first + i). One vector may be read past the last of both.
void add_column_noise(const DrawKey& key, std::uint32_t first, const float* sum, const float* variance,
                      std::span<float> out);

/// Moves the drives that are not zero to the front and writes their rows; returns their number. All spans
/// have one element per row; for driven rows reads[row] += 1 and squared[row] += drive^2.
std::size_t collect_driven(std::span<float> drive, std::span<std::uint32_t> rows,
                           std::span<std::uint32_t> reads, std::span<double> squared);

/// difference[i] += sign * mean[i], variance[i] += sigma[i]^2, for one plane of devices. Returns the sum
/// of the means.
double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance);

}  // namespace memprop::crossbar
