// Synthetic traffic patterns. Permutations are those of Dally and Towles, "Principles and Practices of
// Interconnection Networks", 2004, table 3.1, on node numbers y * width + x or on the coordinates x and y;
// a node that a pattern maps to itself is silent.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hw_models/noc/routing.hpp"

namespace memprop::tb {

enum class Pattern : std::uint8_t {
    uniform,         ///< every other node alike
    transpose,       ///< (x, y) to (y, x); square meshes
    tornado,         ///< each coordinate + ceil(side / 2) - 1, modulo the side
    bit_complement,  ///< all bits of the node number inverted; this and the next two: 2^b nodes
    bit_reversal,    ///< the bits of the node number from last to first
    shuffle,         ///< the bits of the node number rotated left by one
    neighbour,       ///< each coordinate + 1, modulo the side
    hotspot,         ///< a share to chosen nodes, the rest uniform
    multicast,       ///< along a tree from each node to others drawn once
};

/// Throws InputError naming the patterns.
Pattern parse_pattern(std::string_view name);

struct GeneratorConfig {
    std::uint32_t width = 8, height = 8;
    Pattern pattern = Pattern::uniform;
    double rate = 0.1;  ///< probability of a flit per node and cycle
    std::uint64_t seed = 1;
    std::vector<std::uint32_t> hotspots = {};  ///< node numbers; none: the node (width / 2, height / 2)
    double hotspot_share = 0.2;                ///< of the flits that go to hot spots, all of these alike
    std::uint32_t tree_size = 4;               ///< leaves of each multicast tree, the source not among them

    std::uint32_t nodes() const { return width * height; }
    /// Throws InputError if the pattern does not fit the mesh.
    void validate() const;
};

/// Where the flits of one node may go: a list, drawn uniformly, and a share of hot spots. Both may be empty.
struct Targets {
    std::vector<hw::noc::NodeId> uniform, hot;
    double hot_share = 0.0;
};
Targets targets_of(const GeneratorConfig& config, std::uint32_t node);

/// For Pattern::multicast: the leaves of the tree of each node, in ascending order, drawn by (seed, node).
std::vector<std::vector<hw::noc::NodeId>> multicast_leaves(const GeneratorConfig& config);

}  // namespace memprop::tb
