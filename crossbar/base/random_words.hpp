// How a DrawKey becomes Philox words, and the constants of Box-Muller: shared by the scalar functions
// (random.cpp) and the vector code (normal-inl.hpp), so that there is one definition of each.
#pragma once

#include <cstdint>

#include "crossbar/base/random.hpp"

namespace memprop::random_detail {

struct PhiloxWords {
    std::uint32_t key0, key1;        // seed
    std::uint32_t step, event, tag;  // counter words 1..3; word 0 is the block
};

inline PhiloxWords philox_words(const DrawKey& key) {
    return {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32), key.step,
            key.event,
            static_cast<std::uint32_t>(key.stream) | static_cast<std::uint32_t>(key.array) << 8 |
                static_cast<std::uint32_t>(key.block) << 16};
}

inline constexpr std::uint32_t kPhiloxM0 = 0xD2511F53, kPhiloxM1 = 0xCD9E8D57;
inline constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
inline constexpr int kPhiloxRounds = 10;

// ln(1+x) = x - x^2/2 + x^3 L(x) on [sqrt(1/2)-1, sqrt(2)-1], fitted at Chebyshev nodes: 2.1e-8 relative.
inline constexpr float kLog[8] = {0.33333331F, -0.25000306F, 0.20001045F, -0.16641281F,
                                  0.14214496F, -0.12998184F, 0.1262232F,  -0.07902744F};
inline constexpr float kLn2 = 0.69314718F;
inline constexpr std::uint32_t kSqrtHalfBits = 0x3F3504F3;  // sqrt(1/2) as float
// sin t = t + t^3 S(t^2), cos t = 1 - t^2/2 + t^4 C(t^2) on [-pi/4, pi/4]: 1.4e-8 and 1.1e-9.
inline constexpr float kSin[3] = {-0.16666664662F, 0.0083327482706F, -0.00019587890877F};
inline constexpr float kCos[3] = {0.04166666466F, -0.0013888303039F, 2.4547942482e-5F};
inline constexpr float kQuarterTurn =
    1.4629180793e-9F;  // (pi/2) 2^-30: angle of one unit of the lower 30 bits
inline constexpr float kTwoToMinus31 = 0x1p-31F;

}  // namespace memprop::random_detail
