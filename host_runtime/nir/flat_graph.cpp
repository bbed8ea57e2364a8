#include "host_runtime/nir/flat_graph.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/shapes.hpp"

namespace memprop::host::nir {
namespace {

class Flattener {
public:
    explicit Flattener(const std::string& file) : file_(file) {}

    FlatGraph run(const Network& network) {
        const Ports ports = dissolve(network.graph, "");
        result_.inputs = ports.inputs;
        result_.outputs = ports.outputs;
        if (result_.inputs.empty()) {
            fail("network", "it has no Input node");
        }
        if (result_.outputs.empty()) {
            fail("network", "it has no Output node");
        }
        for (FlatNode& node : result_.nodes) {
            std::sort(node.sources.begin(), node.sources.end());
            std::sort(node.targets.begin(), node.targets.end());
        }
        check_reachability();
        check_stateless_cycles();
        infer_shapes(result_, file_);
        return std::move(result_);
    }

private:
    struct Ports {
        std::vector<std::uint32_t> inputs, outputs;
    };

    [[noreturn]] void fail(std::string_view place, std::string_view reason) const {
        throw InputError(fmt::format("{}: {}: {}", file_, place, reason));
    }

    /// Adds the nodes of a graph and of those inside it, in the order of their paths' components.
    Ports dissolve(const Graph& graph, const std::string& path) {
        Ports ports;
        std::vector<Ports> members(graph.nodes.size());
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
            const Node& node = graph.nodes[i];
            const std::string name = path.empty() ? node.name : path + "/" + node.name;
            if (node.type == NodeType::graph) {
                members[i] = dissolve(node.subgraph.front(), name);
                continue;
            }
            const auto index = static_cast<std::uint32_t>(result_.nodes.size());
            FlatNode flat;
            flat.name = name;
            flat.node = &node;
            result_.nodes.push_back(std::move(flat));
            members[i] = {{index}, {index}};
            if (node.type == NodeType::input) {
                ports.inputs.push_back(index);
                members[i].inputs.clear();
            } else if (node.type == NodeType::output) {
                ports.outputs.push_back(index);
                members[i].outputs.clear();
            }
        }
        const auto only = [&](const std::vector<std::uint32_t>& ends, const Node& node, const Node& from,
                              const Node& to, bool into) {
            if (ends.size() == 1) {
                return ends.front();
            }
            const std::string prefix = path.empty() ? "" : path + "/";
            const std::string edge = fmt::format("edge {}{} -> {}{}", prefix, from.name, prefix, to.name);
            if (node.type != NodeType::graph) {
                fail(edge, into ? "an Input takes no edges" : "an Output is the source of no edge");
            }
            fail(edge, fmt::format("the nested graph {}{} has {} {} nodes, an edge needs exactly one", prefix,
                                   node.name, ends.size(), into ? "Input" : "Output"));
        };
        for (const auto& [from, to] : graph.edges) {
            const Node &source = graph.nodes[from], &target = graph.nodes[to];
            const std::uint32_t source_index = only(members[from].outputs, source, source, target, false);
            const std::uint32_t target_index = only(members[to].inputs, target, source, target, true);
            result_.nodes[source_index].targets.push_back(target_index);
            result_.nodes[target_index].sources.push_back(source_index);
        }
        return ports;
    }

    std::vector<bool> reachable(std::vector<std::uint32_t> open,
                                std::vector<std::uint32_t> FlatNode::*next) const {
        std::vector<bool> seen(result_.nodes.size(), false);
        for (const std::uint32_t i : open) {
            seen[i] = true;
        }
        while (!open.empty()) {
            const FlatNode& node = result_.nodes[open.back()];
            open.pop_back();
            for (const std::uint32_t other : node.*next) {
                if (!seen[other]) {
                    seen[other] = true;
                    open.push_back(other);
                }
            }
        }
        return seen;
    }

    void check_reachability() {
        const auto from_input = reachable(result_.inputs, &FlatNode::targets);
        std::vector<std::string_view> autonomous;
        for (std::size_t i = 0; i < result_.nodes.size(); ++i) {
            const FlatNode& node = result_.nodes[i];
            if (!from_input[i] && node.sources.empty()) {
                fail("node " + node.name, "is not reached from any Input (no edge leads to it)");
            }
            if (!from_input[i]) {  // it has sources, and so have they: they end in a loop
                autonomous.push_back(node.name);
            }
        }
        if (!autonomous.empty()) {
            constexpr std::size_t kNamed = 8;
            const std::size_t named = std::min(autonomous.size(), kNamed);
            result_.warnings.push_back(fmt::format(
                "no Input reaches {}{}: they run by themselves",
                fmt::join(autonomous.begin(), autonomous.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                autonomous.size() > named ? fmt::format(" and {} more nodes", autonomous.size() - named)
                                          : ""));
        }
        const auto to_output = reachable(result_.outputs, &FlatNode::sources);
        for (const std::uint32_t input : result_.inputs) {
            if (!to_output[input]) {
                fail("node " + result_.nodes[input].name, "this Input reaches no Output");
            }
        }
    }

    /// Whether a value that enters a node in a step can leave it in the same step unchanged by any memory.
    static bool stateless(const Node& node) {
        if (node.type == NodeType::delay) {
            const Dataset& delay = *node.find("delay");
            if (!delay.loaded()) {
                return false;  // decided once the values are there
            }
            const auto values = numbers(delay, h5::element_count(delay.shape));
            return std::find(values.begin(), values.end(), 0.0) != values.end();
        }
        return !is_neuron(node.type);
    }

    /// Depth-first over stateless nodes only: an edge back to the current path is an algebraic loop.
    void check_stateless_cycles() const {
        enum : char { kNew, kOpen, kDone };
        const std::size_t count = result_.nodes.size();
        std::vector<char> state(count, kNew);
        std::vector<bool> skip(count);
        for (std::size_t i = 0; i < count; ++i) {
            skip[i] = !stateless(*result_.nodes[i].node);
        }
        struct Frame {
            std::uint32_t node;
            std::size_t next;
        };
        std::vector<Frame> path;
        for (std::uint32_t start = 0; start < count; ++start) {
            if (skip[start] || state[start] != kNew) {
                continue;
            }
            state[start] = kOpen;
            path.push_back({start, 0});
            while (!path.empty()) {
                Frame& top = path.back();
                const auto& targets = result_.nodes[top.node].targets;
                if (top.next == targets.size()) {
                    state[top.node] = kDone;
                    path.pop_back();
                    continue;
                }
                const std::uint32_t target = targets[top.next++];
                if (skip[target] || state[target] == kDone) {
                    continue;
                }
                if (state[target] == kOpen) {
                    std::vector<std::string> names;
                    auto it = std::find_if(path.begin(), path.end(),
                                           [&](const Frame& f) { return f.node == target; });
                    for (; it != path.end(); ++it) {
                        names.push_back(result_.nodes[it->node].name);
                    }
                    names.push_back(result_.nodes[target].name);
                    fail("node " + names.front(), fmt::format("the cycle {} holds neither state nor a delay",
                                                              fmt::join(names, " -> ")));
                }
                state[target] = kOpen;
                path.push_back({target, 0});
            }
        }
    }

    const std::string& file_;
    FlatGraph result_;
};

}  // namespace

FlatGraph flatten(const Network& network, const std::string& file) {
    return Flattener(file).run(network);
}

}  // namespace memprop::host::nir
