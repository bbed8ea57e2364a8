// exp and log in float for kernels that Highway compiles once per instruction set, for one number and for
// vectors of them: the same single-rounding operations, so the bits are the same at every width.
#if defined(MEMPROP_FLOAT_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MEMPROP_FLOAT_MATH_INL
#undef MEMPROP_FLOAT_MATH_INL
#else
#define MEMPROP_FLOAT_MATH_INL
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstdint>

#include "crossbar/base/random_words.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::HWY_NAMESPACE {

// Relative error < 3e-7; arguments are limited to [-87, 88].
HWY_INLINE float ExpFloat(float x) {
    const float low = x < -87.0F ? -87.0F : x;
    const float clipped = low > 88.0F ? 88.0F : low;
    const float scaled = clipped * 1.44269504F;
    const auto k = static_cast<std::int32_t>(scaled + (scaled < 0.0F ? -0.5F : 0.5F));
    const auto kf = static_cast<float>(k);
    const float r = (clipped - kf * 0.693145752F) - kf * 1.42860677e-6F;  // ln 2 in two parts
    float p = 1.0F / 5040.0F;
    p = p * r + 1.0F / 720.0F;
    p = p * r + 1.0F / 120.0F;
    p = p * r + 1.0F / 24.0F;
    p = p * r + 1.0F / 6.0F;
    p = p * r + 0.5F;
    p = p * r + 1.0F;
    p = p * r + 1.0F;
    return p * std::bit_cast<float>((k + 127) << 23);
}

// x > 0 and normal; absolute error < 1e-7 max(1, |log x|).
HWY_INLINE float LogFloat(float x) {
    using namespace random_detail;
    const auto shifted = std::bit_cast<std::int32_t>(x) - static_cast<std::int32_t>(kSqrtHalfBits);
    const auto e = static_cast<float>(shifted >> 23);
    const float m =
        std::bit_cast<float>((shifted & 0x7FFFFF) + static_cast<std::int32_t>(kSqrtHalfBits)) - 1.0F;
    float p = kLog[7];
    for (int i = 6; i >= 0; --i) {
        p = p * m + kLog[i];
    }
    const float m2 = m * m;
    return e * kLn2 + ((m - 0.5F * m2) + m2 * m * p);
}

template <class V>
HWY_INLINE V ExpVector(V x) {
    namespace hn = hwy::HWY_NAMESPACE;
    const hn::DFromV<V> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto c = [&](float value) HWY_ATTR { return hn::Set(d, value); };
    const V low = hn::IfThenElse(hn::Lt(x, c(-87.0F)), c(-87.0F), x);
    const V clipped = hn::IfThenElse(hn::Gt(low, c(88.0F)), c(88.0F), low);
    const V scaled = hn::Mul(clipped, c(1.44269504F));
    const V half = hn::IfThenElse(hn::Lt(scaled, hn::Zero(d)), c(-0.5F), c(0.5F));
    const auto k = hn::ConvertTo(di, hn::Add(scaled, half));
    const V kf = hn::ConvertTo(d, k);
    const V r = hn::Sub(hn::Sub(clipped, hn::Mul(kf, c(0.693145752F))), hn::Mul(kf, c(1.42860677e-6F)));
    V p = c(1.0F / 5040.0F);
    for (const float coefficient :
         {1.0F / 720.0F, 1.0F / 120.0F, 1.0F / 24.0F, 1.0F / 6.0F, 0.5F, 1.0F, 1.0F}) {
        p = hn::Add(hn::Mul(p, r), c(coefficient));
    }
    return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(k, hn::Set(di, 127)))));
}

template <class V>
HWY_INLINE V LogVector(V x) {
    namespace hn = hwy::HWY_NAMESPACE;
    using namespace random_detail;
    const hn::DFromV<V> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto root = hn::Set(di, static_cast<std::int32_t>(kSqrtHalfBits));
    const auto shifted = hn::Sub(hn::BitCast(di, x), root);
    const V e = hn::ConvertTo(d, hn::ShiftRight<23>(shifted));
    const V m =
        hn::Sub(hn::BitCast(d, hn::Add(hn::And(shifted, hn::Set(di, 0x7FFFFF)), root)), hn::Set(d, 1.0F));
    V p = hn::Set(d, kLog[7]);
    for (int i = 6; i >= 0; --i) {
        p = hn::Add(hn::Mul(p, m), hn::Set(d, kLog[i]));
    }
    const V m2 = hn::Mul(m, m);
    const V log1p = hn::Add(hn::Sub(m, hn::Mul(hn::Set(d, 0.5F), m2)), hn::Mul(hn::Mul(m2, m), p));
    return hn::Add(hn::Mul(e, hn::Set(d, kLn2)), log1p);
}

}  // namespace memprop::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
