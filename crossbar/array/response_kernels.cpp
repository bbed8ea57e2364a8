#include "crossbar/array/response_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/array/response_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <algorithm>
#include <cmath>

#include "crossbar/base/float_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

using memprop::HWY_NAMESPACE::ExpVector;
namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

// Below it sinh(k v) / sinh(k) = v to the last bit.
constexpr float kStraight = 1e-4F;

// 1 - exp(-y), y >= 0: near zero by its series, where the difference would cancel.
HWY_INLINE Vec OneMinusExp(Vec y) {
    const Tag d;
    Vec series = hn::Set(d, -1.0F / 5040.0F);
    for (const float c : {1.0F / 720.0F, -1.0F / 120.0F, 1.0F / 24.0F, -1.0F / 6.0F, 0.5F, -1.0F}) {
        series = hn::Add(hn::Mul(series, y), hn::Set(d, c));
    }
    const Vec far = hn::Sub(hn::Set(d, 1.0F), ExpVector(hn::Neg(y)));
    return hn::IfThenElse(hn::Lt(y, hn::Set(d, 0.3F)), hn::Neg(hn::Mul(series, y)), far);
}

// Calls at(i, mask) for vectors of the elements i .. i + lanes - 1 of `count`; `mask` has those below
// `count`.
template <class At>
HWY_INLINE void ForVectors(std::size_t count, const At& at) {
    const Tag d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t i = 0; i < count; i += lanes) {
        at(i, hn::FirstN(d, std::min(lanes, count - i)));
    }
}

void FindCurvatures(const CurvatureLaw& law, const float* HWY_RESTRICT g, std::size_t count,
                    float* HWY_RESTRICT curvature, float* HWY_RESTRICT rise) {
    const Tag d;
    const Vec low = hn::Set(d, law.g_min_us), per_us = hn::Set(d, 1.0F / (law.g_max_us - law.g_min_us));
    const Vec zero = hn::Zero(d), one = hn::Set(d, 1.0F);
    ForVectors(count, [&](std::size_t i, auto mask) HWY_ATTR {
        const Vec at = hn::Mul(hn::Sub(hn::MaskedLoad(mask, d, g + i), low), per_us);
        const Vec part = hn::Min(hn::Max(at, zero), one);
        const Vec slope = hn::Set(d, law.at_max - law.at_min);
        const Vec k = hn::Max(hn::Add(hn::Set(d, law.at_min), hn::Mul(slope, part)), hn::Set(d, kStraight));
        hn::BlendedStore(k, mask, d, curvature + i);
        hn::BlendedStore(OneMinusExp(hn::Add(k, k)), mask, d, rise + i);
    });
}

void Respond(float x, const float* HWY_RESTRICT curvature, const float* HWY_RESTRICT rise, std::size_t count,
             float* HWY_RESTRICT ratio) {
    const Tag d;
    const float level = std::min(std::abs(x), 2.0F);  // noise of a driver has no bound
    const Vec v = hn::Set(d, level), below = hn::Set(d, level - 1.0F),
              sign = hn::Set(d, x < 0.0F ? -1.0F : 1.0F);
    ForVectors(count, [&](std::size_t i, auto mask) HWY_ATTR {
        const Vec k = hn::MaskedLoad(mask, d, curvature + i);
        const Vec kv = hn::Mul(k, v);
        const Vec part = hn::Div(OneMinusExp(hn::Add(kv, kv)), hn::MaskedLoad(mask, d, rise + i));
        const Vec current = hn::Mul(ExpVector(hn::Mul(k, below)), part);
        hn::BlendedStore(hn::Mul(sign, current), mask, d, ratio + i);
    });
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::crossbar {

HWY_EXPORT(FindCurvatures);
HWY_EXPORT(Respond);

void find_curvatures(const CurvatureLaw& law, std::span<const float> g_us, std::span<float> curvature,
                     std::span<float> rise) {
    HWY_DYNAMIC_DISPATCH(FindCurvatures)(law, g_us.data(), g_us.size(), curvature.data(), rise.data());
}

void respond(float x, std::span<const float> curvature, std::span<const float> rise, std::span<float> ratio) {
    HWY_DYNAMIC_DISPATCH(Respond)(x, curvature.data(), rise.data(), curvature.size(), ratio.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
