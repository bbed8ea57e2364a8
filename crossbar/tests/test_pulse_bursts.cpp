// Bursts over many devices against the same pulses given to one device after the other.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "crossbar/base/simd.hpp"
#include "crossbar/config.hpp"
#include "crossbar/device/device_model.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

constexpr std::uint32_t kFirst = 3, kPulsed = 1700, kDevices = kFirst + kPulsed + 2;

struct Devices {
    std::unique_ptr<DeviceModel> model;
    DeviceState state;

    explicit Devices(const std::string& name) {
        CrossbarConfig config;
        config.device = name;
        const DeviceKind& kind = find_device_kind(name);
        if (kind.preset != nullptr) {
            kind.preset(config);
        }
        model = kind.make(config, 38.6);
        state.resize(kDevices, model->has_auxiliary());
        model->draw_spread(kDevices, 1, 0);
        for (std::uint32_t d = 0; d < kDevices; ++d) {
            model->reset(state, d, {.seed = 1, .stream = Stream::reset_noise}, 0);
        }
    }

    void pulse(std::uint32_t first, std::span<const std::int16_t> pulses) {
        const DrawKey key{.seed = 1, .stream = Stream::set_noise, .event = 4};
        if (model->bidirectional()) {
            model->pulse(state, first, pulses, key, 7);
            return;
        }
        std::vector<std::uint16_t> up(pulses.size());
        for (std::size_t i = 0; i < pulses.size(); ++i) {
            up[i] = static_cast<std::uint16_t>(pulses[i] > 0 ? pulses[i] : 0);
        }
        model->set(state, first, up, key, 7);
    }
};

/// Ranges without pulses, with few and with many, of which some begin and end within a vector.
std::vector<std::int16_t> burst() {
    std::vector<std::int16_t> pulses(kPulsed);
    const auto fill = [&](std::size_t begin, std::size_t end, int most) {
        for (std::size_t i = begin; i < end; ++i) {
            pulses[i] = static_cast<std::int16_t>(int(i * 7) % (2 * most + 1) - most);
        }
    };
    fill(61, 64, 3);
    fill(200, 260, 1);
    fill(260, 500, 7);
    fill(641, 642, 2);
    fill(760, 1300, 2);
    fill(1600, 1700, 9);
    return pulses;
}

}  // namespace

TEST_CASE("a burst does to every device what its own pulses do, at every vector width") {
    const auto pulses = burst();
    for (const char* name :
         {"pcm_nandakumar2018", "ecram_li", "reram_sb", "exp_step", "pow_step", "piecewise_step"}) {
        CAPTURE(name);
        Devices single(name);
        for (std::uint32_t i = 0; i < kPulsed; ++i) {
            single.pulse(kFirst + i, std::span(pulses).subspan(i, 1));
        }
        for (const SimdLevel level : available_simd_levels()) {
            set_simd_level(level);
            Devices together(name);
            const std::vector<float> before = together.state.conductance_us;
            together.pulse(kFirst, pulses);
            CHECK(together.state.conductance_us != before);
            CHECK(together.state.conductance_us == single.state.conductance_us);
            CHECK(together.state.auxiliary == single.state.auxiliary);
            CHECK(together.state.pulse_memory == single.state.pulse_memory);
            CHECK(together.state.programmed_tick == single.state.programmed_tick);
            CHECK(together.state.set_pulses == single.state.set_pulses);
            CHECK(together.state.reset_pulses == single.state.reset_pulses);
        }
    }
}
