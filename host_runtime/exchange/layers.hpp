// The one form of network that training and the digital core know:
//   Input -> Linear -> LIF (-> Linear -> LIF) -> Linear -> LI -> Output
// Affine in place of Linear if its biases are 0; Flatten and nested graphs anywhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host {

/// Indices into FlatGraph::nodes.
struct RecurrentLayers {
    std::uint32_t neurons = 0, readouts = 0;
    std::uint32_t w_in = 0, w_out = 0;
    std::optional<std::uint32_t> w_rec;
};

/// Throws InputError naming the node that has no place in it. `file` is only for messages.
RecurrentLayers recurrent_layers(const nir::FlatGraph& graph, const std::string& file);

/// The sources of a node, seen through nodes that pass values on.
std::vector<std::uint32_t> origins(const nir::FlatGraph& graph, std::uint32_t node);

[[noreturn]] void refuse_node(const std::string& file, const nir::FlatNode& node, std::string_view reason);

}  // namespace memprop::host
