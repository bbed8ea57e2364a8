// A network in the Neural Intermediate Representation (NIR; Pedersen et al., Nature Communications 15,
// 8122, 2024), checked piece by piece: every node has a known type and the datasets that belong to it,
// with legal ranks and values. How nodes fit together is checked in flat_graph.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host_runtime/nir/tree.hpp"

namespace memprop::host::nir {

enum class NodeType : std::uint8_t {
    input,
    output,
    affine,
    linear,
    scale,
    conv1d,
    conv2d,
    sum_pool2d,
    avg_pool2d,
    flatten,
    delay,
    threshold,
    integrator,  ///< "I"
    integrate_fire,
    leaky_integrator,
    lif,
    cuba_li,
    cuba_lif,
    graph
};
std::string_view to_string(NodeType type);  ///< the class name in the file, such as "CubaLIF"

bool is_neuron(NodeType type);    ///< keeps a membrane: I, IF, LI, LIF, CubaLI, CubaLIF
bool is_spiking(NodeType type);   ///< output is spikes: IF, LIF, CubaLIF, Threshold
bool has_current(NodeType type);  ///< CubaLI, CubaLIF

struct Graph;

struct Node {
    std::string name;
    NodeType type = NodeType::input;
    std::vector<Dataset> parameters;  ///< all datasets but `type`, in byte order of the names
    std::vector<Graph> subgraph;      ///< one element for a NIRGraph, else empty
    std::optional<Group> metadata;

    const Dataset* find(std::string_view dataset) const;  ///< nullptr if the file has none
    bool operator==(const Node&) const = default;
};

struct Graph {
    std::vector<Node> nodes;                                     ///< in byte order of the names
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;  ///< (source, target), sorted, unique
    std::optional<Group> metadata;

    bool operator==(const Graph&) const = default;
};

struct Network {
    std::string version;  ///< of the library that wrote the file; empty if not stated
    Graph graph;
    std::vector<std::string> warnings;  ///< what was tolerated, one line each

    bool operator==(const Network& other) const { return version == other.version && graph == other.graph; }
};

inline constexpr double kMaxDelaySeconds = 1000.0;

/// Checks the tree of a file (root group with `version` and `node`) and gives it its types. Inputs and
/// Outputs that are missing are added (complete.hpp), axes of 1 in front of convolution weights taken away.
/// Values that are not loaded are not checked. `file` is only for messages. Throws InputError.
Network parse_network(Group root, const std::string& file);

/// Checks values of the dataset `name` of a node whose dataset `type` is `node_type`, `first` being the
/// index of the first of them; no-op for what has no rule. Throws InputError.
void check_values(std::string_view node_type, std::string_view name, const Values& values,
                  std::uint64_t first, const std::string& place);

/// Element i of a number dataset; a dataset with one element serves every i.
double number_at(const Dataset& dataset, std::uint64_t i);

/// All elements, or `count` copies of the only one.
std::vector<double> numbers(const Dataset& dataset, std::uint64_t count);
std::vector<std::int64_t> integers(const Dataset& dataset);

}  // namespace memprop::host::nir
