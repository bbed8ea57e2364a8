// The inner loops of the pulsed device models, vectorised at run time. All conductances in uS.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "crossbar/base/random.hpp"

namespace memprop::crossbar {

/// What exp and power laws make of a step at w = 0, at most: far beyond every range, so that the state is
/// clipped anyway, and small enough for float to hold the step and its noise.
inline constexpr float kLargestFactor = 1e12F;

/// How the mean step of a pulse depends on the state.
enum class StepLaw {
    linear,     ///< step (1 + slope (G - g_zero)), also constant steps and soft bounds
    exp,        ///< step max(0, 1 - A exp(+-gamma z)), z = position (G - g_zero) + offset
    power,      ///< step ((bound - G) / range)^gamma
    piecewise,  ///< step times a factor interpolated between nodes over [low, high]
    table,      ///< mean and standard deviation interpolated between nodes over [table_low, ...]
};

/// One polarity of a law.
struct StepSide {
    const float* step = nullptr;         ///< per device: mean step at w = 0, uS
    const float* slope = nullptr;        ///< per device, linear: uS of step per uS of state
    const float* gamma = nullptr;        ///< per device, exp and power
    float exp_a = 0.0F;                  ///< exp
    const float* nodes = nullptr;        ///< piecewise: factors, table: uS; the last one stands there twice
    const float* sigma_nodes = nullptr;  ///< table: uS
};

/// The parameters of `count` devices from device `first` on; arrays that a law does not use may be null.
struct StepParameters {
    StepLaw law = StepLaw::linear;
    StepSide up, down;
    const float* low = nullptr;  ///< bounds, uS
    const float* high = nullptr;
    const float* position = nullptr;  ///< exp: 2 a / range; power, piecewise: 1 / range
    float g_zero_us = 0.0F;           ///< conductance at w = 0
    float exp_offset = 0.0F;
    float segments = 1.0F;                     ///< piecewise, table: number of nodes - 1
    const std::int32_t* first_node = nullptr;  ///< per device, table: where its nodes begin
    float table_low_us = 0.0F;                 ///< conductance of the first node of a table
    float nodes_per_us = 0.0F;                 ///< nodes of a table per uS
    /// Standard deviation of a step, except of a table: noise_step * step + noise_base * (step at w = 0) and,
    /// but for the linear law, + noise_add_us + noise_slope * |G - g_zero|.
    float noise_step = 0.0F, noise_base = 0.0F, noise_add_us = 0.0F, noise_slope = 0.0F;
};

/// |pulses[i]| pulses of the sign of pulses[i] on the devices first + i; the noise of pulse k is draw
/// first + i of `key` with step k.
void pulse_devices(const StepParameters& parameters, float* g, std::span<const std::int16_t> pulses,
                   std::uint32_t first, DrawKey key);

/// Calls pulse(first + offset, signed pulses) for chunks of unsigned pulse counts.
template <class Pulse>
void for_signed_chunks(std::span<const std::uint16_t> pulses, std::uint32_t first, Pulse&& pulse) {
    std::array<std::int16_t, 1024> chunk;
    for (std::size_t begin = 0; begin < pulses.size(); begin += chunk.size()) {
        const std::size_t n = std::min(chunk.size(), pulses.size() - begin);
        for (std::size_t i = 0; i < n; ++i) {
            chunk[i] = static_cast<std::int16_t>(pulses[begin + i]);
        }
        pulse(first + static_cast<std::uint32_t>(begin), std::span<const std::int16_t>(chunk.data(), n));
    }
}

/// Books of a burst: programming time and wear of every device with pulses.
void count_pulses(std::span<const std::int16_t> pulses, std::int32_t tick, std::int32_t* programmed,
                  std::uint32_t* set_pulses, std::uint32_t* reset_pulses);

/// visible = max(0, hidden + sigma_us n) for the devices with pulses.
void renew_visible(const float* hidden, std::span<const std::int16_t> pulses, float sigma_us,
                   std::uint32_t first, const DrawKey& key, float* visible);

/// g <- clip(target + (g - target) keep + diffusion n): one interval of decay and random walk. `keep` and
/// `diffusion` are per device; a null `diffusion` means none.
void relax(const float* keep, const float* diffusion, const float* low, const float* high, float target_us,
           const DrawKey& key, std::span<float> g);

}  // namespace memprop::crossbar
