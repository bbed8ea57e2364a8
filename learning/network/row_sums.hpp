// Sums of rows of a weight matrix, and of sums: what spikes leave in the neurons they reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace memprop::network {

/// out[j] = sum of weights[row * out.size() + j] over `rows`, added to 0 in their order. Columns are taken in
/// blocks that stay in registers, so that a row costs one load of each of its values.
void sum_rows(std::span<const float> weights, std::span<const std::uint32_t> rows, std::span<float> out);
void sum_rows(std::span<const double> weights, std::span<const std::uint32_t> rows, std::span<double> out);

/// sums[j] += more[j]
void add_to(std::span<const float> more, std::span<float> sums);
void add_to(std::span<const double> more, std::span<double> sums);

}  // namespace memprop::network
