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

// Below it sinh(k v) / sinh(k) = v to the last bit.
constexpr float kStraight = 1e-4F;

// 1 - exp(-y), y >= 0: near zero by its series, where the difference would cancel.
template <class V>
HWY_INLINE V OneMinusExp(V y) {
    const hn::DFromV<V> d;
    V series = hn::Set(d, -1.0F / 5040.0F);
    for (const float c : {1.0F / 720.0F, -1.0F / 120.0F, 1.0F / 24.0F, -1.0F / 6.0F, 0.5F, -1.0F}) {
        series = hn::Add(hn::Mul(series, y), hn::Set(d, c));
    }
    const V far = hn::Sub(hn::Set(d, 1.0F), ExpVector(hn::Neg(y)));
    return hn::IfThenElse(hn::Lt(y, hn::Set(d, 0.3F)), hn::Neg(hn::Mul(series, y)), far);
}

// Calls at(tag, i) for whole vectors of elements from i on, and one by one for the rest.
template <class At>
HWY_INLINE void ForVectors(std::size_t count, const At& at) {
    const hn::ScalableTag<float> d;
    const hn::CappedTag<float, 1> single;
    std::size_t i = 0;
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
        at(d, i);
    }
    for (; i < count; ++i) {
        at(single, i);
    }
}

void FindCurvatures(const CurvatureLaw& law, const float* HWY_RESTRICT g, std::size_t count,
                    float* HWY_RESTRICT curvature, float* HWY_RESTRICT rise) {
    const float per_us = 1.0F / (law.g_max_us - law.g_min_us), slope = law.at_max - law.at_min;
    ForVectors(count, [&](auto d, std::size_t i) HWY_ATTR {
        const auto at = hn::Mul(hn::Sub(hn::LoadU(d, g + i), hn::Set(d, law.g_min_us)), hn::Set(d, per_us));
        const auto part = hn::Min(hn::Max(at, hn::Zero(d)), hn::Set(d, 1.0F));
        const auto bent = hn::Add(hn::Set(d, law.at_min), hn::Mul(hn::Set(d, slope), part));
        const auto k = hn::Max(bent, hn::Set(d, kStraight));
        hn::StoreU(k, d, curvature + i);
        hn::StoreU(OneMinusExp(hn::Add(k, k)), d, rise + i);
    });
}

void Respond(float x, const float* HWY_RESTRICT curvature, const float* HWY_RESTRICT rise, std::size_t count,
             float* HWY_RESTRICT ratio) {
    const float v = std::min(std::abs(x), 2.0F);  // noise of a driver has no bound
    const float sign = x < 0.0F ? -1.0F : 1.0F;
    ForVectors(count, [&](auto d, std::size_t i) HWY_ATTR {
        const auto k = hn::LoadU(d, curvature + i);
        const auto kv = hn::Mul(k, hn::Set(d, v));
        const auto part = hn::Div(OneMinusExp(hn::Add(kv, kv)), hn::LoadU(d, rise + i));
        const auto current = hn::Mul(ExpVector(hn::Mul(k, hn::Set(d, v - 1.0F))), part);
        hn::StoreU(hn::Mul(hn::Set(d, sign), current), d, ratio + i);
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
