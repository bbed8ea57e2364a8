// A network with its nested graphs dissolved and every connection checked: shapes agree along edges,
// every node is reached from an Input or from a loop that runs by itself, every Input reaches an Output,
// every cycle holds state or a delay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

inline constexpr std::uint64_t kMaxLayerElements = 1ULL << 28;

struct FlatNode {
    std::string name;  ///< path through the nesting, "rnn/lif"
    const Node* node = nullptr;
    Shape input_shape, output_shape;     ///< without a batch axis; never empty, no extent is 0
    std::vector<std::uint32_t> sources;  ///< ascending, hence in byte order of the paths' components
    std::vector<std::uint32_t> targets;  ///< ascending

    std::uint64_t input_size() const { return h5::element_count(input_shape); }
    std::uint64_t output_size() const { return h5::element_count(output_shape); }
};

/// Inner Inputs and Outputs stay as nodes that pass values on. Holds pointers into the Network.
struct FlatGraph {
    std::vector<FlatNode> nodes;         ///< in byte order of the components of their paths
    std::vector<std::uint32_t> inputs;   ///< outermost Input nodes
    std::vector<std::uint32_t> outputs;  ///< outermost Output nodes
    std::vector<std::string> warnings;
};

/// Dissolves and checks. `file` is only for messages. Throws InputError.
FlatGraph flatten(const Network& network, const std::string& file);

}  // namespace memprop::host::nir
