#include "crossbar/base/random.hpp"

#include <Random123/philox.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/base/random.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/base/normal-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::HWY_NAMESPACE {

void FillNormals(const DrawKey& key, std::uint32_t first, float* out, std::size_t count) {
    WriteNormals(key, first, count, out);
}

void FillUniforms(const DrawKey& key, std::uint32_t first, float* out, std::size_t count) {
#if HWY_TARGET == HWY_SCALAR
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = random_uniform(key, static_cast<std::uint32_t>(first + i));
    }
#else
    const F32Tag df32;
    const hn::RebindToSigned<U32Tag> di32;
    const PhiloxKey philox_key(key);
    HWY_ALIGN float buffer[4 * hn::MaxLanes(F32Tag())];
    const auto uniform = [&](U32Vec bits) HWY_ATTR {
        return hn::Mul(hn::ConvertTo(df32, hn::BitCast(di32, hn::ShiftRight<8>(bits))),
                       hn::Set(df32, 0x1p-24F));
    };
    std::size_t skip = first % 4;
    std::uint32_t block = first / 4;
    for (std::size_t done = 0; done < count;) {
        U32Vec word[4][1];
        Philox(philox_key, block, word);
        InIndexOrder(uniform(word[0][0]), uniform(word[1][0]), uniform(word[2][0]), uniform(word[3][0]),
                     buffer);
        const std::size_t chunk = std::min(4 * hn::Lanes(df32) - skip, count - done);
        std::copy_n(buffer + skip, chunk, out + done);
        done += chunk;
        skip = 0;
        block += static_cast<std::uint32_t>(hn::Lanes(df32));
    }
#endif
}

}  // namespace memprop::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <bit>
#include <cmath>

namespace memprop {

HWY_EXPORT(FillNormals);
HWY_EXPORT(FillUniforms);

std::array<std::uint32_t, 4> random_block(const DrawKey& key, std::uint32_t block) {
    const auto words = random_detail::philox_words(key);
    const r123::Philox4x32 philox;
    const auto out = philox({{block, words.step, words.event, words.tag}}, {{words.key0, words.key1}});
    return {out[0], out[1], out[2], out[3]};
}

std::uint32_t random_bits(const DrawKey& key, std::uint32_t index) {
    return random_block(key, index / 4)[index % 4];
}

float random_uniform(const DrawKey& key, std::uint32_t index) {
    return static_cast<float>(random_bits(key, index) >> 8) * 0x1p-24F;
}

float random_normal(const DrawKey& key, std::uint32_t index) {
    using namespace random_detail;
    const auto words = random_block(key, index / 4);
    const std::uint32_t radius = words[(index & 2U)];
    const std::uint32_t angle = words[(index & 2U) + 1];

    const float u = (static_cast<float>(static_cast<std::int32_t>(radius >> 1)) + 0.5F) * kTwoToMinus31;
    const auto shifted = std::bit_cast<std::int32_t>(u) - static_cast<std::int32_t>(kSqrtHalfBits);
    const auto e = static_cast<float>(shifted >> 23);
    const float x =
        std::bit_cast<float>((shifted & 0x7FFFFF) + static_cast<std::int32_t>(kSqrtHalfBits)) - 1.0F;
    float poly = kLog[7];
    for (int i = 6; i >= 0; --i) {
        poly = poly * x + kLog[i];
    }
    const float x2 = x * x;
    const float ln_u = e * kLn2 + ((x - 0.5F * x2) + x2 * x * poly);
    const float r = std::sqrt(0.0F - 2.0F * ln_u);

    const std::uint32_t quadrant = (angle + (1U << 29)) >> 30;
    const float t = static_cast<float>(static_cast<std::int32_t>(angle - (quadrant << 30))) * kQuarterTurn;
    const float t2 = t * t;
    const float sine = t + t * t2 * ((kSin[2] * t2 + kSin[1]) * t2 + kSin[0]);
    const float cosine = (1.0F - 0.5F * t2) + t2 * t2 * ((kCos[2] * t2 + kCos[1]) * t2 + kCos[0]);
    const bool odd = (quadrant & 1U) != 0;
    if ((index & 1U) == 0) {
        const float value = odd ? sine : cosine;
        return r * (((quadrant + 1) & 2U) != 0 ? -value : value);
    }
    const float value = odd ? cosine : sine;
    return r * ((quadrant & 2U) != 0 ? -value : value);
}

void fill_normals(const DrawKey& key, std::uint32_t first, std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(FillNormals)(key, first, out.data(), out.size());
}

void fill_uniforms(const DrawKey& key, std::uint32_t first, std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(FillUniforms)(key, first, out.data(), out.size());
}

}  // namespace memprop
#endif  // HWY_ONCE
