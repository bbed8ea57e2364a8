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
#include <array>

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

using U64Tag = hn::RepartitionToWide<U32Tag>;
using U64Vec = hn::Vec<U64Tag>;

// A set is a vector's lanes of Philox blocks, which give four vectors of numbers. Chains of dependent
// operations are long: several sets side by side, whose loops below become straight code, fill the pipelines.
constexpr std::size_t kMostSets = 3;

// What all blocks of a key share. After two rounds only half of the words depend on the block yet: the
// constant halves are computed once.
struct PhiloxKey {
    std::uint64_t first_word2;                                 // word 2 of the first round, without the block
    std::uint64_t second_word0, second_word2, second_word3;    // of the second round, likewise
    std::uint64_t round[random_detail::kPhiloxRounds - 2][2];  // keys from the third round on

    PhiloxKey(const DrawKey& key) {
        using namespace random_detail;
        const PhiloxWords words = philox_words(key);
        const std::uint64_t event = std::uint64_t{kPhiloxM1} * words.event;
        const auto first_word0 = static_cast<std::uint32_t>((event >> 32U) ^ words.step ^ words.key0);
        const std::uint64_t word0 = std::uint64_t{kPhiloxM0} * first_word0;
        first_word2 = words.tag ^ words.key1;
        second_word0 = event ^ (words.key0 + kWeyl0);
        second_word2 = (word0 >> 32U) ^ (words.key1 + kWeyl1);
        second_word3 = word0;
        for (std::uint32_t r = 2; r < kPhiloxRounds; ++r) {
            round[r - 2][0] = words.key0 + r * kWeyl0;
            round[r - 2][1] = words.key1 + r * kWeyl1;
        }
    }
};

// Words 0..3 of the blocks of kSets sets. The rounds run in 64-bit lanes, where the full product of two
// 32-bit words is one instruction; upper halves hold rubbish that no operation looks at. Lanes take the
// blocks in an order in which InIndexOrder() need not move numbers across 128-bit parts of a vector.
template <int kSets>
HWY_INLINE void Philox(const PhiloxKey& key, std::uint32_t first_block, U32Vec (&word)[4][kSets]) {
    using namespace random_detail;
    constexpr int kHalves = 2 * kSets;
    constexpr std::size_t kLanes = hn::MaxLanes(U32Tag());
    static constexpr auto kOrder = [] {
        std::array<std::uint64_t, kLanes> order{};
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            order[lane] = lane / 4 + lane % 4 * (kLanes / 4);
        }
        return order;
    }();
    const U32Tag du32;
    const U64Tag du64;
    const auto mul = [&](U64Vec a, U64Vec b)
                         HWY_ATTR { return hn::MulEven(hn::BitCast(du32, a), hn::BitCast(du32, b)); };
    const U64Vec m0 = hn::Set(du64, kPhiloxM0), m1 = hn::Set(du64, kPhiloxM1);
    U64Vec w0[kHalves], w1[kHalves], w2[kHalves], w3[kHalves];
    for (int h = 0; h < kHalves; ++h) {
        const U64Vec order = hn::LoadU(du64, kOrder.data() + h % 2 * (kLanes / 2));
        const U64Vec block = hn::Add(order, hn::Set(du64, first_block + h / 2 * kLanes));
        const U64Vec product0 = mul(m0, block);
        const U64Vec first2 = hn::Xor(hn::ShiftRight<32>(product0), hn::Set(du64, key.first_word2));
        const U64Vec product1 = mul(m1, first2);
        w0[h] = hn::Xor(hn::ShiftRight<32>(product1), hn::Set(du64, key.second_word0));
        w1[h] = product1;
        w2[h] = hn::Xor(product0, hn::Set(du64, key.second_word2));
        w3[h] = hn::Set(du64, key.second_word3);
    }
    HWY_UNROLL(10)
    for (const auto& round : key.round) {
        const U64Vec key0 = hn::Set(du64, round[0]), key1 = hn::Set(du64, round[1]);
        for (int h = 0; h < kHalves; ++h) {
            const U64Vec product0 = mul(m0, w0[h]), product1 = mul(m1, w2[h]);
            w0[h] = hn::Xor3(hn::ShiftRight<32>(product1), w1[h], key0);
            w2[h] = hn::Xor3(hn::ShiftRight<32>(product0), w3[h], key1);
            w1[h] = product1;
            w3[h] = product0;
        }
    }
    const auto low_halves = [&](U64Vec a, U64Vec b) HWY_ATTR {
        return hn::ConcatEven(du32, hn::BitCast(du32, b), hn::BitCast(du32, a));
    };
    for (int set = 0; set < kSets; ++set) {
        word[0][set] = low_halves(w0[2 * set], w0[2 * set + 1]);
        word[1][set] = low_halves(w1[2 * set], w1[2 * set + 1]);
        word[2][set] = low_halves(w2[2 * set], w2[2 * set + 1]);
        word[3][set] = low_halves(w3[2 * set], w3[2 * set + 1]);
    }
}

// Stores what came of words 0..3 of a set, four vectors, in the order of the indices.
HWY_INLINE void InIndexOrder(F32Vec n0, F32Vec n1, F32Vec n2, F32Vec n3, float* HWY_RESTRICT to) {
    const F32Tag d;
    const hn::RepartitionToWide<F32Tag> wide;
    const std::size_t lanes = hn::Lanes(d);
    const auto low01 = hn::ZipLower(wide, n0, n1), high01 = hn::ZipUpper(wide, n0, n1);
    const auto low23 = hn::ZipLower(wide, n2, n3), high23 = hn::ZipUpper(wide, n2, n3);
    hn::Store(hn::BitCast(d, hn::InterleaveLower(wide, low01, low23)), d, to);
    hn::Store(hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23)), d, to + lanes);
    hn::Store(hn::BitCast(d, hn::InterleaveLower(wide, high01, high23)), d, to + 2 * lanes);
    hn::Store(hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23)), d, to + 3 * lanes);
}

// r = sqrt(-2 ln u), u = v 2^-31 in (0, 1], v = radius/2 + 1/2; angle is a 32-bit turn. Gives r cos, r sin.
// Powers of two in constants and exponents change no rounding: random_normal() has the formulas as they are.
template <int kPairs>
HWY_INLINE void BoxMuller(const U32Vec (&radius)[kPairs], const U32Vec (&angle)[kPairs],
                          F32Vec (&cosine)[kPairs], F32Vec (&sine)[kPairs]) {
    using namespace random_detail;
    const U32Tag du32;
    const F32Tag df32;
    const hn::RebindToSigned<U32Tag> di32;
    const F32Vec one = hn::Set(df32, 1.0F), half = hn::Set(df32, 0.5F);

    F32Vec e[kPairs], x[kPairs], log_poly[kPairs];
    for (int i = 0; i < kPairs; ++i) {
        const F32Vec v = hn::Add(hn::ConvertTo(df32, hn::BitCast(di32, hn::ShiftRight<1>(radius[i]))), half);
        // u = 2^e (1 + x) with 1 + x in [sqrt(1/2), sqrt(2))
        const auto root = hn::Set(di32, static_cast<std::int32_t>(kSqrtHalfBits));
        const auto shifted = hn::Sub(hn::BitCast(di32, v), hn::Add(root, hn::Set(di32, 31 << 23)));
        e[i] = hn::ConvertTo(df32, hn::ShiftRight<23>(shifted));
        const auto mantissa = hn::Add(hn::And(shifted, hn::Set(di32, 0x7FFFFF)), root);
        x[i] = hn::Sub(hn::BitCast(df32, mantissa), one);
        log_poly[i] = hn::Set(df32, -2.0F * kLog[7]);
    }
    HWY_UNROLL(10)
    for (int k = 6; k >= 0; --k) {
        for (int i = 0; i < kPairs; ++i) {
            log_poly[i] = hn::Add(hn::Mul(log_poly[i], x[i]), hn::Set(df32, -2.0F * kLog[k]));
        }
    }
    F32Vec r[kPairs];
    for (int i = 0; i < kPairs; ++i) {
        const F32Vec x2 = hn::Mul(x[i], x[i]);
        const F32Vec log1p =
            hn::Add(hn::Sub(x2, hn::Add(x[i], x[i])), hn::Mul(hn::Mul(x2, x[i]), log_poly[i]));
        r[i] = hn::Sqrt(hn::Add(hn::Mul(e[i], hn::Set(df32, -2.0F * kLn2)), log1p));
    }

    for (int i = 0; i < kPairs; ++i) {
        // angle = quadrant 2^30 + rest, rest in [-2^29, 2^29): its lower 30 bits with sign
        const auto rest_times_4 = hn::BitCast(di32, hn::ShiftLeft<2>(angle[i]));
        const F32Vec t = hn::Mul(hn::ConvertTo(df32, rest_times_4), hn::Set(df32, 0.25F * kQuarterTurn));
        const F32Vec t2 = hn::Mul(t, t);
        const F32Vec s_poly =
            hn::Add(hn::Mul(hn::Add(hn::Mul(hn::Set(df32, kSin[2]), t2), hn::Set(df32, kSin[1])), t2),
                    hn::Set(df32, kSin[0]));
        const F32Vec s = hn::Add(t, hn::Mul(hn::Mul(t, t2), s_poly));
        const F32Vec c_poly =
            hn::Add(hn::Mul(hn::Add(hn::Mul(hn::Set(df32, kCos[2]), t2), hn::Set(df32, kCos[1])), t2),
                    hn::Set(df32, kCos[0]));
        const F32Vec c = hn::Add(hn::Sub(one, hn::Mul(half, t2)), hn::Mul(hn::Mul(t2, t2), c_poly));
        // The quadrant is in bits 31 and 30 of `turned`; cosines have the sign of the sine a quadrant on.
        const U32Vec turned = hn::Add(angle[i], hn::Set(du32, 1U << 29U));
        const U32Vec turned_on = hn::Add(angle[i], hn::Set(du32, 3U << 29U));
        const auto odd = hn::RebindMask(df32, hn::TestBit(turned, hn::Set(du32, 1U << 30U)));
        const U32Vec sign = hn::Set(du32, 1U << 31U);
        cosine[i] =
            hn::Mul(r[i], hn::Xor(hn::IfThenElse(odd, s, c), hn::BitCast(df32, hn::And(turned_on, sign))));
        sine[i] = hn::Mul(r[i], hn::Xor(hn::IfThenElse(odd, c, s), hn::BitCast(df32, hn::And(turned, sign))));
    }
}

// Stores 4 kSets vectors of normals, from index 4 first_block on. Not inlined: one copy serves all kernels,
// and in their loops the compiler would spill the constants to the stack.
template <int kSets>
HWY_NOINLINE void StoreNormals(const PhiloxKey& key, std::uint32_t first_block, float* HWY_RESTRICT to) {
    U32Vec word[4][kSets];
    Philox(key, first_block, word);
    U32Vec radius[2 * kSets], angle[2 * kSets];
    for (int set = 0; set < kSets; ++set) {
        radius[2 * set] = word[0][set];
        angle[2 * set] = word[1][set];
        radius[2 * set + 1] = word[2][set];
        angle[2 * set + 1] = word[3][set];
    }
    F32Vec cosine[2 * kSets], sine[2 * kSets];
    BoxMuller(radius, angle, cosine, sine);
    for (int set = 0; set < kSets; ++set) {
        InIndexOrder(cosine[2 * set], sine[2 * set], cosine[2 * set + 1], sine[2 * set + 1],
                     to + set * 4 * hn::Lanes(F32Tag()));
    }
}

// Calls consume(offset, normals, valid) for the normals of the indices first + offset + lane, in
// vectors; `valid` lanes of the vector belong to [0, count), the rest is to be dropped.
template <class Consume>
HWY_INLINE void ForNormals(const PhiloxKey& key, std::uint32_t first, std::size_t count, Consume&& consume) {
    const F32Tag df32;
    const std::size_t lanes = hn::Lanes(df32);
    // One vector more: a first index inside a block reads past the end, what nobody uses.
    HWY_ALIGN float buffer[(4 * kMostSets + 1) * hn::MaxLanes(F32Tag())];
    std::size_t skip = first % 4;
    std::uint32_t block = first / 4;
    for (std::size_t done = 0; done < count;) {
        const std::size_t sets = std::min(kMostSets, (skip + count - done + 4 * lanes - 1) / (4 * lanes));
        switch (sets) {
            case 1:
                StoreNormals<1>(key, block, buffer);
                break;
            case 2:
                StoreNormals<2>(key, block, buffer);
                break;
            default:
                StoreNormals<3>(key, block, buffer);
        }
        const std::size_t made = sets * 4 * lanes;
        const std::size_t chunk = std::min(made - skip, count - done);
        for (std::size_t i = 0; i < chunk; i += lanes) {
            consume(done + i, hn::LoadU(df32, buffer + skip + i), std::min(lanes, chunk - i));
        }
        done += chunk;
        skip = 0;
        block += static_cast<std::uint32_t>(made / 4);
    }
}

#endif  // HWY_TARGET == HWY_SCALAR

HWY_INLINE void WriteNormals(const PhiloxKey& key, std::uint32_t first, std::size_t count,
                             float* HWY_RESTRICT out) {
    const F32Tag d;
    ForNormals(key, first, count, [&](std::size_t offset, F32Vec normals, std::size_t valid) HWY_ATTR {
        if (valid == hn::Lanes(d)) {
            hn::StoreU(normals, d, out + offset);
        } else {
            hn::BlendedStore(normals, hn::FirstN(d, valid), d, out + offset);
        }
    });
}

}  // namespace memprop::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
