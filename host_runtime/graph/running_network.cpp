#include "host_runtime/graph/running_network.hpp"

#include <algorithm>

namespace memprop::host {

RunningNetwork::RunningNetwork(const nir::FlatGraph& graph)
    : order_(execution_order(graph)),
      inputs_(graph.inputs),
      outputs_(graph.outputs),
      input_begin_{0},
      first_input_shape_(graph.nodes[graph.inputs.front()].output_shape) {
    for (const nir::FlatNode& node : graph.nodes) {
        infos_.push_back({node.name, node.node->type, node.output_size()});
    }
    for (const std::uint32_t input : inputs_) {
        input_begin_.push_back(input_begin_.back() + infos_[input].size);
    }
    for (const std::uint32_t output : outputs_) {
        output_size_ += infos_[output].size;
    }
    note_outputs(graph);
}

/// Spikes stay spikes through nodes that pass values on or delay them.
void RunningNetwork::note_outputs(const nir::FlatGraph& graph) {
    const auto passes = [](nir::NodeType type) {
        return type == nir::NodeType::input || type == nir::NodeType::output ||
               type == nir::NodeType::flatten || type == nir::NodeType::delay;
    };
    for (const std::uint32_t output : outputs_) {
        std::vector<std::uint32_t> open{output};
        std::vector<bool> seen(graph.nodes.size(), false);
        bool spikes = true;
        while (!open.empty()) {
            const std::uint32_t at = open.back();
            open.pop_back();
            const nir::NodeType type = graph.nodes[at].node->type;
            if (seen[at] || nir::is_spiking(type)) {
                continue;
            }
            seen[at] = true;
            if (!passes(type)) {
                spikes = false;
                break;
            }
            open.insert(open.end(), graph.nodes[at].sources.begin(), graph.nodes[at].sources.end());
        }
        output_infos_.push_back({infos_[output].name, infos_[output].size, spikes});
    }
}

std::optional<h5::Shape> RunningNetwork::input_shape() const {
    return inputs_.size() == 1 ? std::optional(first_input_shape_) : std::nullopt;
}

std::optional<std::uint32_t> RunningNetwork::find(std::string_view name) const {
    const auto it =
        std::find_if(infos_.begin(), infos_.end(), [&](const NodeInfo& n) { return n.name == name; });
    return it == infos_.end() ? std::nullopt : std::optional(static_cast<std::uint32_t>(it - infos_.begin()));
}

std::vector<std::pair<std::string, std::string>> RunningNetwork::delayed_edges() const {
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& [source, target] : order_.delayed) {
        result.emplace_back(infos_[source].name, infos_[target].name);
    }
    return result;
}

}  // namespace memprop::host
