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
      credit_delay_(params.link_cycles + params.credit_cycles),
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
        for (std::size_t input = 0; input < kPorts; ++input) {
            router.inputs[input].token_outputs = allowed_outputs(static_cast<Port>(input)) & router.connected;
        }
    }
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
                                 .delay = params_.link_cycles + params_.router_cycles};
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
    router.outputs[p] = {
        .fifo = &fifos_[terminal.out_fifo], .agent = arrival_agent(index), .delay = params_.link_cycles};
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

void Fabric::enters_barriers_itself(std::uint32_t index, bool on, std::uint64_t cycle) {
    come_to(cycle);
    Terminal& terminal = terminals_.at(index);
    if (terminal.owes_entry) {
        throw std::logic_error(
            "noc::Fabric::enters_barriers_itself: the terminal is just entering a barrier");
    }
    without_user_ += static_cast<std::uint32_t>(on) - static_cast<std::uint32_t>(terminal.enters_itself);
    terminal.enters_itself = on;
    if (on) {
        take_own_tokens(index, cycle);
        if (terminal.entered == terminal.passed && !terminal.owes_entry) {
            enter_own_barrier(index, cycle);
        }
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
