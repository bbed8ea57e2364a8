// memprop inspect FILE: what a network file holds. Makes all checks of `run`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/inspect_drawing.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/exchange/trainable.hpp"
#include "host_runtime/graph/step_warnings.hpp"
#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;
using nlohmann::json;

json to_json(const nir::Dataset& dataset) {
    json flat = json::array();
    std::visit(
        [&](const auto& values) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(values)>, std::monostate>) {
                for (const auto& value : values) {
                    flat.push_back(value);
                }
            }
        },
        dataset.values);
    return dataset.shape.empty() && flat.size() == 1 ? flat[0] : flat;
}

json to_json(const nir::Group& group) {
    json result = json::object();
    for (const nir::Dataset& dataset : group.datasets) {
        result[dataset.name] = to_json(dataset);
    }
    for (const nir::Group& child : group.groups) {
        result[child.name] = to_json(child);
    }
    return result;
}

json parameter_json(const nir::Dataset& dataset) {
    json result{{"shape", dataset.shape}, {"type", nir::to_string(dataset.type)}};
    constexpr std::uint64_t kShown = 8;
    const std::uint64_t count = h5::element_count(dataset.shape);
    if (count <= kShown || !dataset.is_number()) {
        result["value"] = to_json(dataset);
    } else {
        double low = nir::number_at(dataset, 0), high = low;
        for (std::uint64_t i = 1; i < count; ++i) {
            low = std::min(low, nir::number_at(dataset, i));
            high = std::max(high, nir::number_at(dataset, i));
        }
        result["min"] = low;
        result["max"] = high;
    }
    return result;
}

json network_json(const std::string& file, const nir::Network& network, const nir::FlatGraph& flat) {
    json nodes = json::array(), edges = json::array();
    for (const nir::FlatNode& node : flat.nodes) {
        json parameters = json::object();
        for (const nir::Dataset& dataset : node.node->parameters) {
            parameters[dataset.name] = parameter_json(dataset);
        }
        json entry{{"name", node.name},
                   {"type", nir::to_string(node.node->type)},
                   {"input_shape", node.input_shape},
                   {"output_shape", node.output_shape},
                   {"parameters", parameters}};
        if (node.node->metadata) {
            entry["metadata"] = to_json(*node.node->metadata);
        }
        nodes.push_back(std::move(entry));
        for (const std::uint32_t target : node.targets) {
            edges.push_back({node.name, flat.nodes[target].name});
        }
    }
    json result{{"file", file},
                {"version", network.version},
                {"nodes", nodes},
                {"edges", edges},
                {"warnings", network.warnings}};
    if (network.graph.metadata) {
        result["metadata"] = to_json(*network.graph.metadata);
    }
    return result;
}

void print_text(const json& network) {
    put("{}: NIR network, version {}\n\nNodes:\n", network["file"].get<std::string>(),
        network["version"].get<std::string>());
    for (const json& node : network["nodes"]) {
        put("  {:<24} {:<10} {} -> {}\n", node["name"].get<std::string>(), node["type"].get<std::string>(),
            node["input_shape"].dump(), node["output_shape"].dump());
        for (const auto& [name, parameter] : node["parameters"].items()) {
            const std::string values =
                parameter.contains("value")
                    ? parameter["value"].dump()
                    : fmt::format("{} .. {}", parameter["min"].dump(), parameter["max"].dump());
            put("      {:<12} {} {} {}\n", name, parameter["type"].get<std::string>(),
                parameter["shape"].dump(), values);
        }
    }
    put("\nEdges:\n");
    for (const json& edge : network["edges"]) {
        put("  {} -> {}\n", edge[0].get<std::string>(), edge[1].get<std::string>());
    }
    if (network.contains("metadata")) {
        put("\nMetadata: {}\n", network["metadata"].dump());
    }
}

}  // namespace

int command_inspect(Arguments arguments) {
    po::options_description visible("Options"), hidden;
    visible.add_options()("json", "print one JSON object on the last line of standard output")(
        "dot", "print the network as a graph: for Graphviz or, with --json, for scripts/plot.py")(
        "trainable", "print the experiment that trains the network: for `memprop train --init FILE`")(
        "help,h", "explain and exit");
    hidden.add_options()("file", po::value<std::string>()->required());
    po::positional_options_description positional;
    positional.add("file", 1);
    po::variables_map options;
    if (!parse_options(arguments, "memprop inspect FILE [--dot | --trainable] [--json]", visible, hidden,
                       positional,
                       "Prints nodes, edges, shapes and parameters of a network (NIR file or checkpoint.h5); "
                       "makes all checks of\n"
                       "`memprop run` and refuses the same files.\n"
                       "--dot draws populations, projections, sizes, media and rules; FILE may then be an\n"
                       "EXPERIMENT.toml, too.\n"
                       "--trainable names what is in the way, if anything is, and exits with status 2.\n",
                       options)) {
        return 0;
    }
    const auto file = options["file"].as<std::string>();
    if (options.count("dot") != 0) {
        print_drawing(file, options.count("json") != 0);
        return 0;
    }
    nir::Network network = load_network(file);
    bool states_its_own = false;
    const Discretisation discretisation = discretisation_of(network, file, states_its_own);
    if (!states_its_own) {
        for (std::string& warning : step_warnings(network, file, discretisation)) {
            network.warnings.push_back(std::move(warning));
        }
    }
    for (const std::string& warning : network.warnings) {
        say("memprop: warning: {}: {}\n", file, warning);
    }
    if (options.count("trainable") != 0) {
        put_text(print_trainable(network, file));
        return 0;
    }
    const json description = network_json(file, network, nir::flatten(network, file));
    if (options.count("json") != 0) {
        put("{}\n", description.dump(-1, ' ', false, json::error_handler_t::replace));
    } else {
        print_text(description);
    }
    return 0;
}

}  // namespace memprop::host::cli
