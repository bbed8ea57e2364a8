// What the converters of a run's arrays have done, for results: a range that is calibrated
// (crossbar.adc.range) is found in an array's first reads, and these are not converted.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "crossbar/array/synapse_array.hpp"

namespace memprop::host {

/// conversions, arrays, and how many of these are still calibrating; null without converters.
nlohmann::ordered_json converters_json(std::span<const crossbar::SynapseArray* const> arrays);

/// A line for people if arrays are still calibrating, else nothing.
std::string converters_text(const nlohmann::ordered_json& converters);

}  // namespace memprop::host
