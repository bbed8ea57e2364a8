// What a run of a graph on the cycle-level chip adds to the results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/graph/crossbar_mapping.hpp"

namespace memprop::host {

/// Sets `cycles`, `load_cycles`, `deadline_misses`, `mapping` (which node of the graph went where, how full
/// the cores and their tables are, links that flits pass) and `chip` (cycles by phase, network, utilisation).
void add_placement(const ChipNetwork& network, nlohmann::ordered_json& result);

/// Energy of a run on the chip so far; of the devices too if `mapping` holds the weights.
nlohmann::ordered_json chip_energy_json(const ChipNetwork& network, const CrossbarMapping* mapping);

/// The same placement as a table.
std::string placement_text(const ChipNetwork& network);

}  // namespace memprop::host
