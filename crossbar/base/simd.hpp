// Run-time choice of the vector instruction set. Results never depend on it: every kernel computes
// each element with the same operations in the same order at every width.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memprop {

enum class SimdLevel { scalar, sse4, avx2, avx512 };

std::string_view to_string(SimdLevel level);

/// The levels this processor and this build have, lowest first; never empty.
std::vector<SimdLevel> available_simd_levels();

/// Kernels use `level` from the next call on. Throws InputError if the processor lacks it.
void set_simd_level(SimdLevel level);

/// Applies the environment variable MEMPROP_SIMD (avx512, avx2, sse4 or scalar), if it is set.
/// Throws InputError naming the levels this machine has. Call it once, first thing in main.
void apply_simd_environment();

}  // namespace memprop
