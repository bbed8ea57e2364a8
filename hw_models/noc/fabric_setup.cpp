// Wiring, tables and accounting of a Fabric; what happens in a cycle is in fabric.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "crossbar/base/error.hpp"
#include "hw_models/noc/fabric.hpp"

namespace memprop::hw::noc {
namespace {

const NocParams& validated(const NocParams& params) {
    params.validate("noc");
    return params;
}

}  // namespace

Fabric::Fabric(const NocParams& params, std::optional<NodeId> single)
    : params_(validated(params)),
      router_count_(single ? 1 : params.nodes()),
      terminal_count_(single ? static_cast<std::uint32_t>(kPorts) : params.nodes()),
      routers_(router_count_),
      terminals_(terminal_count_),
      fifos_(routers_.size() * kPorts + terminals_.size()),
      slots_(fifos_.size() * params.fifo_depth),
      positions_(params.nodes()),
      tree_rows_(routers_.size() * params.multicast_trees),
      wheel_(static_cast<std::uint32_t>(routers_.size() + 2 * terminals_.size())) {
    if (single && static_cast<std::uint32_t>(*single) >= params.nodes()) {
        throw InputError("noc.node", static_cast<std::uint32_t>(*single),
                         fmt::format("must be from 0 to {}", params.nodes() - 1));
    }
    for (std::uint32_t fifo = 0; fifo < fifos_.size(); ++fifo) {
        fifos_[fifo].first = slots_.data() + std::size_t{fifo} * params_.fifo_depth;
        fifos_[fifo].last = fifos_[fifo].first + params_.fifo_depth - 1;
        fifos_[fifo].head = fifos_[fifo].tail = fifos_[fifo].first;
    }
    for (std::uint32_t node = 0; node < params_.nodes(); ++node) {
        positions_[node] = position_of(NodeId{static_cast<std::uint16_t>(node)}, params_.width);
    }
    for (std::uint32_t index = 0; index < routers(); ++index) {
        routers_[index].inputs = &fifos_[index * kPorts];
        routers_[index].node = single ? *single : NodeId{static_cast<std::uint16_t>(index)};
        routers_[index].position = positions_[static_cast<std::size_t>(routers_[index].node)];
        for (std::size_t port = 0; port < kPorts; ++port) {
            if (leaves_chip(routers_[index].position, static_cast<Port>(port))) {
                routers_[index].boundary |= mask_of(static_cast<Port>(port));
            }
            // The way of a link and back: its credits take what its flits take.
            routers_[index].inputs[port].credit_delay =
                static_cast<std::uint8_t>(link_cycles(routers_[index], port) + params_.credit_cycles);
        }
    }
    arrivals_.reserve(terminals());
    spaces_.reserve(terminals());
    if (single) {
        for (std::uint32_t port = 0; port < kPorts; ++port) {
            terminals_[port].router = 0;
            connect_terminal(port, static_cast<Port>(port));
        }
    } else {
        connect_mesh();
    }
    for (Router& router : routers_) {
        router.token_inputs = router.token_outputs = router.connected;
    }
    reset_token_outputs();
}

void Fabric::reset_token_outputs() {
    for (Router& router : routers_) {
        router.tokens_waiting = 0;
        for (std::size_t input = 0; input < kPorts; ++input) {
            router.inputs[input].token_outputs =
                allowed_outputs(static_cast<Port>(input)) & router.token_outputs;
        }
    }
}

void Fabric::set_barrier_members(std::span<const NodeId> nodes) {
    if (tokens_inside_ != 0 || routers_.size() != params_.nodes()) {
        throw std::logic_error("noc::Fabric::set_barrier_members: not while tokens are inside a mesh");
    }
    std::vector<bool> is_member(routers_.size(), false);
    for (const NodeId node : nodes) {
        is_member.at(static_cast<std::size_t>(node)) = true;
    }
    for (std::size_t terminal = 0; terminal < terminals_.size(); ++terminal) {
        terminals_[terminal].in_barriers = is_member[terminal];
    }
    // Of each link: whether a member lies before it, and behind it, on ways that XY routing allows.
    std::vector<PortMask> comes(routers_.size(), 0), goes(routers_.size(), 0);
    const auto neighbour = [&](std::size_t r, Port port) {
        const auto width = static_cast<std::ptrdiff_t>(params_.width);
        const std::ptrdiff_t step = port == Port::north   ? -width
                                    : port == Port::south ? width
                                    : port == Port::east  ? 1
                                                          : -1;
        return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(r) + step);
    };
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t r = 0; r < routers_.size(); ++r) {
            for (std::size_t p = 0; p < kPorts; ++p) {
                const auto port = static_cast<Port>(p);
                if ((routers_[r].connected & mask_of(port)) == 0) {
                    continue;
                }
                bool before = is_member[r], behind = is_member[r];
                if (port != Port::local) {
                    const std::size_t other = neighbour(r, port);
                    before = (comes[other] & allowed_inputs(opposite(port))) != 0;
                    behind = (goes[other] & allowed_outputs(opposite(port))) != 0;
                }
                const auto come = static_cast<PortMask>(comes[r] | (before ? mask_of(port) : 0));
                const auto go = static_cast<PortMask>(goes[r] | (behind ? mask_of(port) : 0));
                changed = changed || come != comes[r] || go != goes[r];
                comes[r] = come;
                goes[r] = go;
            }
        }
    }
    for (std::size_t r = 0; r < routers_.size(); ++r) {
        Router& router = routers_[r];
        router.token_inputs = router.token_outputs = 0;
        for (std::size_t p = 0; p < kPorts; ++p) {
            const auto port = static_cast<Port>(p);
            if ((comes[r] & mask_of(port)) != 0 && (goes[r] & allowed_outputs(port)) != 0) {
                router.token_inputs |= mask_of(port);
            }
            if ((goes[r] & mask_of(port)) != 0 && (comes[r] & allowed_inputs(port)) != 0) {
                router.token_outputs |= mask_of(port);
            }
        }
    }
    reset_token_outputs();
}

void Fabric::connect_mesh() {
    const auto width = static_cast<int>(params_.width);
    const std::array<int, 4> step{-width, 1, width, -1};  // north, east, south, west
    for (std::uint32_t index = 0; index < routers(); ++index) {
        Router& router = routers_[index];
        for (unsigned p = 0; p < 4; ++p) {
            const auto port = static_cast<Port>(p);
            if (!in_mesh(router.position, port)) {
                continue;
            }
            const auto neighbour = static_cast<std::uint32_t>(static_cast<int>(index) + step[p]);
            const auto entry = static_cast<std::uint32_t>(opposite(port));
            router.connected |= mask_of(port);
            router.outputs[p] = {.fifo = &fifos_[neighbour * kPorts + entry],
                                 .agent = neighbour,
                                 .delay = link_cycles(router, p) + params_.router_cycles};
            router.feeders[p] = neighbour;
        }
        terminals_[index].router = index;
        connect_terminal(index, Port::local);
    }
}

void Fabric::connect_terminal(std::uint32_t index, Port port) {
    Terminal& terminal = terminals_[index];
    terminal.port = port;
    terminal.out_fifo = routers() * static_cast<std::uint32_t>(kPorts) + index;
    Router& router = routers_[terminal.router];
    const auto p = static_cast<std::size_t>(port);
    router.connected |= mask_of(port);
    Fifo& fifo = fifos_[terminal.out_fifo];
    fifo.credit_delay = static_cast<std::uint8_t>(link_cycles(router, p) + params_.credit_cycles);
    router.outputs[p] = {.fifo = &fifo, .agent = arrival_agent(index), .delay = link_cycles(router, p)};
    router.feeders[p] = space_agent(index);
}

bool Fabric::in_mesh(Position position, Port port) const {
    switch (port) {
        case Port::north:
            return position.y > 0;
        case Port::east:
            return position.x + 1U < params_.width;
        case Port::south:
            return position.y + 1U < params_.height;
        case Port::west:
            return position.x > 0;
        case Port::local:
            break;
    }
    return true;
}

/// Whether the neighbour at that port is on another chip.
bool Fabric::leaves_chip(Position position, Port port) const {
    if (port == Port::local || !in_mesh(position, port)) {
        return false;
    }
    const std::uint32_t x = position.x, y = position.y;
    return port == Port::east    ? params_.chip_column(x) != params_.chip_column(x + 1)
           : port == Port::west  ? params_.chip_column(x) != params_.chip_column(x - 1)
           : port == Port::south ? params_.chip_row(y) != params_.chip_row(y + 1)
                                 : params_.chip_row(y) != params_.chip_row(y - 1);
}

std::uint32_t Fabric::link_cycles(const Router& router, std::size_t port) const {
    return (router.boundary >> port & 1U) != 0 ? params_.boundary_cycles : params_.link_cycles;
}

std::uint32_t Fabric::index_of(NodeId node) const {
    const auto first = static_cast<std::uint32_t>(routers_.front().node);
    const std::uint32_t index = static_cast<std::uint32_t>(node) - first;
    if (index >= routers()) {
        throw InputError("noc.router", static_cast<std::uint32_t>(node),
                         fmt::format("must be from {} to {}", first, first + routers() - 1));
    }
    return index;
}

void Fabric::set_tree_row(NodeId node, TreeId tree, TreeRow row) {
    const Router& router = routers_[index_of(node)];
    const std::string where = fmt::format("noc.router {}, tree {}", static_cast<std::uint32_t>(node),
                                          static_cast<std::uint32_t>(tree));
    if (static_cast<std::uint32_t>(tree) >= params_.multicast_trees) {
        throw InputError(fmt::format("{}: the table has {} rows", where, params_.multicast_trees));
    }
    if (static_cast<std::size_t>(row.input) >= kPorts || row.outputs >= (1U << kPorts)) {
        throw InputError(fmt::format("{}: input {} or outputs {:#x} name ports that do not exist", where,
                                     static_cast<unsigned>(row.input), row.outputs));
    }
    const auto check = [&](PortMask bad, std::string_view what) {
        if (bad != 0) {
            throw InputError(fmt::format("{}: flits from {} must not go {}: {}", where,
                                         kPortNames[static_cast<std::size_t>(row.input)],
                                         kPortNames[static_cast<std::size_t>(std::countr_zero(bad))], what));
        }
    };
    const auto forbidden = static_cast<PortMask>(row.outputs & ~allowed_outputs(row.input));
    check(forbidden, "routes go along the row first, then along the column, and never back");
    PortMask outside = 0;
    for (std::size_t port = 0; port < kPorts; ++port) {
        if (!in_mesh(router.position, static_cast<Port>(port))) {
            outside |= mask_of(static_cast<Port>(port));
        }
    }
    check(row.outputs & outside, "that port leads out of the mesh");
    tree_rows_[index_of(node) * params_.multicast_trees + static_cast<std::uint32_t>(tree)] = row;
}

TreeRow Fabric::tree_row(NodeId node, TreeId tree) const {
    if (static_cast<std::uint32_t>(tree) >= params_.multicast_trees) {
        throw InputError("noc.tree", static_cast<std::uint32_t>(tree),
                         fmt::format("the table has {} rows", params_.multicast_trees));
    }
    return tree_rows_[index_of(node) * params_.multicast_trees + static_cast<std::uint32_t>(tree)];
}

std::vector<TableRow> Fabric::loaded_rows() const {
    std::vector<TableRow> rows;
    for (std::size_t i = 0; i < tree_rows_.size(); ++i) {
        if (tree_rows_[i].outputs != 0) {
            rows.push_back({.router = routers_[i / params_.multicast_trees].node,
                            .tree = static_cast<TreeId>(i % params_.multicast_trees),
                            .row = tree_rows_[i]});
        }
    }
    return rows;
}

void Fabric::set_tree(TreeId tree, NodeId root, std::span<const NodeId> leaves) {
    for (const TreeNode& entry : xy_tree(params_, root, leaves)) {
        set_tree_row(entry.node, tree, entry.row);
    }
}

std::uint32_t Fabric::fifo_level(NodeId router, Port input) const {
    return fifos_[index_of(router) * kPorts + static_cast<std::size_t>(input)].count;
}

void Fabric::start_measurement(std::uint64_t cycle) {
    come_to(cycle);
    for (Router& router : routers_) {
        router.stats = {};
        if (cycle > 0) {
            router.stepped = std::max(router.stepped, cycle - 1);
        }
    }
    for (Terminal& terminal : terminals_) {
        terminal.stats = {};
    }
    latency_ = {};
    measured_from_ = cycle;
    measured_before_ = 0;
}

void Fabric::record(WordRecord& record, std::uint64_t cycle) {
    std::uint64_t measured = measured_before_ + cycle - std::min(cycle, measured_from_);
    record(measured);
    if (record.gives()) {
        measured_before_ = measured;
        measured_from_ = cycle;
    }
    for (Router& router : routers_) {
        router.stats.record(record);
        record(std::span(router.next_input), kPorts - 1);
    }
    for (Terminal& terminal : terminals_) {
        terminal.stats.record(record);
    }
}

RouterStats Fabric::router_stats(NodeId node, std::uint64_t cycle) const {
    const Router& router = routers_[index_of(node)];
    RouterStats stats = router.stats;
    for (std::size_t port = 0; port < kPorts; ++port) {
        stats.over_boundary[port] = (router.boundary >> port & 1U) != 0 ? stats.forwarded[port] : 0;
    }
    if (router.blocked != 0 && cycle > router.stepped) {
        stats.credit_stalls += router.blocked * (cycle - router.stepped - 1);
    }
    return stats;
}

RouterStats Fabric::total_router_stats(std::uint64_t cycle) const {
    RouterStats total;
    for (const Router& router : routers_) {
        total += router_stats(router.node, cycle);
    }
    return total;
}

TerminalStats Fabric::total_terminal_stats() const {
    TerminalStats total;
    for (const Terminal& terminal : terminals_) {
        total += terminal.stats;
    }
    return total;
}

Fabric::LinkUse Fabric::link_use(std::uint64_t cycle) const {
    if (cycle <= measured_from_) {
        return {};
    }
    const auto cycles = static_cast<double>(cycle - measured_from_ + measured_before_);
    std::uint64_t flits = 0, busiest = 0, links = 0;
    for (const Router& router : routers_) {
        for (unsigned port = 0; port < 4; ++port) {
            if ((router.connected & (1U << port)) != 0) {
                flits += router.stats.forwarded[port];
                busiest = std::max(busiest, router.stats.forwarded[port]);
                ++links;
            }
        }
    }
    return {.mean = links == 0 ? 0.0 : static_cast<double>(flits) / (cycles * static_cast<double>(links)),
            .max = static_cast<double>(busiest) / cycles};
}

std::vector<Counter> Fabric::report(const std::string& prefix, std::uint64_t cycle) const {
    std::vector<Counter> out;
    report_routers(prefix, total_router_stats(cycle), params_.cost, out);
    report_terminals(prefix, total_terminal_stats(), out);
    report_latency(prefix, latency_, out);
    const LinkUse use = link_use(cycle);
    out.push_back({prefix + "link_utilisation_mean", use.mean, "flits/cycle",
                   "flits per cycle of a link between two routers, mean over the links"});
    out.push_back({prefix + "link_utilisation_max", use.max, "flits/cycle", "the same for the busiest link"});
    return out;
}

}  // namespace memprop::hw::noc
