// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). There is no state: a key says what a number is for, in logical indices, so a
// draw is the same whenever, wherever and in whatever order it is asked for.
//
// One Philox block gives four 32-bit words, for the indices 4b .. 4b+3. The vectorised functions
// give the same bits as the scalar ones on every machine (tests/test_random.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace memprop {

/// What a number is for. The values are part of every recorded result: append, never renumber.
enum class Stream : std::uint8_t {
    test = 0,
    task_input = 1,
    task_target = 2,
    initial_weight = 3,
    feedback_weight = 4,
    device_spread = 5,
    set_noise = 6,
    reset_noise = 7,
    read_noise_column = 8,
    read_noise_device = 9,
    verify_noise = 10,
    update_rounding = 11,
    accumulator_rounding = 12,
    traffic = 13,
    write_noise = 20,
    diffusion = 21,
    adc_spread = 22,
    adc_noise = 23,
    driver_noise = 24,
    fault = 25,
    low_frequency_noise = 30,
    chopper = 40,
    connectivity = 41,
    action = 42,
};

/// Names a family of numbers; a 32-bit index then picks one of them.
struct DrawKey {
    std::uint64_t seed = 0;
    Stream stream{};
    std::uint8_t array = 0;   ///< which weight array, layer or source of data
    std::uint16_t block = 0;  ///< row block of the array, phase of an update
    std::uint32_t event = 0;  ///< sample, update
    std::uint32_t step = 0;   ///< time step, pulse of a burst
};

/// Four 32-bit words of the block `index / 4`.
std::array<std::uint32_t, 4> random_block(const DrawKey& key, std::uint32_t block);

/// 32 random bits.
std::uint32_t random_bits(const DrawKey& key, std::uint32_t index);

/// Uniform in [0, 1), a multiple of 2^-24.
float random_uniform(const DrawKey& key, std::uint32_t index);

/// Standard normal by Box-Muller, |n| <= 6.66. Indices 4b, 4b+1 share a radius, as do 4b+2, 4b+3.
float random_normal(const DrawKey& key, std::uint32_t index);

/// out[i] = random_normal(key, first + i), vectorised.
void fill_normals(const DrawKey& key, std::uint32_t first, std::span<float> out);

/// out[i] = random_uniform(key, first + i), vectorised.
void fill_uniforms(const DrawKey& key, std::uint32_t first, std::span<float> out);

}  // namespace memprop
