// Reads with graded inputs, where every row has its own drive, and of wide arrays. As in read_kernels.hpp
// each column is a lane and rows are added in the given order, so bits do not depend on the vector width,
// and with all drives 1 they are those of read_rows_noisy.
#pragma once

#include <cstdint>
#include <span>

#include "crossbar/array/read_kernels.hpp"

namespace memprop::crossbar {

/// out[c] = sum over rows of drive[r] value[rows[r]][c], variance[c] = sum of drive[r]^2
/// variance[rows[r]][c]. Both outputs have room for whole rows of `matrices.stride`.
void read_graded_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows,
                      std::span<const float> drive, std::size_t columns, float* out, float* variance);

/// out[c] += sqrt(variance[c]) normal(key, c).
void add_column_noise(const DrawKey& key, std::span<const float> variance, std::span<float> out);

}  // namespace memprop::crossbar
