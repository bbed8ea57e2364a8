#include "crossbar/device/device_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/device/ideal.hpp"
#include "crossbar/device/pcm_nandakumar2018.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::array<DeviceKind, 2> kDeviceKinds{{
    {"pcm_nandakumar2018", "phase-change memory with gradual SET, write noise, read noise and drift",
     [](const CrossbarConfig& config, double tick_seconds) -> std::unique_ptr<DeviceModel> {
         return std::make_unique<PcmNandakumar2018>(config, tick_seconds);
     }},
    {"ideal", "noise-free device with 2^bits equal SET steps",
     [](const CrossbarConfig& config, double) -> std::unique_ptr<DeviceModel> {
         return std::make_unique<IdealDevice>(config);
     }},
}};

}  // namespace

std::span<const DeviceKind> device_kinds() {
    return kDeviceKinds;
}

const DeviceKind& find_device_kind(std::string_view name) {
    std::vector<std::string_view> names;
    for (const DeviceKind& kind : kDeviceKinds) {
        if (kind.name == name) {
            return kind;
        }
        names.push_back(kind.name);
    }
    throw InputError("crossbar.device", name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

}  // namespace memprop::crossbar
