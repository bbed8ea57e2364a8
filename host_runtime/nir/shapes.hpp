// Shapes of all nodes of a flat graph, and the check that they agree along every edge.
#pragma once

#include <string>

#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host::nir {

/// Sets input_shape and output_shape of every node; needs every node to be reachable from an Input.
/// Shapes count as equal if they differ only in extents of 1. Throws InputError.
void infer_shapes(FlatGraph& graph, const std::string& file);

}  // namespace memprop::host::nir
