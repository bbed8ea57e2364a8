#include "host_runtime/exchange/layers.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

using nir::FlatGraph;
using nir::FlatNode;
using nir::NodeType;

constexpr std::string_view kForm =
    "the form needed is Input -> Linear -> LIF (-> Linear -> LIF) -> Linear -> LI -> Output";

bool is_weights(NodeType type) {
    return type == NodeType::linear || type == NodeType::affine;
}

std::uint32_t only_of(const FlatGraph& graph, const std::string& file, NodeType type) {
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
        if (graph.nodes[i].node->type == type) {
            found.push_back(i);
        }
    }
    if (found.size() != 1) {
        throw InputError(fmt::format("{}: has {} nodes of type {}, one is needed; {}", file, found.size(),
                                     nir::to_string(type), kForm));
    }
    return found.front();
}

void check_weights(const std::string& file, const FlatNode& layer) {
    const nir::Dataset& weight = *layer.node->find("weight");
    if (!nir::is_one_matrix(weight.shape)) {
        refuse_node(file, layer, fmt::format("weight has {} axes, 2 are needed", weight.shape.size()));
    }
    if (const nir::Dataset* bias = layer.node->find("bias")) {
        for (std::uint64_t i = 0; i < h5::element_count(bias->shape); ++i) {
            if (nir::number_at(*bias, i) != 0.0) {
                refuse_node(file, layer,
                            fmt::format("bias[{}] = {}: must be 0", i, nir::number_at(*bias, i)));
            }
        }
    }
}

}  // namespace

std::vector<std::uint32_t> origins(const FlatGraph& graph, std::uint32_t node) {
    std::vector<std::uint32_t> result;
    std::vector<std::uint32_t> open(graph.nodes[node].sources);
    while (!open.empty()) {
        const std::uint32_t next = open.back();
        open.pop_back();
        const FlatNode& source = graph.nodes[next];
        const NodeType type = source.node->type;
        const bool inner = (type == NodeType::input || type == NodeType::output) && !source.sources.empty();
        if (type == NodeType::flatten || inner) {
            open.insert(open.end(), source.sources.begin(), source.sources.end());
        } else {
            result.push_back(next);
        }
    }
    return result;
}

void refuse_node(const std::string& file, const FlatNode& node, std::string_view reason) {
    throw InputError(fmt::format("{}: node {}: {}", file, node.name, reason));
}

RecurrentLayers recurrent_layers(const FlatGraph& graph, const std::string& file) {
    RecurrentLayers layers;
    layers.neurons = only_of(graph, file, NodeType::lif);
    layers.readouts = only_of(graph, file, NodeType::leaky_integrator);
    for (const FlatNode& node : graph.nodes) {
        const NodeType type = node.node->type;
        if (!is_weights(type) && type != NodeType::flatten && type != NodeType::input &&
            type != NodeType::output && type != NodeType::lif && type != NodeType::leaky_integrator) {
            refuse_node(file, node, fmt::format("{} has no place; {}", nir::to_string(type), kForm));
        }
    }
    std::optional<std::uint32_t> w_in, w_out;
    for (const std::uint32_t target : {layers.neurons, layers.readouts}) {
        for (const std::uint32_t source : origins(graph, target)) {
            const FlatNode& layer = graph.nodes[source];
            if (!is_weights(layer.node->type)) {
                refuse_node(file, layer,
                            fmt::format("reaches {} without weights; {}", graph.nodes[target].name, kForm));
            }
            const auto from = origins(graph, source);
            if (from.size() != 1) {
                refuse_node(file, layer, fmt::format("has {} sources; {}", from.size(), kForm));
            }
            const NodeType type = graph.nodes[from.front()].node->type;
            const bool to_neurons = target == layers.neurons;
            if (type != NodeType::lif && !(type == NodeType::input && to_neurons)) {
                refuse_node(file, layer,
                            fmt::format("connects {} to {}; {}", graph.nodes[from.front()].name,
                                        graph.nodes[target].name, kForm));
            }
            auto& place = type == NodeType::input ? w_in : to_neurons ? layers.w_rec : w_out;
            if (place) {
                refuse_node(file, layer, "is a second connection between the same layers");
            }
            place = source;
            check_weights(file, layer);
        }
    }
    if (!w_in || !w_out) {
        throw InputError(
            fmt::format("{}: the {} weights are missing; {}", file, w_in ? "readout" : "input", kForm));
    }
    layers.w_in = *w_in;
    layers.w_out = *w_out;
    return layers;
}

}  // namespace memprop::host
