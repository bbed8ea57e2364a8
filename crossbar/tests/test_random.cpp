#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"

using namespace memprop;

namespace {
const DrawKey kKey{
    .seed = 0x0123456789abcdefULL, .stream = Stream::test, .array = 2, .block = 3, .event = 17, .step = 5};
}

TEST_CASE("Philox gives the published known answers") {
    // Counter and key all zero (Random123's kat_vectors, philox4x32-10).
    const auto words = random_block(DrawKey{}, 0);
    CHECK(words[0] == 0x6627e8d5U);
    CHECK(words[1] == 0xe169c58dU);
    CHECK(words[2] == 0xbc57ac4cU);
    CHECK(words[3] == 0x9b00dbd8U);
}

TEST_CASE("vectorised draws equal scalar draws bit for bit at every SIMD level") {
    for (const SimdLevel level : available_simd_levels()) {
        set_simd_level(level);
        CAPTURE(to_string(level));
        for (const std::uint32_t first : {0U, 1U, 6U, 4095U}) {
            for (const std::size_t count : {1UL, 3UL, 64UL, 100UL, 4097UL}) {
                std::vector<float> normals(count + 1, -99.0F), uniforms(count + 1, -99.0F);
                fill_normals(kKey, first, std::span(normals).first(count));
                fill_uniforms(kKey, first, std::span(uniforms).first(count));
                std::size_t different = 0;
                for (std::size_t i = 0; i < count; ++i) {
                    const auto index = static_cast<std::uint32_t>(first + i);
                    different += std::bit_cast<std::uint32_t>(normals[i]) !=
                                 std::bit_cast<std::uint32_t>(random_normal(kKey, index));
                    different += uniforms[i] != random_uniform(kKey, index);
                }
                CHECK(different == 0);
                CHECK(normals[count] == -99.0F);  // nothing written past the end
                CHECK(uniforms[count] == -99.0F);
            }
        }
    }
}

TEST_CASE("normals have the moments of N(0,1) within sampling error") {
    constexpr std::size_t n = 4'000'000;
    std::vector<float> x(n);
    fill_normals(kKey, 0, x);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (const float v : x) {
        m1 += v;
        m2 += double(v) * v;
        m3 += double(v) * v * v;
        m4 += double(v) * v * v * v;
    }
    const double root_n = std::sqrt(double(n));
    // Standard errors of the raw moments of a normal: 1, sqrt 2, sqrt 15, sqrt 96, over sqrt n; 4 of them.
    CHECK(std::abs(m1 / n) < 4 * 1.0 / root_n);
    CHECK(std::abs(m2 / n - 1) < 4 * std::sqrt(2.0) / root_n);
    CHECK(std::abs(m3 / n) < 4 * std::sqrt(15.0) / root_n);
    CHECK(std::abs(m4 / n - 3) < 4 * std::sqrt(96.0) / root_n);
}

TEST_CASE("a draw depends on every part of its key") {
    const float reference = random_normal(kKey, 7);
    DrawKey key = kKey;
    key.seed ^= 1ULL << 40;
    CHECK(random_normal(key, 7) != reference);
    key = kKey, key.stream = Stream::set_noise;
    CHECK(random_normal(key, 7) != reference);
    key = kKey, key.array ^= 1;
    CHECK(random_normal(key, 7) != reference);
    key = kKey, key.block ^= 1;
    CHECK(random_normal(key, 7) != reference);
    key = kKey, key.event ^= 1;
    CHECK(random_normal(key, 7) != reference);
    key = kKey, key.step ^= 1;
    CHECK(random_normal(key, 7) != reference);
    CHECK(random_normal(kKey, 8) != reference);
}
