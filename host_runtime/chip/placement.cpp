#include "host_runtime/chip/placement.hpp"

#include <algorithm>
#include <vector>

#include "hw_models/noc/routing.hpp"

namespace memprop::host {
namespace {

using hw::chip::ChipConfig;
using hw::chip::ChipPlan;
using hw::noc::NodeId;
using hw::noc::Position;

/// The mesh with the column of the host's router.
std::uint32_t routers_wide(const ChipConfig& chip) {
    return static_cast<std::uint32_t>(chip.mesh_width) + 1;
}

/// Links of a tree of XY routes: along the row of the root, then up and down from it in each column.
class TreeLinks {
public:
    explicit TreeLinks(const ChipConfig& chip) : width_(routers_wide(chip)), top_(width_), bottom_(width_) {}

    std::uint64_t count(NodeId root, std::span<const NodeId> leaves) {
        const Position from = hw::noc::position_of(root, width_);
        std::fill(top_.begin(), top_.end(), from.y);
        std::fill(bottom_.begin(), bottom_.end(), from.y);
        std::uint16_t west = from.x, east = from.x;
        for (const NodeId leaf : leaves) {
            const Position at = hw::noc::position_of(leaf, width_);
            west = std::min(west, at.x);
            east = std::max(east, at.x);
            top_[at.x] = std::min(top_[at.x], at.y);
            bottom_[at.x] = std::max(bottom_[at.x], at.y);
        }
        std::uint64_t links = east - west;
        for (std::uint32_t x = west; x <= east; ++x) {
            links += bottom_[x] - top_[x];
        }
        return links;
    }

private:
    std::uint32_t width_;
    std::vector<std::uint16_t> top_, bottom_;
};

std::uint64_t flits_along(const ChipPlan& plan, const hw::chip::TreePlan& tree) {
    if (tree.tree == ChipPlan::kInputTree) {
        return plan.inputs;
    }
    const auto core = std::find_if(plan.cores.begin(), plan.cores.end(),
                                   [&](const auto& c) { return c.node == tree.root && c.neurons.count > 0; });
    return tree.tree == ChipPlan::kCommandTree ? 1 : core->neurons.count + 1;
}

/// Exchanges two nodes wherever the plan names them.
void swap_nodes(ChipPlan& plan, NodeId a, NodeId b) {
    const auto exchange = [&](NodeId& node) { node = node == a ? b : node == b ? a : node; };
    for (auto& core : plan.cores) {
        exchange(core.node);
    }
    for (auto& tree : plan.trees) {
        exchange(tree.root);
        std::for_each(tree.leaves.begin(), tree.leaves.end(), exchange);
    }
}

}  // namespace

std::uint64_t hop_cost(const ChipPlan& plan, const ChipConfig& chip) {
    TreeLinks links(chip);
    std::uint64_t cost = 0;
    for (const auto& tree : plan.trees) {
        cost += flits_along(plan, tree) * links.count(tree.root, tree.leaves);
    }
    for (const auto& core : plan.cores) {
        const std::uint32_t routers =
            hw::noc::hops_between(core.node, ChipPlan::kHostNode, routers_wide(chip));
        cost += std::uint64_t{routers - 1} * (core.readouts.count + 1);
    }
    return cost;
}

void place_cores(ChipPlan& plan, const ChipConfig& chip) {
    std::vector<NodeId> nodes;
    for (std::uint32_t y = 0; y < static_cast<std::uint32_t>(chip.mesh_height); ++y) {
        for (std::uint32_t x = 1; x < routers_wide(chip); ++x) {
            nodes.push_back(static_cast<NodeId>(y * routers_wide(chip) + x));
        }
    }
    std::uint64_t cost = hop_cost(plan, chip);
    for (bool better = true; better;) {
        better = false;
        for (std::size_t c = 0; c < plan.cores.size(); ++c) {
            for (const NodeId to : nodes) {
                const NodeId from = plan.cores[c].node;
                if (from == to) {
                    continue;
                }
                swap_nodes(plan, from, to);
                const std::uint64_t now = hop_cost(plan, chip);
                if (now < cost) {
                    cost = now;
                    better = true;
                } else {
                    swap_nodes(plan, from, to);
                }
            }
        }
    }
}

}  // namespace memprop::host
