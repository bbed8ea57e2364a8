// How a network was computed, for results.
#pragma once

#include <nlohmann/json.hpp>

#include "host_runtime/graph/discretisation.hpp"

namespace memprop::host {

nlohmann::ordered_json discretisation_json(const Discretisation& discretisation);

}  // namespace memprop::host
