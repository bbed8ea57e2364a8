// In which order the nodes of a step run, and which edges deliver the value of the step before.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host {

struct ExecutionOrder {
    std::vector<std::uint32_t> nodes;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> delayed;  ///< (source, target), sorted

    bool is_delayed(std::uint32_t source, std::uint32_t target) const;
};

/// Depth-first from the Inputs, then from the nodes that none of them reaches, in byte order of the names, as
/// are successors: an edge back to a node of the current path closes a cycle and is delayed by one step; all
/// others lead forward in the order.
ExecutionOrder execution_order(const nir::FlatGraph& graph);

}  // namespace memprop::host
