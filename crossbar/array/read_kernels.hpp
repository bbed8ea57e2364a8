// The inner loops of reading an array, vectorised at run time. Every column is an independent lane, so
// the order of additions, and with it every bit, is the same at every vector width.
#pragma once

#include <cstdint>
#include <span>

#include "crossbar/base/random.hpp"

namespace memprop::crossbar {

/// out[c] = sum over rows of value[row * stride + c], variance[c] alike, rows in the given order.
void sum_rows(const float* value, const float* variance, std::size_t stride,
              std::span<const std::uint32_t> rows, std::span<float> out, std::span<float> out_variance);

/// out[c] += sqrt(variance[c]) * normal(key, first_column + c).
void add_column_noise(const DrawKey& key, std::uint32_t first_column, std::span<const float> variance,
                      std::span<float> out);

/// difference[i] += sign * mean[i], variance[i] += sigma[i]^2, for one plane of devices. Returns the sum
/// of the means.
double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance);

}  // namespace memprop::crossbar
