#include "host_runtime/nir/build.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::host::nir {

Dataset floats(std::string name, Shape shape, std::vector<float> values) {
    return {std::move(name), ElementType::float32, std::move(shape), std::move(values)};
}

Dataset doubles(std::string name, Shape shape, std::vector<double> values) {
    return {std::move(name), ElementType::float64, std::move(shape), std::move(values)};
}

Dataset whole_numbers(std::string name, Shape shape, std::vector<std::int64_t> values) {
    return {std::move(name), ElementType::int64, std::move(shape), std::move(values)};
}

Dataset text(std::string name, std::string value) {
    return {std::move(name), ElementType::string, {}, std::vector<std::string>{std::move(value)}};
}

Group metadata(std::string_view group_name, std::vector<Dataset> datasets) {
    Group group;
    group.name = group_name;
    group.datasets = std::move(datasets);
    std::sort(group.datasets.begin(), group.datasets.end(),
              [](const Dataset& a, const Dataset& b) { return a.name < b.name; });
    Group all;
    all.name = "metadata";
    all.groups.push_back(std::move(group));
    return all;
}

Node node(std::string name, NodeType type, std::vector<Dataset> parameters) {
    std::sort(parameters.begin(), parameters.end(),
              [](const Dataset& a, const Dataset& b) { return a.name < b.name; });
    Node result;
    result.name = std::move(name);
    result.type = type;
    result.parameters = std::move(parameters);
    return result;
}

Node nested(std::string name, Graph inner) {
    Node result;
    result.name = std::move(name);
    result.type = NodeType::graph;
    result.subgraph.push_back(std::move(inner));
    return result;
}

Graph graph(std::vector<Node> nodes, const EdgeList& edges) {
    Graph result;
    result.nodes = std::move(nodes);
    const auto by_name = [](const Node& a, const Node& b) { return a.name < b.name; };
    std::sort(result.nodes.begin(), result.nodes.end(), by_name);
    const auto twice = std::adjacent_find(result.nodes.begin(), result.nodes.end(),
                                          [](const Node& a, const Node& b) { return a.name == b.name; });
    if (twice != result.nodes.end()) {
        throw InputError(fmt::format("two nodes are named '{}'", twice->name));
    }
    const auto index_of = [&](const std::string& name) {
        const auto it = std::find_if(result.nodes.begin(), result.nodes.end(),
                                     [&](const Node& n) { return n.name == name; });
        if (it == result.nodes.end()) {
            throw InputError(fmt::format("an edge names '{}', which is no node", name));
        }
        return static_cast<std::uint32_t>(it - result.nodes.begin());
    };
    for (const auto& [source, target] : edges) {
        result.edges.emplace_back(index_of(source), index_of(target));
    }
    std::sort(result.edges.begin(), result.edges.end());
    result.edges.erase(std::unique(result.edges.begin(), result.edges.end()), result.edges.end());
    return result;
}

Network network(std::vector<Node> nodes, const EdgeList& edges) {
    Network result;
    result.graph = graph(std::move(nodes), edges);
    return result;
}

}  // namespace memprop::host::nir
