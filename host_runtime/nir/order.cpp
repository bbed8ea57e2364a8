#include "host_runtime/nir/order.hpp"

#include <algorithm>

namespace memprop::host {

bool ExecutionOrder::is_delayed(std::uint32_t source, std::uint32_t target) const {
    return std::binary_search(delayed.begin(), delayed.end(), std::pair(source, target));
}

ExecutionOrder execution_order(const nir::FlatGraph& graph) {
    enum : char { kNew, kOpen, kDone };
    struct Frame {
        std::uint32_t node;
        std::size_t next;
    };
    ExecutionOrder order;
    std::vector<char> state(graph.nodes.size(), kNew);
    std::vector<Frame> path;
    std::vector<std::uint32_t> starts = graph.inputs;
    for (std::uint32_t node = 0; node < graph.nodes.size(); ++node) {
        starts.push_back(node);  // new are only those that no Input reaches
    }
    for (const std::uint32_t start : starts) {
        if (state[start] != kNew) {
            continue;
        }
        state[start] = kOpen;
        path.push_back({start, 0});
        while (!path.empty()) {
            Frame& top = path.back();
            const auto& targets = graph.nodes[top.node].targets;
            if (top.next == targets.size()) {
                state[top.node] = kDone;
                order.nodes.push_back(top.node);
                path.pop_back();
                continue;
            }
            const std::uint32_t target = targets[top.next++];
            if (state[target] == kOpen) {
                order.delayed.emplace_back(top.node, target);
            } else if (state[target] == kNew) {
                state[target] = kOpen;
                path.push_back({target, 0});
            }
        }
    }
    std::reverse(order.nodes.begin(), order.nodes.end());
    std::sort(order.delayed.begin(), order.delayed.end());
    return order;
}

}  // namespace memprop::host
