// What is stored per device, as arrays over all devices of an array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memprop::crossbar {

struct DeviceState {
    std::vector<float> conductance_us;          ///< as programmed, T0 after the last pulse
    std::vector<float> pulse_memory;            ///< 1 after RESET; models without memory leave it
    std::vector<std::int32_t> programmed_tick;  ///< device time of the last pulse, in ticks
    std::vector<std::uint32_t> set_pulses;      ///< wear
    std::vector<std::uint32_t> reset_pulses;
    std::vector<float> auxiliary;   ///< one more number, if the model needs it; it says what
    std::int32_t relaxed_tick = 0;  ///< up to which device time the states have decayed and diffused

    void resize(std::size_t devices, bool with_auxiliary = false) {
        conductance_us.assign(devices, 0.0F);
        pulse_memory.assign(devices, 1.0F);
        programmed_tick.assign(devices, 0);
        set_pulses.assign(devices, 0);
        reset_pulses.assign(devices, 0);
        auxiliary.assign(with_auxiliary ? devices : 0, 0.0F);
        relaxed_tick = 0;
    }
    std::size_t size() const { return conductance_us.size(); }
};

}  // namespace memprop::crossbar
