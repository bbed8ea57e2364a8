// The inner loops of mixed-precision updates, vectorised at run time.
#pragma once

#include <cstdint>
#include <span>

namespace memprop::learning {

/// accumulator += delta / unit.
void accumulate(std::span<const float> delta, float unit, std::span<float> accumulator);

/// The same in saturating fixed point: delta / unit is rounded down after adding `offset` in [0, 1)
/// (stochastic rounding), or toward zero if `offset` is empty; |accumulator| <= limit.
void accumulate_fixed(std::span<const float> delta, float unit, std::span<const float> offset, float limit,
                      std::span<float> accumulator);

/// pulses = trunc(accumulator / units_per_step), at most max_pulses each; the accumulator keeps the rest.
void take_whole_steps(std::span<float> accumulator, float units_per_step, float max_pulses,
                      std::span<std::int16_t> pulses);

}  // namespace memprop::learning
