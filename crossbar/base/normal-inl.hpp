// Vector Philox and Box-Muller for inclusion in kernels that Highway compiles once per instruction set.
// Every operation is an IEEE operation of one rounding, so each lane equals random_normal().
#if defined(MEMPROP_NORMAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MEMPROP_NORMAL_INL
#undef MEMPROP_NORMAL_INL
#else
#define MEMPROP_NORMAL_INL
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "crossbar/base/random_words.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using U32Tag = hn::ScalableTag<std::uint32_t>;
using F32Tag = hn::ScalableTag<float>;
using U32Vec = hn::Vec<U32Tag>;
using F32Vec = hn::Vec<F32Tag>;

#if HWY_TARGET == HWY_SCALAR

using PhiloxKey = DrawKey;

template <class Consume>
HWY_INLINE void ForNormals(const DrawKey& key, std::uint32_t first, std::size_t count, Consume&& consume) {
    for (std::size_t i = 0; i < count; ++i) {
        consume(i, hn::Set(F32Tag(), random_normal(key, static_cast<std::uint32_t>(first + i))), 1);
    }
}

#else

// Word k of the blocks first_block .. first_block + lanes - 1, for k = 0..3. The rounds run in 64-bit
// lanes, where the full product of two 32-bit words is one instruction; upper halves hold rubbish that
// no operation looks at.
struct PhiloxOut {
    U32Vec word[4];
};

// What all blocks of a key share: the words of the counter and the round keys, computed once.
struct PhiloxKey {
    std::uint64_t step, event, tag;
    std::uint64_t round[random_detail::kPhiloxRounds][2];

    PhiloxKey(const DrawKey& key) {
        using namespace random_detail;
        const PhiloxWords words = philox_words(key);
        step = words.step;
        event = words.event;
        tag = words.tag;
        for (std::uint32_t r = 0; r < kPhiloxRounds; ++r) {
            round[r][0] = words.key0 + r * kWeyl0;
            round[r][1] = words.key1 + r * kWeyl1;
        }
    }
};

HWY_INLINE PhiloxOut Philox(const PhiloxKey& key, std::uint32_t first_block) {
    using namespace random_detail;
    const U32Tag du32;
    const hn::RepartitionToWide<U32Tag> du64;
    using U64Vec = hn::Vec<decltype(du64)>;
    const auto mul = [&](U64Vec a, U64Vec b)
                         HWY_ATTR { return hn::MulEven(hn::BitCast(du32, a), hn::BitCast(du32, b)); };
    const U64Vec m0 = hn::Set(du64, kPhiloxM0), m1 = hn::Set(du64, kPhiloxM1);
    // A sum with a constant Iota: an Iota of a variable goes lane by lane through memory.
    const U64Vec start = hn::Add(hn::Iota(du64, 0), hn::Set(du64, first_block));
    U64Vec a0 = start, b0 = hn::Add(start, hn::Set(du64, hn::Lanes(du64)));
    U64Vec a1 = hn::Set(du64, key.step), b1 = a1;
    U64Vec a2 = hn::Set(du64, key.event), b2 = a2;
    U64Vec a3 = hn::Set(du64, key.tag), b3 = a3;
    for (int round = 0; round < kPhiloxRounds; ++round) {
        const U64Vec key0 = hn::Set(du64, key.round[round][0]), key1 = hn::Set(du64, key.round[round][1]);
        const U64Vec pa0 = mul(m0, a0), pa1 = mul(m1, a2);
        const U64Vec pb0 = mul(m0, b0), pb1 = mul(m1, b2);
        a0 = hn::Xor3(hn::ShiftRight<32>(pa1), a1, key0);
        b0 = hn::Xor3(hn::ShiftRight<32>(pb1), b1, key0);
        a2 = hn::Xor3(hn::ShiftRight<32>(pa0), a3, key1);
        b2 = hn::Xor3(hn::ShiftRight<32>(pb0), b3, key1);
        a1 = pa1;
        b1 = pb1;
        a3 = pa0;
        b3 = pb0;
    }
    const auto low_halves = [&](U64Vec a, U64Vec b) HWY_ATTR {
        return hn::ConcatEven(du32, hn::BitCast(du32, b), hn::BitCast(du32, a));
    };
    return {{low_halves(a0, b0), low_halves(a1, b1), low_halves(a2, b2), low_halves(a3, b3)}};
}

// r = sqrt(-2 ln u), u = (radius/2 + 1/2) 2^-31 in (0, 1]; angle is a 32-bit turn. Gives r cos, r sin.
HWY_INLINE void BoxMuller(U32Vec radius, U32Vec angle, F32Vec& cosine, F32Vec& sine) {
    using namespace random_detail;
    const U32Tag du32;
    const F32Tag df32;
    const hn::RebindToSigned<U32Tag> di32;
    const F32Vec one = hn::Set(df32, 1.0F), half = hn::Set(df32, 0.5F);

    const F32Vec u = hn::Mul(hn::Add(hn::ConvertTo(df32, hn::BitCast(di32, hn::ShiftRight<1>(radius))), half),
                             hn::Set(df32, kTwoToMinus31));
    // u = 2^e (1 + x) with 1 + x in [sqrt(1/2), sqrt(2))
    const auto shifted =
        hn::Sub(hn::BitCast(di32, u), hn::Set(di32, static_cast<std::int32_t>(kSqrtHalfBits)));
    const F32Vec e = hn::ConvertTo(df32, hn::ShiftRight<23>(shifted));
    const auto mantissa = hn::And(shifted, hn::Set(di32, 0x7FFFFF));
    const F32Vec x = hn::Sub(
        hn::BitCast(df32, hn::Add(mantissa, hn::Set(di32, static_cast<std::int32_t>(kSqrtHalfBits)))), one);
    F32Vec poly = hn::Set(df32, kLog[7]);
    for (int i = 6; i >= 0; --i) {
        poly = hn::Add(hn::Mul(poly, x), hn::Set(df32, kLog[i]));
    }
    const F32Vec x2 = hn::Mul(x, x);
    const F32Vec log1p = hn::Add(hn::Sub(x, hn::Mul(half, x2)), hn::Mul(hn::Mul(x2, x), poly));
    const F32Vec ln_u = hn::Add(hn::Mul(e, hn::Set(df32, kLn2)), log1p);
    const F32Vec r = hn::Sqrt(hn::Mul(hn::Set(df32, -2.0F), ln_u));

    // angle = quadrant + rest, rest in [-2^29, 2^29)
    const auto quadrant = hn::ShiftRight<30>(hn::Add(angle, hn::Set(du32, 1U << 29)));
    const auto rest = hn::BitCast(di32, hn::Sub(angle, hn::ShiftLeft<30>(quadrant)));
    const F32Vec t = hn::Mul(hn::ConvertTo(df32, rest), hn::Set(df32, kQuarterTurn));
    const F32Vec t2 = hn::Mul(t, t);
    const F32Vec s_poly =
        hn::Add(hn::Mul(hn::Add(hn::Mul(hn::Set(df32, kSin[2]), t2), hn::Set(df32, kSin[1])), t2),
                hn::Set(df32, kSin[0]));
    const F32Vec s = hn::Add(t, hn::Mul(hn::Mul(t, t2), s_poly));
    const F32Vec c_poly =
        hn::Add(hn::Mul(hn::Add(hn::Mul(hn::Set(df32, kCos[2]), t2), hn::Set(df32, kCos[1])), t2),
                hn::Set(df32, kCos[0]));
    const F32Vec c = hn::Add(hn::Sub(one, hn::Mul(half, t2)), hn::Mul(hn::Mul(t2, t2), c_poly));
    const auto odd =
        hn::MaskFromVec(hn::BitCast(df32, hn::Sub(hn::Zero(du32), hn::And(quadrant, hn::Set(du32, 1)))));
    const auto sign_cos = hn::ShiftLeft<30>(hn::And(hn::Add(quadrant, hn::Set(du32, 1)), hn::Set(du32, 2)));
    const auto sign_sin = hn::ShiftLeft<30>(hn::And(quadrant, hn::Set(du32, 2)));
    cosine = hn::Mul(r, hn::Xor(hn::IfThenElse(odd, s, c), hn::BitCast(df32, sign_cos)));
    sine = hn::Mul(r, hn::Xor(hn::IfThenElse(odd, c, s), hn::BitCast(df32, sign_sin)));
}

// Calls consume(offset, normals, valid) for the normals of the indices first + offset + lane, in
// vectors; `valid` lanes of the vector belong to [0, count), the rest is to be dropped.
template <class Consume>
HWY_INLINE void ForNormals(const PhiloxKey& key, std::uint32_t first, std::size_t count, Consume&& consume) {
    const F32Tag df32;
    constexpr std::size_t kMaxLanes = hn::MaxLanes(F32Tag());
    const std::size_t lanes = hn::Lanes(df32);
    HWY_ALIGN float
        buffer[5 * kMaxLanes];  // one vector more: a first index inside a block reads past the end
    std::size_t skip = first % 4;
    std::uint32_t block = first / 4;
    for (std::size_t done = 0; done < count;) {
        const PhiloxOut words4 = Philox(key, block);
        F32Vec n0, n1, n2, n3;
        BoxMuller(words4.word[0], words4.word[1], n0, n1);
        BoxMuller(words4.word[2], words4.word[3], n2, n3);
        hn::StoreInterleaved4(n0, n1, n2, n3, df32, buffer);
        const std::size_t chunk = std::min(4 * lanes - skip, count - done);
        for (std::size_t i = 0; i < chunk; i += lanes) {
            consume(done + i, hn::LoadU(df32, buffer + skip + i), std::min(lanes, chunk - i));
        }
        done += chunk;
        skip = 0;
        block += static_cast<std::uint32_t>(lanes);
    }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace memprop::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
