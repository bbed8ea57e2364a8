// Published parameter sets of devices. A preset writes its values into a configuration; whatever the user
// sets comes after it and wins.
#pragma once

#include <span>
#include <string_view>

#include "crossbar/config.hpp"
#include "crossbar/device/pulsed_device.hpp"

namespace memprop::crossbar {

struct PulsedPreset {
    std::string_view name;
    std::string_view description;
    PulsedLaw law;
    void (*apply)(CrossbarConfig&);
};

/// The configuration of a device as published: its preset over the defaults. Throws InputError naming the
/// devices there are.
CrossbarConfig published_config(std::string_view device);

/// The pulsed models by themselves, then the devices fitted with them.
std::span<const PulsedPreset> pulsed_presets();

}  // namespace memprop::crossbar
