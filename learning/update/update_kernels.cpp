#include "learning/update/update_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/update/update_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::learning::HWY_NAMESPACE {

// Conversion to int truncates toward zero in every instruction set.
HWY_INLINE float Trunc(float x) {
    return static_cast<float>(static_cast<std::int32_t>(x));
}

HWY_INLINE float Clamp(float x, float limit) {
    const float low = x < -limit ? -limit : x;
    return low > limit ? limit : low;
}

void Accumulate(const float* HWY_RESTRICT delta, float unit, std::size_t count,
                float* HWY_RESTRICT accumulator) {
    for (std::size_t i = 0; i < count; ++i) {
        accumulator[i] += delta[i] / unit;
    }
}

void AccumulateFixed(const float* HWY_RESTRICT delta, float unit, const float* HWY_RESTRICT offset,
                     float limit, std::size_t count, float* HWY_RESTRICT accumulator) {
    if (offset == nullptr) {
        for (std::size_t i = 0; i < count; ++i) {
            const float change = Trunc(Clamp(delta[i] / unit, 2.0F * limit));
            accumulator[i] = Clamp(accumulator[i] + change, limit);
        }
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const float shifted = Clamp(delta[i] / unit, 2.0F * limit) + offset[i];
        const float whole = Trunc(shifted);
        const float change = whole > shifted ? whole - 1.0F : whole;
        accumulator[i] = Clamp(accumulator[i] + change, limit);
    }
}

void TakeWholeSteps(float* HWY_RESTRICT accumulator, float units_per_step, float max_pulses,
                    std::size_t count, std::int16_t* HWY_RESTRICT pulses) {
    for (std::size_t i = 0; i < count; ++i) {
        const float steps = Trunc(Clamp(accumulator[i] / units_per_step, max_pulses));
        accumulator[i] -= steps * units_per_step;
        pulses[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(steps));
    }
}

}  // namespace memprop::learning::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::learning {

HWY_EXPORT(Accumulate);
HWY_EXPORT(AccumulateFixed);
HWY_EXPORT(TakeWholeSteps);

void accumulate(std::span<const float> delta, float unit, std::span<float> accumulator) {
    HWY_DYNAMIC_DISPATCH(Accumulate)(delta.data(), unit, delta.size(), accumulator.data());
}

void accumulate_fixed(std::span<const float> delta, float unit, std::span<const float> offset, float limit,
                      std::span<float> accumulator) {
    HWY_DYNAMIC_DISPATCH(AccumulateFixed)
    (delta.data(), unit, offset.empty() ? nullptr : offset.data(), limit, delta.size(), accumulator.data());
}

void take_whole_steps(std::span<float> accumulator, float units_per_step, float max_pulses,
                      std::span<std::int16_t> pulses) {
    HWY_DYNAMIC_DISPATCH(TakeWholeSteps)
    (accumulator.data(), units_per_step, max_pulses, accumulator.size(), pulses.data());
}

}  // namespace memprop::learning
#endif  // HWY_ONCE
