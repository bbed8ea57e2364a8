#include "host_runtime/nir/complete.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <set>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/build.hpp"
#include "host_runtime/nir/shapes.hpp"

namespace memprop::host::nir {
namespace {

class Completer {
public:
    Completer(const std::string& file, std::vector<std::string>& warnings)
        : file_(file), warnings_(warnings) {}

    void run(Graph& graph) {
        complete_nested(graph, "");
        add_inputs(graph, "");
        add_outputs(graph);
    }

private:
    [[noreturn]] void fail(const std::string& path, std::string_view reason) const {
        throw InputError(fmt::format("{}: node {}: {}", file_, path, reason));
    }

    static std::string join(const std::string& path, const std::string& name) {
        return path.empty() ? name : path + "/" + name;
    }

    static std::uint32_t count_of(const Graph& graph, NodeType type) {
        return static_cast<std::uint32_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                                        [&](const Node& node) { return node.type == type; }));
    }

    /// For every node, whether an edge leads to it (or, with `sources`, leaves it).
    static std::vector<bool> with_edges(const Graph& graph, bool sources) {
        std::vector<bool> result(graph.nodes.size(), false);
        for (const auto& [source, target] : graph.edges) {
            result[sources ? source : target] = true;
        }
        return result;
    }

    /// Nodes without an edge of the kind, ascending; Inputs and Outputs left aside.
    static std::vector<std::uint32_t> without_edges(const Graph& graph, bool sources) {
        const std::vector<bool> has = with_edges(graph, sources);
        std::vector<std::uint32_t> result;
        for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
            const NodeType type = graph.nodes[i].type;
            if (!has[i] && type != NodeType::input && type != NodeType::output) {
                result.push_back(i);
            }
        }
        return result;
    }

    using Neighbours = std::vector<std::vector<std::uint32_t>>;
    /// Targets of every node, or its sources.
    static Neighbours neighbours(const Graph& graph, bool targets) {
        Neighbours result(graph.nodes.size());
        for (const auto& [source, target] : graph.edges) {
            result[targets ? source : target].push_back(targets ? target : source);
        }
        return result;
    }

    static std::vector<bool> reached(const Neighbours& next, std::vector<std::uint32_t> open) {
        std::vector<bool> seen(next.size(), false);
        while (!open.empty()) {
            const std::uint32_t at = open.back();
            open.pop_back();
            if (!seen[at]) {
                seen[at] = true;
                open.insert(open.end(), next[at].begin(), next[at].end());
            }
        }
        return seen;
    }

    struct Addition {
        Node port;
        std::uint32_t neighbour;  // which an Input feeds, or which feeds an Output
    };

    /// Adds nodes with their edges under names that are free, and says so.
    void add(Graph& graph, std::vector<Addition> additions, const std::string& path) {
        std::set<std::string, std::less<>> taken;
        for (const Node& node : graph.nodes) {
            taken.insert(node.name);
        }
        std::vector<std::string> order;
        std::vector<std::pair<std::string, std::string>> edges;
        for (Addition& addition : additions) {
            const std::string wanted = addition.port.name;
            for (int i = 0; !taken.insert(addition.port.name).second; ++i) {
                addition.port.name = fmt::format("{}_{}", wanted, i);
            }
            const std::string &name = addition.port.name, &neighbour = graph.nodes[addition.neighbour].name;
            const bool input = addition.port.type == NodeType::input;
            warnings_.push_back(fmt::format("node {}: no edge {} it; the {} {} was put {} it",
                                            join(path, neighbour), input ? "leads to" : "leaves",
                                            to_string(addition.port.type), join(path, name),
                                            input ? "in front of" : "behind"));
        }
        std::vector<Node> nodes = std::move(graph.nodes);
        const std::size_t old = nodes.size();
        for (Addition& addition : additions) {
            nodes.push_back(std::move(addition.port));
        }
        std::vector<std::uint32_t> by_name(nodes.size()), place(nodes.size());
        std::iota(by_name.begin(), by_name.end(), 0U);
        std::sort(by_name.begin(), by_name.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return nodes[a].name < nodes[b].name; });
        graph.nodes.clear();
        for (std::uint32_t i = 0; i < by_name.size(); ++i) {
            place[by_name[i]] = i;
            graph.nodes.push_back(std::move(nodes[by_name[i]]));
        }
        for (auto& [source, target] : graph.edges) {
            source = place[source];
            target = place[target];
        }
        for (std::size_t k = 0; k < additions.size(); ++k) {
            const std::uint32_t port = place[old + k], neighbour = place[additions[k].neighbour];
            const bool input = graph.nodes[port].type == NodeType::input;
            graph.edges.emplace_back(input ? port : neighbour, input ? neighbour : port);
        }
        std::sort(graph.edges.begin(), graph.edges.end());
    }

    void complete_nested(Graph& graph, const std::string& path) {
        const std::vector<bool> left = with_edges(graph, true);
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
            if (graph.nodes[i].type == NodeType::graph) {
                Graph& inner = graph.nodes[i].subgraph.front();
                const std::string inner_path = join(path, graph.nodes[i].name);
                complete_nested(inner, inner_path);
                if (count_of(inner, NodeType::input) == 0) {
                    add_inputs(inner, inner_path);
                }
                if (left[i]) {
                    need_output(inner, inner_path);
                }
            }
        }
    }

    /// Gives a nested graph that has no Output one at every leaf.
    void need_output(Graph& graph, const std::string& path) {
        if (count_of(graph, NodeType::output) == 0) {
            add_outputs_behind(graph, path, without_edges(graph, true));
        }
    }

    void add_inputs(Graph& graph, const std::string& path) {
        const Neighbours targets = neighbours(graph, true);
        std::vector<Addition> additions;
        for (const std::uint32_t root : without_edges(graph, false)) {
            const Node& node = graph.nodes[root];
            if (node.type == NodeType::graph && count_of(node.subgraph.front(), NodeType::input) != 1) {
                continue;  // it runs by itself, or nobody can say which of its Inputs is meant
            }
            const std::optional<Shape> shape = wanted_shape(graph, targets, root);
            if (!shape) {
                fail(join(path, node.name),
                     "no edge leads to it, and its parameters do not state the shape of what it takes: an "
                     "Input is needed in front of it");
            }
            additions.push_back(
                {nir::node("input_" + node.name, NodeType::input, {shape_dataset(*shape)}), root});
        }
        add(graph, std::move(additions), path);
    }

    static Dataset shape_dataset(const Shape& shape) {
        return whole_numbers("shape", {shape.size()}, std::vector<std::int64_t>(shape.begin(), shape.end()));
    }

    /// The shape that a node takes, as it states it or, behind nodes that leave shapes as they are, as the
    /// nodes behind it do.
    std::optional<Shape> wanted_shape(const Graph& graph, const Neighbours& targets,
                                      std::uint32_t start) const {
        constexpr std::size_t kSearched = 64;
        std::vector<std::uint32_t> open{start};
        std::vector<std::uint32_t> seen;
        while (!open.empty() && seen.size() < kSearched) {
            const std::uint32_t at = open.back();
            open.pop_back();
            if (std::find(seen.begin(), seen.end(), at) != seen.end()) {
                continue;
            }
            seen.push_back(at);
            const Node& node = graph.nodes[at];
            std::optional<Shape> shape =
                node.type == NodeType::graph ? shape_of_nested(node.subgraph.front()) : stated(node);
            if (shape) {
                return shape;
            }
            if (works_elementwise(node.type)) {
                open.insert(open.end(), targets[at].begin(), targets[at].end());
            }
        }
        return std::nullopt;
    }

    std::optional<Shape> stated(const Node& node) const {
        return node.type == NodeType::output
                   ? stored_shape(node.find("shape"))
                   : stated_input_shape(node, fmt::format("{}: node {}", file_, node.name));
    }

    /// Of its only Input.
    static std::optional<Shape> shape_of_nested(const Graph& graph) {
        const auto input = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                        [](const Node& node) { return node.type == NodeType::input; });
        return input == graph.nodes.end() ? std::nullopt : stored_shape(input->find("shape"));
    }

    void add_outputs_behind(Graph& graph, const std::string& path, const std::vector<std::uint32_t>& leaves) {
        std::vector<Addition> additions;
        for (const std::uint32_t leaf : leaves) {
            Node& node = graph.nodes[leaf];
            if (node.type == NodeType::graph) {
                need_output(node.subgraph.front(), join(path, node.name));
                if (count_of(node.subgraph.front(), NodeType::output) != 1) {
                    continue;  // nobody can say which of its Outputs is meant
                }
            }
            additions.push_back({nir::node("output_" + node.name, NodeType::output), leaf});
        }
        add(graph, std::move(additions), path);
    }

    void add_outputs(Graph& graph) {
        std::vector<std::uint32_t> leaves = without_edges(graph, true);
        if (count_of(graph, NodeType::output) > 0) {
            // Only where an Input reaches no Output: other leaves are ends that nobody wants to see.
            std::vector<std::uint32_t> outputs, lost;
            for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
                if (graph.nodes[i].type == NodeType::output) {
                    outputs.push_back(i);
                }
            }
            const std::vector<bool> shown = reached(neighbours(graph, false), std::move(outputs));
            for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
                if (graph.nodes[i].type == NodeType::input && !shown[i]) {
                    lost.push_back(i);
                }
            }
            const std::vector<bool> behind = reached(neighbours(graph, true), std::move(lost));
            std::erase_if(leaves, [&](std::uint32_t leaf) { return !behind[leaf]; });
        }
        add_outputs_behind(graph, "", leaves);
    }

    const std::string& file_;
    std::vector<std::string>& warnings_;
};

}  // namespace

void complete_ports(Graph& graph, const std::string& file, std::vector<std::string>& warnings) {
    Completer(file, warnings).run(graph);
}

}  // namespace memprop::host::nir
