#include "hw_models/noc/routing.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"

namespace memprop::hw::noc {

std::vector<TreeNode> xy_tree(const NocParams& params, NodeId root, std::span<const NodeId> leaves) {
    const auto check = [&](std::string_view field, NodeId node) {
        if (static_cast<std::uint32_t>(node) >= params.nodes()) {
            throw InputError(field, static_cast<std::uint32_t>(node),
                             fmt::format("a {} x {} mesh has the nodes 0 to {}", params.width, params.height,
                                         params.nodes() - 1));
        }
    };
    check("tree.root", root);
    if (leaves.empty()) {
        throw InputError("tree.leaves is empty: a tree needs at least one leaf");
    }
    std::vector<TreeRow> rows(params.nodes());
    for (const NodeId leaf : leaves) {
        check("tree.leaf", leaf);
        const Position destination = position_of(leaf, params.width);
        Position here = position_of(root, params.width);
        Port input = Port::local;
        for (;;) {
            TreeRow& row = rows[here.y * params.width + here.x];
            const Port output = xy_port(here, destination);
            row.input = input;  // the same for every leaf: XY routes from one root do not rejoin
            row.outputs |= mask_of(output);
            if (output == Port::local) {
                break;
            }
            here.x = static_cast<std::uint16_t>(here.x + (output == Port::east) - (output == Port::west));
            here.y = static_cast<std::uint16_t>(here.y + (output == Port::south) - (output == Port::north));
            input = opposite(output);
        }
    }
    std::vector<TreeNode> tree;
    for (std::uint32_t node = 0; node < params.nodes(); ++node) {
        if (rows[node].outputs != 0) {
            tree.push_back({static_cast<NodeId>(node), rows[node]});
        }
    }
    return tree;
}

}  // namespace memprop::hw::noc
