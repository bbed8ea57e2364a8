#include "crossbar/device/ideal.hpp"

#include <algorithm>
#include <cmath>

namespace memprop::crossbar {

IdealDevice::IdealDevice(const CrossbarConfig& config)
    : g_max_us_(static_cast<float>(config.g_max_us)),
      step_us_(std::ldexp(g_max_us_, -static_cast<int>(config.bits))) {}

void IdealDevice::set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses, DrawKey,
                      std::int32_t tick) const {
    for (std::size_t i = 0; i < pulses.size(); ++i) {
        if (pulses[i] != 0) {
            float& g = state.conductance_us[first + i];
            g = std::min(g + static_cast<float>(pulses[i]) * step_us_, g_max_us_);
            state.programmed_tick[first + i] = tick;
            state.set_pulses[first + i] += pulses[i];
        }
    }
}

void IdealDevice::reset(DeviceState& state, std::uint32_t device, const DrawKey&, std::int32_t tick) const {
    state.conductance_us[device] = 0.0F;
    state.programmed_tick[device] = tick;
    ++state.reset_pulses[device];
}

void IdealDevice::observe(const DeviceState& state, std::uint32_t first, std::int32_t,
                          std::span<float> mean_us, std::span<float> sigma_us) const {
    std::copy_n(state.conductance_us.begin() + first, mean_us.size(), mean_us.begin());
    std::fill(sigma_us.begin(), sigma_us.end(), 0.0F);
}

}  // namespace memprop::crossbar
