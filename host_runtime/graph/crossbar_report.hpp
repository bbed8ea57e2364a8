// What mapping onto crossbars took, and what running there costs, for results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "host_runtime/graph/crossbar_mapping.hpp"

namespace memprop::host {

/// One entry per mapped node; an empty array without crossbars.
nlohmann::ordered_json programming_json(const CrossbarMapping* mapping);
/// Programming and reads so far; null without crossbars.
nlohmann::ordered_json energy_json(const CrossbarMapping* mapping);
/// What converters have done so far; null without any.
nlohmann::ordered_json converters_json(const CrossbarMapping* mapping);
/// Some lines for people.
std::string programming_text(const CrossbarMapping& mapping);

}  // namespace memprop::host
