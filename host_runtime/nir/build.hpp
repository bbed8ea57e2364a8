// Making networks in code: what exporters and tests use.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

Dataset floats(std::string name, Shape shape, std::vector<float> values);
Dataset doubles(std::string name, Shape shape, std::vector<double> values);
Dataset whole_numbers(std::string name, Shape shape, std::vector<std::int64_t> values);
Dataset text(std::string name, std::string value);  ///< a scalar string

/// Metadata of a node or a graph: one group of that name.
Group metadata(std::string_view group_name, std::vector<Dataset> datasets);

Node node(std::string name, NodeType type, std::vector<Dataset> parameters = {});
Node nested(std::string name, Graph graph);

using EdgeList = std::vector<std::pair<std::string, std::string>>;

/// Sorts nodes and edges; throws InputError if a name occurs twice or an edge names no node. Everything else
/// is checked when the network is flattened, written or run.
Graph graph(std::vector<Node> nodes, const EdgeList& edges);
Network network(std::vector<Node> nodes, const EdgeList& edges);

}  // namespace memprop::host::nir
