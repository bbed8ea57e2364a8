#include "host_runtime/chip/placement.hpp"

#include <algorithm>
#include <vector>

#include "hw_models/noc/routing.hpp"

namespace memprop::host {
namespace {

using hw::chip::ChipConfig;
using hw::chip::ChipImage;
using hw::noc::NodeId;
using hw::noc::Position;

/// The mesh with the column of the host's router.
std::uint32_t routers_wide(const ChipConfig& chip) {
    return static_cast<std::uint32_t>(chip.mesh_width) + 1;
}

/// Links of a tree of XY routes: along the row of the root, then up and down from it in each column. A link
/// between two chips counts as links_per_boundary().
class TreeLinks {
public:
    explicit TreeLinks(const ChipConfig& chip) : width_(routers_wide(chip)), top_(width_), bottom_(width_) {
        const hw::noc::NocParams params = chip.noc_params();
        const std::uint64_t more = chip.links_per_boundary() - 1;
        for (std::uint32_t x = 0; x < params.width; ++x) {
            east_.push_back(x + more * params.chip_column(x));
        }
        for (std::uint32_t y = 0; y < params.height; ++y) {
            south_.push_back(y + more * params.chip_row(y));
        }
    }

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
        std::uint64_t links = east_[east] - east_[west];
        for (std::uint32_t x = west; x <= east; ++x) {
            links += south_[bottom_[x]] - south_[top_[x]];
        }
        return links;
    }

private:
    std::uint32_t width_;
    std::vector<std::uint64_t> east_, south_;  // weighted links from the north-west corner, [column], [row]
    std::vector<std::uint16_t> top_, bottom_;
};

/// Exchanges two nodes wherever a tree names them.
void exchange_in(hw::chip::TreeImage& tree, NodeId a, NodeId b) {
    const auto exchange = [&](NodeId& node) { node = node == a ? b : node == b ? a : node; };
    exchange(tree.root);
    std::for_each(tree.leaves.begin(), tree.leaves.end(), exchange);
}

class Placer {
public:
    Placer(ChipImage& image, const ChipConfig& chip) : image_(image), links_(chip) {
        const std::uint32_t wide = routers_wide(chip),
                            nodes = wide * static_cast<std::uint32_t>(chip.mesh_height);
        for (std::uint32_t node = 0; node < nodes; ++node) {
            if (node % wide != 0) {
                nodes_.push_back(static_cast<NodeId>(node));
            }
        }
        for (const hw::chip::TreeImage& tree : image.trees) {
            has_.emplace_back(nodes, std::uint8_t{0});
            for (const NodeId leaf : tree.leaves) {
                has_.back()[static_cast<std::size_t>(leaf)] = 1;
            }
            cost_.push_back(tree.flits * links_.count(tree.root, tree.leaves));
        }
    }

    void run() {
        constexpr std::uint64_t kLeastGain = 100;  // a hundredth
        for (std::uint64_t before = total();;) {
            for (auto& core : image_.cores) {
                for (const NodeId to : nodes_) {
                    if (to != core.node) {
                        try_exchange(core.node, to);
                    }
                }
            }
            const std::uint64_t now = total();
            if ((before - now) * kLeastGain <= before) {
                return;
            }
            before = now;
        }
    }

private:
    std::uint64_t total() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t cost : cost_) {
            sum += cost;
        }
        return sum;
    }

    /// Only trees that begin in one of both, or end in one but not the other, become others.
    void try_exchange(NodeId a, NodeId b) {
        const auto i = static_cast<std::size_t>(a), k = static_cast<std::size_t>(b);
        changed_.clear();
        std::uint64_t before = 0, after = 0;
        for (std::size_t t = 0; t < image_.trees.size(); ++t) {
            hw::chip::TreeImage& tree = image_.trees[t];
            if (tree.root == a || tree.root == b || has_[t][i] != has_[t][k]) {
                exchange_in(tree, a, b);
                changed_.push_back(t);
                before += cost_[t];
                after += tree.flits * links_.count(tree.root, tree.leaves);
            }
        }
        if (after >= before) {
            for (const std::size_t t : changed_) {
                exchange_in(image_.trees[t], a, b);
            }
            return;
        }
        for (std::size_t t = 0; t < image_.trees.size(); ++t) {
            std::swap(has_[t][i], has_[t][k]);
        }
        for (const std::size_t t : changed_) {
            const hw::chip::TreeImage& tree = image_.trees[t];
            cost_[t] = tree.flits * links_.count(tree.root, tree.leaves);
        }
        // Trees that both are leaves of keep their leaves, in another order.
        for (auto& core : image_.cores) {
            core.node = core.node == a ? b : core.node == b ? a : core.node;
        }
    }

    ChipImage& image_;
    TreeLinks links_;
    std::vector<NodeId> nodes_;
    std::vector<std::vector<std::uint8_t>> has_;  // [tree][node]: among its leaves
    std::vector<std::uint64_t> cost_;             // [tree]
    std::vector<std::size_t> changed_;
};

}  // namespace

std::uint64_t hop_cost(const ChipImage& image, const ChipConfig& chip) {
    TreeLinks links(chip);
    std::uint64_t cost = 0;
    for (const auto& tree : image.trees) {
        cost += tree.flits * links.count(tree.root, tree.leaves);
    }
    return cost;
}

void place_cores(ChipImage& image, const ChipConfig& chip) {
    Placer(image, chip).run();
}

}  // namespace memprop::host
