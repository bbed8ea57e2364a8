#include "crossbar/array/write_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/array/write_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

void SplitPulses(const std::int16_t* HWY_RESTRICT pulses, std::size_t count, std::uint16_t* HWY_RESTRICT plus,
                 std::uint16_t* HWY_RESTRICT minus) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int16_t p = pulses[i];
        plus[i] = static_cast<std::uint16_t>(p > 0 ? p : 0);
        minus[i] = static_cast<std::uint16_t>(p < 0 ? -p : 0);
    }
}

// Parts whose sums fit into 32 bits.
PulseCount CountAll(const std::int16_t* HWY_RESTRICT pulses, std::size_t count) {
    constexpr std::size_t kPart = 32768;
    PulseCount sum;
    for (std::size_t begin = 0; begin < count; begin += kPart) {
        std::uint32_t up = 0, down = 0;
        for (std::size_t i = begin; i < std::min(begin + kPart, count); ++i) {
            const std::int32_t p = pulses[i];
            up += static_cast<std::uint32_t>(p > 0 ? p : 0);
            down += static_cast<std::uint32_t>(p < 0 ? -p : 0);
        }
        sum.up += up;
        sum.down += down;
    }
    return sum;
}

bool AnySaturated(const float* HWY_RESTRICT plus, const float* HWY_RESTRICT minus, std::size_t count,
                  float high, float low) {
    std::int32_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const float larger = plus[i] > minus[i] ? plus[i] : minus[i];
        const float smaller = plus[i] > minus[i] ? minus[i] : plus[i];
        found |= static_cast<std::int32_t>(larger > high) & static_cast<std::int32_t>(smaller > low);
    }
    return found != 0;
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::crossbar {

HWY_EXPORT(SplitPulses);
HWY_EXPORT(CountAll);
HWY_EXPORT(AnySaturated);

void split_pulses(std::span<const std::int16_t> pulses, std::uint16_t* plus, std::uint16_t* minus) {
    HWY_DYNAMIC_DISPATCH(SplitPulses)(pulses.data(), pulses.size(), plus, minus);
}

PulseCount count_all(std::span<const std::int16_t> pulses) {
    return HWY_DYNAMIC_DISPATCH(CountAll)(pulses.data(), pulses.size());
}

bool any_saturated(std::span<const float> plus_us, std::span<const float> minus_us, float high_us,
                   float low_us) {
    return HWY_DYNAMIC_DISPATCH(AnySaturated)(plus_us.data(), minus_us.data(), plus_us.size(), high_us,
                                              low_us);
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
