#include <doctest/doctest.h>

#include <vector>

#include "hw_models/digital_core/eprop_update.hpp"
#include "hw_models/digital_core/lfsr.hpp"

using namespace memprop::hw;

namespace {

// The serial definition, one bit at a time.
std::vector<int> serial(unsigned n, unsigned t, std::uint32_t window, std::size_t length) {
    std::vector<int> s;
    for (unsigned i = 0; i < n; ++i) {
        s.push_back(static_cast<int>(window >> i & 1));
    }
    while (s.size() < length) {
        s.push_back(s[s.size() - n] ^ s[s.size() - n + t]);
    }
    return s;
}

std::uint32_t field(const std::vector<int>& s, std::size_t base, unsigned bits) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < bits; ++i) {
        value |= static_cast<std::uint32_t>(s[base + i]) << i;
    }
    return value;
}

}  // namespace

TEST_CASE("weight generators: word recurrence equals the serial sequence, contents follow") {
    HiddenWeightLfsr hidden;
    hidden.load(0x0424242);
    CHECK(hidden.contents() == 0x0424242);
    const auto s = serial(25, 22, window_of_contents<25, 3>(0x0424242), 512 * 40 + 32);
    OutputWeightLfsr output;
    output.load(0x2F2F2);
    const auto o = serial(22, 21, window_of_contents<22, 1>(0x2F2F2), 448 * 40 + 32);
    for (std::size_t clock = 0; clock < 40; ++clock) {
        CHECK(window_of_contents<25, 3>(hidden.contents()) == field(s, 512 * clock, 25));
        CHECK(window_of_contents<22, 1>(output.contents()) == field(o, 448 * clock, 22));
        const auto hidden_words = hidden.next();
        const auto output_words = output.next();
        for (unsigned bit = 0; bit < 512; ++bit) {
            REQUIRE((hidden_words[bit / 64] >> (bit % 64) & 1) ==
                    static_cast<std::uint64_t>(s[512 * clock + bit]));
        }
        for (unsigned bit = 0; bit < 448; ++bit) {
            REQUIRE((output_words[bit / 64] >> (bit % 64) & 1) ==
                    static_cast<std::uint64_t>(o[448 * clock + bit]));
        }
    }
}

TEST_CASE("noise and output-rounding generators equal the serial sequence") {
    NoiseLfsr noise;
    noise.load(0x0FF0);
    CHECK(noise.contents() == 0x0FF0);
    const auto s = serial(17, 14, window_of_contents<17, 3>(0x0FF0), 32 * 100);
    OutputRoundingLfsr rounding;
    rounding.load(0x7ABA);
    CHECK(rounding.contents() == 0x7ABA);
    const auto y = serial(15, 14, window_of_contents_7bit(0x7ABA), 7 * 100);
    for (std::size_t clock = 0; clock < 100; ++clock) {
        CHECK(noise.next() == field(s, 32 * clock, 32));
        CHECK(rounding.next() == field(y, 7 * clock, 7));
    }
}

TEST_CASE("rounding generators of the neuron words: 15 bits and 7 bits per clock, held where alpha is 1.0") {
    RoundingLfsrs lfsrs;
    for (const auto kind : {RoundingLfsrs::membrane, RoundingLfsrs::input_trace,
                            RoundingLfsrs::recurrent_trace, RoundingLfsrs::output_trace}) {
        lfsrs.load(kind, 0, 0x1234U + kind);
        lfsrs.load(kind, 1, 0x70F0U + kind);
        CHECK(lfsrs.contents(kind, 0) == 0x1234U + kind);
        CHECK(lfsrs.contents(kind, 1) == 0x70F0U + kind);
    }
    constexpr unsigned kNeurons = 20;
    std::uint8_t moves[kNeurons];
    std::uint16_t out[4][kNeurons];
    for (unsigned j = 0; j < kNeurons; ++j) {
        moves[j] = j / 2 % 3 != 1 ? 1 : 0;
    }
    const auto u = serial(15, 14, window_of_contents<15, 1>(0x1234), 15 * 20);
    const auto tr = serial(15, 14, window_of_contents<15, 1>(0x70F2), 15 * 20);
    const auto to = serial(15, 14, window_of_contents_7bit(0x70F3), 7 * 20);
    lfsrs.next({{out[0], out[1], out[2], out[3]}}, kNeurons, moves);
    std::size_t membrane_clock = 0;
    for (unsigned pair = 0; pair < kNeurons / 2; ++pair) {
        CHECK(out[0][2 * pair] == field(u, 15 * membrane_clock, 15));
        CHECK(out[2][2 * pair + 1] == field(tr, 15UL * pair, 15));
        CHECK((out[3][2 * pair + 1] & 0x7F) == field(to, 7UL * pair, 7));
        membrane_clock += moves[2 * pair];
    }
}

TEST_CASE("probabilistic update: thresholds, saturation, certain decrement") {
    CHECK_FALSE(update_fires(0, 32, 0, 31, 0));
    CHECK(update_fires(5, 32, 0, 0, 5));
    CHECK_FALSE(update_fires(5, 32, 0, 0, 6));
    CHECK(update_fires(-5, 32, 0, 0, 5));
    CHECK(update_fires(1, 32, 0, 31, 0x80000000U));
    CHECK(update_fires(2, 32, 0, 31, 0xFFFFFFFFU));  // 2^32 is held at 2^32 - 1
    CHECK_FALSE(update_fires(2, 32, 1, 31, 0x80000000U));
    CHECK(update_fires(INT32_MIN, 32, 31, 0, 0xFFFFFFFFU));
    CHECK(update_fires(1 << 20, 28, 0, 10, 0xFFFFFFFU));
    CHECK_FALSE(update_fires(1 << 20, 28, 1, 10, 0xFFFFFFFU));
}
