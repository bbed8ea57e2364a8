// A network for the eye: populations by wave, projections with their sizes, media and rules.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "learning/network/network.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {

/// What `scripts/plot.py` draws: {"populations": [{"name", "model", "size", "wave"}], "projections":
/// [{"name", "from", "to", "connect", "rows", "columns", "synapses", "delay_steps", "medium", "rule"}],
/// "objectives": [{"name", "population", "loss"}]}; from and to are positions, medium and rule are empty for
/// numbers and for what does not learn. `plans` may be empty: everything is numbers then.
nlohmann::ordered_json network_json(const network::Network& network,
                                    std::span<const learning::ProjectionPlan> plans);

/// The same as a graph for Graphviz (dot).
std::string network_dot(const network::Network& network, std::span<const learning::ProjectionPlan> plans);

}  // namespace memprop::host
