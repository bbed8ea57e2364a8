#include "crossbar/device/device_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/device/ideal.hpp"
#include "crossbar/device/pcm_inference.hpp"
#include "crossbar/device/pcm_nandakumar2018.hpp"
#include "crossbar/device/presets.hpp"
#include "crossbar/device/table_device.hpp"

namespace memprop::crossbar {
namespace {

/// The devices that are not presets of the pulsed family, then those.
std::vector<DeviceKind> list_device_kinds() {
    std::vector<DeviceKind> kinds{
        {"pcm_nandakumar2018", "phase-change memory with gradual SET, write noise, read noise and drift",
         [](const CrossbarConfig& config, double tick_seconds) -> std::unique_ptr<DeviceModel> {
             return std::make_unique<PcmNandakumar2018>(config, tick_seconds);
         }},
        {"ideal", "noise-free device with 2^bits equal SET steps",
         [](const CrossbarConfig& config, double) -> std::unique_ptr<DeviceModel> {
             return std::make_unique<IdealDevice>(config);
         },
         IdealDevice::preset},
        {"pcm_inference",
         "phase-change memory programmed once to targets: programming noise, drift, 1/f noise",
         [](const CrossbarConfig& config, double tick_seconds) -> std::unique_ptr<DeviceModel> {
             return std::make_unique<PcmInference>(config, tick_seconds);
         },
         PcmInference::preset},
        {"table", "a user's own measured steps, from crossbar.table_file",
         [](const CrossbarConfig& config, double tick_seconds) -> std::unique_ptr<DeviceModel> {
             return std::make_unique<TableDevice>(config, tick_seconds);
         },
         TableDevice::preset, TableDevice::complete},
    };
    for (const PulsedPreset& preset : pulsed_presets()) {
        kinds.push_back(
            {preset.name, preset.description,
             [law = preset.law](const CrossbarConfig& config, double) -> std::unique_ptr<DeviceModel> {
                 return std::make_unique<PulsedDevice>(config, law);
             },
             preset.apply});
    }
    return kinds;
}

const std::vector<DeviceKind>& all_device_kinds() {
    static const std::vector<DeviceKind> kinds = list_device_kinds();
    return kinds;
}

}  // namespace

void DeviceModel::program_targets(DeviceState&, std::uint32_t, std::span<const float>, DrawKey,
                                  std::int32_t) const {
    throw std::logic_error("a target for a device that takes pulses");
}

void DeviceModel::pulse(DeviceState&, std::uint32_t, std::span<const std::int16_t>, DrawKey,
                        std::int32_t) const {
    throw std::logic_error("signed pulses on a device that is not bidirectional");
}

void DeviceModel::place_reference(DeviceState&, std::uint32_t, std::uint32_t, const DrawKey&,
                                  std::int32_t) const {
    throw std::logic_error("a reference for a device that is not bidirectional");
}

std::string_view unused_device_key(const DeviceModel& model, std::string_view key) {
    constexpr std::string_view kPulsed = "pulsed.";
    if (key.starts_with(kPulsed)) {
        return model.unused_pulsed_key(key.substr(kPulsed.size()));
    }
    struct Need {
        std::string_view key;
        bool DeviceTraits::*trait;
        std::string_view without;
    };
    constexpr std::array<Need, 8> kNeeds{{
        {"g_max_us", &DeviceTraits::g_max, "has the range of its measured steps"},
        {"bits", &DeviceTraits::bits, "has no number of steps to choose"},
        {"table_file", &DeviceTraits::table, "reads no table"},
        {"write_noise_scale", &DeviceTraits::write_noise, "has no write noise"},
        {"read_noise_scale", &DeviceTraits::read_noise, "has no read noise"},
        {"drift_scale", &DeviceTraits::drift, "does not drift"},
        {"drift_spread", &DeviceTraits::drift_spread, "has no drift exponents that this spreads"},
        {"nonlinearity_scale", &DeviceTraits::nonlinearity, "has no nonlinearity that this scales"},
    }};
    const DeviceTraits traits = model.traits();
    for (const Need& need : kNeeds) {
        if (need.key == key && !(traits.*need.trait)) {
            return need.without;
        }
    }
    return {};
}

std::span<const DeviceKind> device_kinds() {
    return all_device_kinds();
}

const DeviceKind& find_device_kind(std::string_view name) {
    std::vector<std::string_view> names;
    for (const DeviceKind& kind : all_device_kinds()) {
        if (kind.name == name) {
            return kind;
        }
        names.push_back(kind.name);
    }
    throw InputError("crossbar.device", name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace memprop::crossbar
