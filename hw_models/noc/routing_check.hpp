// Proof that multicast tables, together with unicasts along XY routes, cannot deadlock and lose no flit.
//
// Dally & Seitz, "Deadlock-free message routing in multiprocessor interconnection networks", IEEE Trans.
// Computers C-36(5), 1987: routing is free of deadlock if the graph of which channel waits for which has no
// cycle. A channel is the FIFO behind an output; the head of an input FIFO waits for the channels to which it
// may go: by an XY route to those of allowed_outputs(), along a tree to those of its row. Copies of a
// multicast do not wait for each other (fabric.hpp), so nothing else is waited for. Barrier tokens add no
// channel: routing.hpp's order holds for them phase by phase.
//
// Fabric::set_tree_row refuses single rows that XY forbids; what only shows in all rows together is found
// here.
#pragma once

#include <cstdint>
#include <span>

#include "hw_models/noc/params.hpp"
#include "hw_models/noc/routing.hpp"

namespace memprop::hw::noc {

struct RouteProof {
    std::uint64_t trees = 0, rows = 0;
    std::uint64_t channels = 0;       ///< terminals into routers, links, routers into terminals
    std::uint64_t dependencies = 0;   ///< pairs of channels of which one waits for the other
    std::uint32_t longest_chain = 0;  ///< channels in the longest chain of waits
};

/// `rows` (Fabric::loaded_rows()) in any order, at most one for each router and tree; rows without outputs do
/// not count. Throws InputError naming tree, router and port for
/// - a router outside the mesh, a tree outside the table, two rows for one router and tree,
/// - ports that do not exist or lead out of the mesh,
/// - a branch that ends where there is no row for it, or one that expects it from elsewhere,
/// - a row that no flit can reach: its parent does not send to it, or it is part of a loop,
/// - a second root of a tree,
/// - a cycle of waits, with all its channels and the trees that close it.
RouteProof check_routes(const NocParams& params, std::span<const TableRow> rows);

}  // namespace memprop::hw::noc
