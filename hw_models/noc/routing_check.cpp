#include "hw_models/noc/routing_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::hw::noc {
namespace {

constexpr std::uint32_t kNobody = 0xFFFFFFFF;

std::string_view name_of(std::size_t port) {
    return kPortNames[port];
}

// The router behind a port; kNobody outside the mesh and for the local port.
std::uint32_t neighbour(const NocParams& params, std::uint32_t router, std::size_t port) {
    const std::uint32_t x = router % params.width, y = router / params.width;
    switch (static_cast<Port>(port)) {
        case Port::north:
            return y > 0 ? router - params.width : kNobody;
        case Port::east:
            return x + 1 < params.width ? router + 1 : kNobody;
        case Port::south:
            return y + 1 < params.height ? router + params.width : kNobody;
        case Port::west:
            return x > 0 ? router - 1 : kNobody;
        case Port::local:
            break;
    }
    return kNobody;
}

bool leads_somewhere(const NocParams& params, std::uint32_t router, std::size_t port) {
    return static_cast<Port>(port) == Port::local || neighbour(params, router, port) != kNobody;
}

std::size_t opposite_of(std::size_t port) {
    return static_cast<std::size_t>(opposite(static_cast<Port>(port)));
}

template <class Visit>
void for_each_port(PortMask mask, Visit visit) {
    for (std::size_t port = 0; port < kPorts; ++port) {
        if ((mask >> port & 1U) != 0) {
            visit(port);
        }
    }
}

// All rows of one tree. `row_of` is a scratch table of all routers, empty before and after.
class TreeCheck {
public:
    TreeCheck(const NocParams& params, std::span<const TableRow> rows,
              std::vector<std::optional<TreeRow>>& row_of)
        : params_(params), rows_(rows), row_of_(row_of) {
        for (const TableRow& entry : rows_) {
            check_alone(entry);
            auto& place = row_of_[static_cast<std::size_t>(entry.router)];
            if (place) {
                fail(entry.router, "has two rows");
            }
            place = entry.row;
        }
    }
    TreeCheck(const TreeCheck&) = delete;
    TreeCheck& operator=(const TreeCheck&) = delete;
    ~TreeCheck() {
        for (const TableRow& entry : rows_) {
            row_of_[static_cast<std::size_t>(entry.router)].reset();
        }
    }

    void check() const {
        std::optional<NodeId> root;
        for (const TableRow& entry : rows_) {
            const auto router = static_cast<std::uint32_t>(entry.router);
            for_each_port(entry.row.outputs, [&](std::size_t port) { check_branch(entry.router, port); });
            if (entry.row.input == Port::local) {
                if (root) {
                    fail(entry.router, fmt::format("takes its flits from the terminal, as does router {}: a "
                                                   "tree has one root",
                                                   static_cast<std::uint32_t>(*root)));
                }
                root = entry.router;
                continue;
            }
            const auto input = static_cast<std::size_t>(entry.row.input);
            const std::uint32_t parent = neighbour(params_, router, input);
            const auto& row = row_of_[parent];
            if (!row || (row->outputs >> opposite_of(input) & 1U) == 0) {
                fail(entry.router, fmt::format("waits for flits from {}, where router {} {}", name_of(input),
                                               parent, row ? "does not send there" : "has no row"));
            }
        }
        check_loops();
    }

private:
    [[noreturn]] void fail(NodeId router, std::string_view what) const {
        throw InputError(fmt::format("noc.tree {}: router {} {}",
                                     static_cast<std::uint32_t>(rows_.front().tree),
                                     static_cast<std::uint32_t>(router), what));
    }

    void check_alone(const TableRow& entry) const {
        if (static_cast<std::uint32_t>(entry.router) >= params_.nodes()) {
            fail(entry.router, fmt::format("does not exist: a {} x {} mesh has the routers 0 to {}",
                                           params_.width, params_.height, params_.nodes() - 1));
        }
        if (static_cast<std::uint32_t>(entry.tree) >= params_.multicast_trees) {
            fail(entry.router, fmt::format("has a table of {} rows only", params_.multicast_trees));
        }
        if (static_cast<std::size_t>(entry.row.input) >= kPorts || entry.row.outputs >= 1U << kPorts) {
            fail(entry.router, fmt::format("has input {} or outputs {:#x}, ports that do not exist",
                                           static_cast<unsigned>(entry.row.input), entry.row.outputs));
        }
        const PortMask ports = entry.row.outputs | mask_of(entry.row.input);
        for_each_port(ports, [&](std::size_t port) {
            if (!leads_somewhere(params_, static_cast<std::uint32_t>(entry.router), port)) {
                fail(entry.router,
                     fmt::format("uses the port {}, which leads out of the mesh", name_of(port)));
            }
        });
    }

    void check_branch(NodeId router, std::size_t port) const {
        const std::uint32_t child = neighbour(params_, static_cast<std::uint32_t>(router), port);
        if (child == kNobody) {
            return;  // a leaf
        }
        const auto& row = row_of_[child];
        if (!row) {
            fail(router, fmt::format("sends {} to router {}, which has no row", name_of(port), child));
        }
        if (static_cast<std::size_t>(row->input) != opposite_of(port)) {
            fail(router, fmt::format("sends {} to router {}, which takes flits from {} only", name_of(port),
                                     child, name_of(static_cast<std::size_t>(row->input))));
        }
    }

    // Every row has its parent, so one that does not come from the root is in or behind a loop.
    void check_loops() const {
        for (const TableRow& entry : rows_) {
            auto router = static_cast<std::uint32_t>(entry.router);
            std::size_t steps = 0;
            while (row_of_[router]->input != Port::local && steps <= rows_.size()) {
                router = parent_of(router);
                ++steps;
            }
            if (steps > rows_.size()) {
                fail(entry.router,
                     fmt::format("is not reached from any terminal, rows take their flits from each "
                                 "other: {}",
                                 loop_from(router)));
            }
        }
    }

    std::uint32_t parent_of(std::uint32_t router) const {
        return neighbour(params_, router, static_cast<std::size_t>(row_of_[router]->input));
    }

    std::string loop_from(std::uint32_t start) const {
        std::string text = fmt::format("router {}", start);
        std::uint32_t router = start;
        do {
            text += fmt::format(", from {} from router {}",
                                name_of(static_cast<std::size_t>(row_of_[router]->input)), parent_of(router));
            router = parent_of(router);
        } while (router != start);
        return text;
    }

    const NocParams& params_;
    std::span<const TableRow> rows_;
    std::vector<std::optional<TreeRow>>& row_of_;
};

// Channels are numbered router * kPorts + port by the FIFO they fill: the input `port` of the router; those
// into terminals follow.
class WaitGraph {
public:
    explicit WaitGraph(const NocParams& params)
        : params_(params), inputs_(std::size_t{params.nodes()} * kPorts), ways_(inputs_) {
        for (std::uint32_t router = 0; router < params.nodes(); ++router) {
            for (std::size_t input = 0; input < kPorts; ++input) {
                if (!leads_somewhere(params, router, input)) {
                    continue;
                }
                ++proof.channels;
                for_each_port(allowed_outputs(static_cast<Port>(input)),
                              [&](std::size_t output) { add(router, input, output, kNobody); });
            }
            ++proof.channels;  // into the terminal
        }
    }

    void add(const TableRow& entry) {
        for_each_port(entry.row.outputs, [&](std::size_t output) {
            add(static_cast<std::uint32_t>(entry.router), static_cast<std::size_t>(entry.row.input), output,
                static_cast<std::uint32_t>(entry.tree));
        });
    }

    // Depth-first; `length` of a channel is that of the longest chain that begins there.
    void prove() {
        std::vector<std::uint32_t> length(inputs_);
        std::vector<std::uint8_t> next(inputs_), open(inputs_);
        for (std::uint32_t start = 0; start < inputs_; ++start) {
            std::vector<std::uint32_t> stack;
            if (length[start] == 0) {
                stack.push_back(start);
                open[start] = 1;
            }
            while (!stack.empty()) {
                const std::uint32_t channel = stack.back();
                if (next[channel] == kPorts) {
                    open[channel] = 0;
                    stack.pop_back();
                    ++length[channel];
                    proof.longest_chain = std::max(proof.longest_chain, length[channel]);
                    if (!stack.empty()) {
                        length[stack.back()] = std::max(length[stack.back()], length[channel]);
                    }
                    continue;
                }
                const std::size_t output = next[channel]++;
                if (!ways_[channel].exists[output]) {
                    continue;
                }
                const std::uint32_t behind = channel_behind(channel / kPorts, output);
                if (behind == kNobody) {
                    length[channel] = std::max(length[channel], 1U);  // into the terminal
                } else if (open[behind] != 0) {
                    stack.erase(stack.begin(), std::find(stack.begin(), stack.end(), behind));
                    report(stack);
                } else if (next[behind] == kPorts) {
                    length[channel] = std::max(length[channel], length[behind]);
                } else {
                    open[behind] = 1;
                    stack.push_back(behind);
                }
            }
        }
    }

    RouteProof proof;

private:
    struct Ways {
        std::array<bool, kPorts> exists{};
        std::array<std::uint32_t, kPorts> tree{};  // kNobody: XY routes
    };

    void add(std::uint32_t router, std::size_t input, std::size_t output, std::uint32_t tree) {
        Ways& ways = ways_[router * kPorts + input];
        if (!ways.exists[output] && leads_somewhere(params_, router, output)) {
            ways.exists[output] = true;
            ways.tree[output] = tree;
            ++proof.dependencies;
        }
    }

    std::uint32_t channel_behind(std::uint32_t router, std::size_t output) const {
        const std::uint32_t next = neighbour(params_, router, output);
        return next == kNobody ? kNobody
                               : next * static_cast<std::uint32_t>(kPorts) +
                                     static_cast<std::uint32_t>(opposite_of(output));
    }

    [[noreturn]] void report(const std::vector<std::uint32_t>& cycle) const {
        std::string text;
        for (std::size_t i = 0; i < cycle.size(); ++i) {
            const std::uint32_t channel = cycle[i], behind = cycle[(i + 1) % cycle.size()];
            const std::uint32_t router = channel / kPorts;
            std::size_t output = 0;
            while (!ways_[channel].exists[output] || channel_behind(router, output) != behind) {
                ++output;
            }
            const std::uint32_t tree = ways_[channel].tree[output];
            text += fmt::format("{}router {} from {} to {} ({})", i == 0 ? "" : ", ", router,
                                name_of(channel % kPorts), name_of(output),
                                tree == kNobody ? "unicasts" : fmt::format("tree {}", tree));
        }
        throw InputError(fmt::format("noc: the tables can deadlock, these wait for each other: {}", text));
    }

    const NocParams& params_;
    std::size_t inputs_;
    std::vector<Ways> ways_;
};

}  // namespace

RouteProof check_routes(const NocParams& params, std::span<const TableRow> rows) {
    std::vector<TableRow> sorted;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(sorted),
                 [](const TableRow& entry) { return entry.row.outputs != 0; });
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const TableRow& a, const TableRow& b) { return a.tree < b.tree; });
    WaitGraph graph(params);
    graph.proof.rows = sorted.size();
    std::vector<std::optional<TreeRow>> row_of(params.nodes());
    for (auto begin = sorted.begin(); begin != sorted.end();) {
        const auto end = std::find_if(begin, sorted.end(),
                                      [&](const TableRow& entry) { return entry.tree != begin->tree; });
        TreeCheck(params, std::span(begin, end), row_of).check();
        std::for_each(begin, end, [&](const TableRow& entry) { graph.add(entry); });
        ++graph.proof.trees;
        begin = end;
    }
    graph.prove();
    return graph.proof;
}

}  // namespace memprop::hw::noc
