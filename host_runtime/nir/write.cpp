#include "host_runtime/nir/write.hpp"

#include <algorithm>

#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/nir/build.hpp"
#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host::nir {
namespace {

constexpr h5::Storage kStorage{.gzip_level = 4, .chunk = {}};

template <class Item>
void sort_by_name(std::vector<Item>& items) {
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.name < b.name; });
}

Group graph_tree(const Graph& graph, const std::string& name);

Group node_tree(const Node& node) {
    if (node.type == NodeType::graph) {
        return graph_tree(node.subgraph.front(), node.name);
    }
    Group group{node.name, node.parameters, {}};
    group.datasets.push_back(text("type", std::string(to_string(node.type))));
    sort_by_name(group.datasets);
    if (node.metadata) {
        group.groups.push_back(*node.metadata);
    }
    return group;
}

Group graph_tree(const Graph& graph, const std::string& name) {
    std::vector<std::string> ends;
    for (const auto& [source, target] : graph.edges) {
        ends.push_back(graph.nodes[source].name);
        ends.push_back(graph.nodes[target].name);
    }
    Group group;
    group.name = name;
    group.datasets.push_back({"edges", ElementType::string, {graph.edges.size(), 2}, std::move(ends)});
    group.datasets.push_back(text("type", "NIRGraph"));
    if (graph.metadata) {
        group.groups.push_back(*graph.metadata);
    }
    Group nodes;
    nodes.name = "nodes";
    for (const Node& node : graph.nodes) {
        nodes.groups.push_back(node_tree(node));
    }
    group.groups.push_back(std::move(nodes));
    return group;
}

void write_dataset(h5::File& file, const std::string& path, const Dataset& dataset) {
    if (dataset.type == ElementType::boolean) {
        const auto& values = std::get<std::vector<std::int64_t>>(dataset.values);
        file.write_booleans(path, std::vector<std::uint8_t>(values.begin(), values.end()), dataset.shape);
        return;
    }
    std::visit(
        [&](const auto& values) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(values)>, std::monostate>) {
                file.write(path, values, dataset.shape, kStorage);
            }
        },
        dataset.values);
}

void write_group(h5::File& file, const std::string& path, const Group& group) {
    for (const Dataset& dataset : group.datasets) {
        write_dataset(file, path + dataset.name, dataset);
    }
    for (const Group& child : group.groups) {
        file.create_group(path + child.name);
        write_group(file, path + child.name + "/", child);
    }
}

}  // namespace

Group to_tree(const Network& network) {
    Group root;
    root.datasets.push_back(text("version", network.version.empty() ? "1.0.7" : network.version));
    root.groups.push_back(graph_tree(network.graph, "node"));
    return root;
}

void write_tree(const Group& tree, const std::filesystem::path& target) {
    write_atomically(target, [&](const std::filesystem::path& temporary) {
        h5::File file = h5::File::create(temporary);
        write_group(file, "", tree);
        file.close();
    });
}

void write_network(const Network& network, const std::filesystem::path& file) {
    const Network checked = parse_network(to_tree(network), file.string());
    flatten(checked, file.string());
    write_tree(to_tree(checked), file);
}

}  // namespace memprop::host::nir
