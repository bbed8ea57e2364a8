// Energies of devices in results. A figure that is not known is null, and so is what would follow from it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "crossbar/array/counters.hpp"

namespace memprop::host {

inline nlohmann::ordered_json or_null(const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nullptr;
}

/// {"total", "set", "reset", "read", "wires", "verify_read", "adc"}, J or null.
nlohmann::ordered_json energy_json(const crossbar::EnergyBreakdown& energy);

/// Where the figures of the devices come from, or that there are none; never empty.
std::string energy_source(const crossbar::EnergyConfig& costs);

/// What the terminal says about energies that are not known; empty if all are. `device` is its name.
std::string missing_energy_text(const crossbar::EnergyConfig& costs, const std::string& device);

/// A number of a result that may be null, for people: "1.2e-06" or "not known".
std::string joules(const nlohmann::ordered_json& value);

}  // namespace memprop::host
