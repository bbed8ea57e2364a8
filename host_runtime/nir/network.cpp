#include "host_runtime/nir/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/complete.hpp"
#include "host_runtime/nir/rules.hpp"

namespace memprop::host::nir {
namespace {

class NetworkParser {
public:
    explicit NetworkParser(const std::string& file) : file_(file) {}

    Network parse(Group root) {
        Network network;
        if (const Dataset* version = root.find_dataset("version")) {
            network.version = one_string(*version, "dataset version");
        }
        const auto node = std::find_if(root.groups.begin(), root.groups.end(),
                                       [](const Group& group) { return group.name == "node"; });
        if (node == root.groups.end()) {
            fail("root", "group 'node' is missing; a NIR file has one");
        }
        const std::string type = type_of(*node, "root group node");
        if (type != "NIRGraph") {
            fail("root group node", fmt::format("has type '{}', a network is a NIRGraph", type));
        }
        network.graph = graph(*node, "");
        complete_ports(network.graph, file_, warnings_);
        network.warnings = std::move(warnings_);
        return network;
    }

private:
    [[noreturn]] void fail(std::string_view place, std::string_view reason) const {
        throw InputError(fmt::format("{}: {}: {}", file_, place, reason));
    }

    static std::string place_of(const std::string& path) {
        return path.empty() ? "network" : fmt::format("node {}", path);
    }

    std::string one_string(const Dataset& dataset, std::string_view place) const {
        const auto* strings = std::get_if<std::vector<std::string>>(&dataset.values);
        if (strings == nullptr || strings->size() != 1) {
            fail(place, fmt::format("is {} of shape [{}], one string is needed", to_string(dataset.type),
                                    fmt::join(dataset.shape, ", ")));
        }
        return strings->front();
    }

    std::string type_of(const Group& group, const std::string& place) const {
        const Dataset* type = group.find_dataset("type");
        if (type == nullptr) {
            fail(place, "dataset type is missing");
        }
        return one_string(*type, place + ": dataset type");
    }

    /// Takes the metadata out of a group of the file, without what cannot be carried.
    std::optional<Group> metadata(Group& group, const std::string& place) {
        const auto it = std::find_if(group.groups.begin(), group.groups.end(),
                                     [](const Group& child) { return child.name == "metadata"; });
        if (it == group.groups.end()) {
            return std::nullopt;
        }
        Group result = std::move(*it);
        group.groups.erase(it);
        drop_unsupported(result, place);
        return result;
    }

    void drop_unsupported(Group& group, const std::string& place) {
        std::erase_if(group.datasets, [&](const Dataset& dataset) {
            const bool drop = dataset.type == ElementType::unsupported;
            if (drop) {
                warnings_.push_back(
                    fmt::format("{}: metadata {} is of a type that is not kept", place, dataset.name));
            }
            return drop;
        });
        for (Group& child : group.groups) {
            drop_unsupported(child, place);
        }
    }

    Graph graph(Group& group, const std::string& path) {
        const std::string place = place_of(path);
        Graph result;
        result.metadata = metadata(group, place);
        for (const Dataset& dataset : group.datasets) {
            if (dataset.name != "type" && dataset.name != "edges" && !is_legacy_type(dataset)) {
                fail(place, fmt::format("dataset {} does not belong to a NIRGraph", dataset.name));
            }
        }
        Group* members = nullptr;
        for (Group& child : group.groups) {
            if (child.name == "nodes") {
                members = &child;
            } else {
                fail(place, fmt::format("group {} does not belong to a NIRGraph", child.name));
            }
        }
        if (members == nullptr) {
            fail(place, "group nodes is missing");
        }
        if (!members->datasets.empty()) {
            fail(place, fmt::format("group nodes holds the dataset {}, nodes are groups",
                                    members->datasets.front().name));
        }
        for (Group& child : members->groups) {
            result.nodes.push_back(node(child, path.empty() ? child.name : path + "/" + child.name));
        }
        const Dataset* edge_list = group.find_dataset("edges");
        if (edge_list == nullptr) {
            fail(place, "dataset edges is missing");
        }
        result.edges = edges(*edge_list, result, path);
        return result;
    }

    /// Written by no current library, but derivable and harmless.
    static bool is_legacy_type(const Dataset& dataset) {
        return dataset.name == "input_type" || dataset.name == "output_type";
    }

    Node node(Group& group, const std::string& path) {
        const std::string place = place_of(path);
        const std::string type_name = type_of(group, place);
        const TypeRule* type = find_type(type_name);
        if (type == nullptr) {
            std::vector<std::string_view> names;
            for (const TypeRule& rule : type_rules()) {
                names.push_back(rule.name);
            }
            fail(place, fmt::format("unknown type '{}'; known are {}", type_name, fmt::join(names, ", ")));
        }
        Node result;
        result.name = group.name;
        result.type = type->type;
        if (type->type == NodeType::graph) {
            result.subgraph.push_back(graph(group, path));
            return result;
        }
        result.metadata = metadata(group, place);
        if (!group.groups.empty()) {
            fail(place,
                 fmt::format("group {} does not belong to a {}", group.groups.front().name, type_name));
        }
        for (Dataset& dataset : group.datasets) {
            const ParameterRule* rule = find_rule(*type, dataset.name);
            if (rule != nullptr && rule->rule == Rule::shape_or_none &&
                dataset.type == ElementType::unsupported) {
                warnings_.push_back(
                    fmt::format("{}: dataset {} holds no numbers and counts as absent", place, dataset.name));
            } else if (rule != nullptr) {
                drop_batch_axes(*rule, dataset);
                check_parameter(*rule, type_name, dataset,
                                fmt::format("{}: dataset {}", place, dataset.name));
                result.parameters.push_back(std::move(dataset));
            } else if (dataset.name != "type" && !is_legacy_type(dataset)) {
                fail(place, fmt::format("dataset {} does not belong to a {}", dataset.name, type_name));
            }
        }
        for (const ParameterRule& rule : type->parameters) {
            if (rule.required && result.find(rule.name) == nullptr) {
                fail(place, fmt::format("dataset {} is missing, a {} needs it", rule.name, type_name));
            }
        }
        return result;
    }

    /// Axes of 1 in front of a weight with a fixed number of axes say nothing.
    static void drop_batch_axes(const ParameterRule& rule, Dataset& dataset) {
        while (rule.min_rank == rule.max_rank && std::cmp_greater(dataset.shape.size(), rule.max_rank) &&
               dataset.shape.front() == 1) {
            dataset.shape.erase(dataset.shape.begin());
        }
    }

    void check_parameter(const ParameterRule& rule, std::string_view type_name, const Dataset& dataset,
                         const std::string& place) const {
        if (rule.rule == Rule::padding && dataset.type == ElementType::string) {
            const std::string mode = one_string(dataset, place);
            if (mode != "same" && mode != "valid") {
                fail(place, fmt::format("is '{}', allowed are 'same', 'valid' and numbers", mode));
            }
            return;
        }
        const bool small =
            rule.rule != Rule::finite && rule.rule != Rule::positive && rule.rule != Rule::delay;
        if (!dataset.is_number() || (small && dataset.type == ElementType::boolean)) {
            fail(place, fmt::format("is of type {}, numbers are needed", to_string(dataset.type)));
        }
        const auto rank = static_cast<int>(dataset.shape.size());
        if (rank < rule.min_rank || rank > rule.max_rank) {
            fail(place, fmt::format("has {} dimensions (shape [{}]), {} are allowed", rank,
                                    fmt::join(dataset.shape, ", "),
                                    rule.min_rank == rule.max_rank ? fmt::format("{}", rule.min_rank)
                                    : rule.max_rank == kAnyRank
                                        ? fmt::format("{} or more", rule.min_rank)
                                        : fmt::format("{} to {}", rule.min_rank, rule.max_rank)));
        }
        const std::uint64_t count = h5::element_count(dataset.shape);
        if (count == 0 && rule.rule != Rule::shape_or_none) {
            fail(place, fmt::format("is empty (shape [{}])", fmt::join(dataset.shape, ", ")));
        }
        if (small && (count > 64 || !dataset.loaded())) {
            fail(place, fmt::format("has {} entries, at most 64 are allowed", count));
        }
        check_values(type_name, dataset.name, dataset.values, 0, fmt::format("{}: {}", file_, place));
    }

    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges(const Dataset& dataset, const Graph& owner,
                                                               const std::string& path) {
        const std::string place =
            path.empty() ? "dataset edges" : fmt::format("node {}: dataset edges", path);
        if (h5::element_count(dataset.shape) == 0) {
            return {};  // written as an empty array of whatever type
        }
        const auto* names = std::get_if<std::vector<std::string>>(&dataset.values);
        if (names == nullptr || dataset.shape.size() != 2 || dataset.shape[1] != 2) {
            fail(place, fmt::format("is {} of shape [{}], strings of shape [n, 2] are needed",
                                    to_string(dataset.type), fmt::join(dataset.shape, ", ")));
        }
        const auto index_of = [&](const std::string& name, std::size_t edge) {
            const auto it =
                std::lower_bound(owner.nodes.begin(), owner.nodes.end(), name,
                                 [](const Node& n, const std::string& key) { return n.name < key; });
            if (it == owner.nodes.end() || it->name != name) {
                fail(place, fmt::format("edge {} ('{}' -> '{}') names '{}', which is no node{}", edge,
                                        (*names)[2 * edge], (*names)[2 * edge + 1], name,
                                        path.empty() ? "" : " of " + path));
            }
            return static_cast<std::uint32_t>(it - owner.nodes.begin());
        };
        std::vector<std::pair<std::uint32_t, std::uint32_t>> result;
        for (std::size_t i = 0; 2 * i < names->size(); ++i) {
            result.emplace_back(index_of((*names)[2 * i], i), index_of((*names)[2 * i + 1], i));
        }
        std::sort(result.begin(), result.end());
        const auto last = std::unique(result.begin(), result.end());
        if (last != result.end()) {
            warnings_.push_back(fmt::format("{}: {} duplicate edges count once", place, result.end() - last));
            result.erase(last, result.end());
        }
        return result;
    }

    const std::string& file_;
    std::vector<std::string> warnings_;
};

}  // namespace

const Dataset* Node::find(std::string_view dataset) const {
    const auto it = std::find_if(parameters.begin(), parameters.end(),
                                 [&](const Dataset& d) { return d.name == dataset; });
    return it == parameters.end() ? nullptr : &*it;
}

Network parse_network(Group root, const std::string& file) {
    return NetworkParser(file).parse(std::move(root));
}

double number_at(const Dataset& dataset, std::uint64_t i) {
    return std::visit(
        [&](const auto& values) -> double {
            using V = std::decay_t<decltype(values)>;
            if constexpr (std::is_same_v<V, std::monostate> || std::is_same_v<V, std::vector<std::string>>) {
                throw std::logic_error("no numbers in dataset " + dataset.name);
            } else {
                return static_cast<double>(values.size() == 1 ? values[0] : values.at(i));
            }
        },
        dataset.values);
}

std::vector<double> numbers(const Dataset& dataset, std::uint64_t count) {
    std::vector<double> result(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        result[i] = number_at(dataset, i);
    }
    return result;
}

std::vector<std::int64_t> integers(const Dataset& dataset) {
    std::vector<std::int64_t> result(h5::element_count(dataset.shape));
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] = static_cast<std::int64_t>(number_at(dataset, i));
    }
    return result;
}

}  // namespace memprop::host::nir
