// Where a flit goes: dimension-order (XY) routes and multicast trees.
//
// Unicast: first along the row to the column of the destination, then along the column.
// Multicast: each router has a table; the row of a tree names the one port from which its flits come
// and the set of ports to which they go. Rows are accepted only if they obey the turns of XY routing:
// a flit that came from the north or south never turns to the east or west, and none goes back where
// it came from. Two things follow for any content of the tables:
// - A tree has one parent at every router, so a router gets each flit at most once, and each leaf
//   exactly once; a flit that comes from another port than the table says is dropped and counted.
// - A flit in an input FIFO only ever waits for FIFOs that come later in the order "west- and
//   eastward along the row, north- and southward along the column, local": the graph of waits has no
//   cycle. Branches do not wait for each other (fabric.hpp), so by induction from the end of that
//   order every FIFO empties as long as receivers take what arrives: neither unicast nor multicast
//   can deadlock.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hw_models/noc/flit.hpp"
#include "hw_models/noc/params.hpp"

namespace memprop::hw::noc {

enum class Port : std::uint8_t { north, east, south, west, local };
inline constexpr std::size_t kPorts = 5;
inline constexpr std::array<std::string_view, kPorts> kPortNames{"north", "east", "south", "west", "local"};

constexpr Port opposite(Port port) {
    constexpr std::array<Port, kPorts> kOpposite{Port::south, Port::west, Port::north, Port::east,
                                                 Port::local};
    return kOpposite[static_cast<std::size_t>(port)];
}

/// Bit p stands for port p.
using PortMask = std::uint8_t;
constexpr PortMask mask_of(Port port) {
    return static_cast<PortMask>(1U << static_cast<unsigned>(port));
}

struct Position {
    std::uint16_t x = 0, y = 0;
    bool operator==(const Position&) const = default;
};

inline Position position_of(NodeId node, std::uint32_t width) {
    const auto n = static_cast<std::uint32_t>(node);
    return {static_cast<std::uint16_t>(n % width), static_cast<std::uint16_t>(n / width)};
}

/// Routers passed from `from` to `to`, both included.
inline std::uint32_t hops_between(NodeId from, NodeId to, std::uint32_t width) {
    const Position a = position_of(from, width), b = position_of(to, width);
    const auto distance = [](int p, int q) { return static_cast<std::uint32_t>(p < q ? q - p : p - q); };
    return 1 + distance(a.x, b.x) + distance(a.y, b.y);
}

/// Chip boundaries on the way from `from` to `to`.
inline std::uint32_t boundaries_between(NodeId from, NodeId to, const NocParams& params) {
    const Position a = position_of(from, params.width), b = position_of(to, params.width);
    const auto distance = [](std::uint32_t p, std::uint32_t q) { return p < q ? q - p : p - q; };
    return distance(params.chip_column(a.x), params.chip_column(b.x)) +
           distance(params.chip_row(a.y), params.chip_row(b.y));
}

/// Cycles of a flit without load, from being sent to being received.
inline std::uint64_t cycles_between(NodeId from, NodeId to, const NocParams& params) {
    const std::uint64_t hops = hops_between(from, to, params.width);
    const std::uint64_t boundaries = boundaries_between(from, to, params);
    return hops * params.router_cycles + (hops - boundaries) * params.link_cycles +
           boundaries * params.boundary_cycles;
}

/// The output port of an XY route. A table instead of branches: directions are hard to predict.
inline Port xy_port(Position here, Position destination) {
    constexpr std::array<Port, 9> kTowards{Port::west, Port::north, Port::east,   // row above
                                           Port::west, Port::local, Port::east,   // same row
                                           Port::west, Port::south, Port::east};  // row below
    const unsigned across = 1U + (destination.x > here.x) - (destination.x < here.x);
    const unsigned down = 1U + (destination.y > here.y) - (destination.y < here.y);
    return kTowards[3 * down + across];
}

/// The ports to which a flit that came from `input` may go.
constexpr PortMask allowed_outputs(Port input) {
    constexpr PortMask all = 0x1F;
    switch (input) {
        case Port::north:
        case Port::south:
            return mask_of(opposite(input)) | mask_of(Port::local);
        case Port::east:
        case Port::west:
            return static_cast<PortMask>(all & ~mask_of(input));
        case Port::local:
            break;
    }
    return all;
}

/// The inputs from which flits may come to `output`.
constexpr PortMask allowed_inputs(Port output) {
    PortMask inputs = 0;
    for (std::size_t input = 0; input < kPorts; ++input) {
        if ((allowed_outputs(static_cast<Port>(input)) & mask_of(output)) != 0) {
            inputs |= mask_of(static_cast<Port>(input));
        }
    }
    return inputs;
}

/// One row of a router's multicast table; no outputs = the tree does not pass here.
struct TreeRow {
    Port input = Port::local;
    PortMask outputs = 0;
    bool operator==(const TreeRow&) const = default;
};

/// Round-robin choice: the first requesting input at or after `next`. `requests` must not be 0.
inline unsigned round_robin(PortMask requests, unsigned next) {
    const unsigned turned = (requests | static_cast<unsigned>(requests) << kPorts) >> next;
    const unsigned winner = next + static_cast<unsigned>(std::countr_zero(turned));
    return winner >= kPorts ? winner - static_cast<unsigned>(kPorts) : winner;
}

/// A row of the table of one router.
struct TableRow {
    NodeId router{};
    TreeId tree{};
    TreeRow row;
};

struct TreeNode {
    NodeId node{};
    TreeRow row;
};

/// The rows of the tree that is the union of the XY routes from `root` to `leaves` (in node order).
/// A leaf may be the root itself; a leaf named twice counts once. Throws InputError for a node
/// outside the mesh or without any leaf.
std::vector<TreeNode> xy_tree(const NocParams& params, NodeId root, std::span<const NodeId> leaves);

}  // namespace memprop::hw::noc
