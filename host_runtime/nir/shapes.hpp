// Shapes of all nodes of a flat graph, and the check that they agree along every edge.
#pragma once

#include <optional>
#include <string>

#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host::nir {

/// Whether all parameters belong to single elements of the layer, which puts out the shape that arrives.
bool works_elementwise(NodeType type);

/// The shape written in a dataset; nothing if it is absent, empty or holds a 0.
std::optional<Shape> stored_shape(const Dataset* dataset);

/// The shape of what a node takes, as far as its own datasets state it; parameters of one element state
/// nothing. Throws InputError starting with `place`.
std::optional<Shape> stated_input_shape(const Node& node, const std::string& place);

/// Sets input_shape and output_shape of every node. Shapes count as equal if they differ only in extents of
/// 1; parameters of neurons broadcast to the shape that arrives. Throws InputError.
void infer_shapes(FlatGraph& graph, const std::string& file);

}  // namespace memprop::host::nir
