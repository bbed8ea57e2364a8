#include <fmt/format.h>

#include <istream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/network_text.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/training.hpp"
#include "hw_models/bus/register_text.hpp"
#include "hw_models/chip/memory_map.hpp"

namespace memprop::host::cli {
namespace {

constexpr std::string_view kUsage =
    "memprop config [EXPERIMENT.toml] [--set KEY=VALUE]... [--network | --points FILE]\n"
    "       memprop config --models | --chip-map markdown|c-header";
constexpr std::string_view kNotes =
    "Prints the experiment with every key, its value, meaning and choices; without a file, an experiment of\n"
    "defaults, which are those of the device: memprop config --set crossbar.device=NAME. Keys without "
    "effect\n"
    "are named on standard error.\n"
    "--network prints the network that comes of it: every population with its model and all parameters, "
    "every\n"
    "projection with its size, synapses, medium and rule, as tables that can be read back; that of "
    "[network]\n"
    "too. --models explains neuron models and learning rules and their parameters.\n"
    "--chip-map prints the memory map of the cycle-level chip: a document, or a header for firmware in C.\n"
    "--points FILE (- for standard input) resolves many variants in one go: each line of FILE is a JSON "
    "array\n"
    "of KEY=VALUE strings, each line of the output a JSON object, either {\"config\": {key: value as TOML},\n"
    "\"files\": [keys that name a file], \"keys_without_effect\": [{\"key\", \"value\", \"reason\"}]} or\n"
    "{\"error\": text, \"override\": index of the KEY=VALUE refused, null if several do not go together}.\n"
    "A variant is refused as `memprop train` would refuse it before its first epoch.\n";

/// One line of the answer to --points.
nlohmann::ordered_json resolve(const std::string& base_text, const std::string& base,
                               const std::vector<std::string>& overrides) {
    Experiment config;
    try {
        config = parse_experiment(base_text, base, overrides);
    } catch (const InputError& error) {
        const auto at_fault = override_at_fault(base_text, base, overrides);
        return {{"error", error.what()},
                {"override", at_fault ? nlohmann::ordered_json(*at_fault) : nullptr}};
    }
    try {
        const auto without_effect = check_trainable(config);
        nlohmann::ordered_json resolved = nlohmann::ordered_json::object();
        for (const auto& [key, value] : flatten_experiment(config)) {
            resolved[key] = value;
        }
        std::vector<std::string> files;
        for (const auto& [key, file] : named_files(config)) {
            files.push_back(key);
        }
        return {{"config", resolved},
                {"files", files},
                {"keys_without_effect", without_effect_json(without_effect)}};
    } catch (const InputError& error) {
        return {{"error", error.what()}, {"override", nullptr}};
    }
}

std::vector<std::string> parse_point(const std::string& line, const std::string& source, std::size_t number) {
    try {
        return nlohmann::json::parse(line).get<std::vector<std::string>>();
    } catch (const nlohmann::json::exception& error) {
        throw InputError(
            fmt::format("{}:{}: must be a JSON array of strings: {}", source, number, error.what()));
    }
}

void resolve_points(const std::string& experiment, std::istream& points, const std::string& source) {
    const std::string text = experiment.empty() ? std::string() : read_text(experiment);
    std::string line;
    for (std::size_t number = 1; std::getline(points, line); ++number) {
        put("{}\n", resolve(text, experiment, parse_point(line, source, number))
                        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
}

void print_resolved(const std::string& experiment, const std::vector<std::string>& overrides, bool network) {
    const Experiment config =
        experiment.empty() ? parse_experiment("", "", overrides) : load_experiment(experiment, overrides);
    put_text(network ? print_network(config) : print_experiment(config));
    try {
        say_text(without_effect_text(check_trainable(config)));
    } catch (const InputError& error) {
        say("memprop: training would refuse this: {}\n", error.what());
    }
}

void print_chip_map(const std::string& form) {
    if (form != "markdown" && form != "c-header") {
        throw InputError("--chip-map", form, "must be markdown or c-header");
    }
    const hw::bus::RegisterTable& map = hw::chip::chip_map();
    put_text(form == "markdown" ? hw::bus::markdown(map) : hw::bus::c_header(map));
}

}  // namespace

int command_config(Arguments arguments) {
    namespace po = boost::program_options;
    std::string experiment, points, chip_map;
    std::vector<std::string> overrides;
    bool network = false, models = false;
    po::options_description visible("Options"), hidden;
    visible.add_options()("set", po::value(&overrides)->value_name("KEY=VALUE")->composing(),
                          "override one key; may be repeated")("network", po::bool_switch(&network),
                                                               "print the resolved network as tables")(
        "models", po::bool_switch(&models), "explain neuron models, learning rules and their parameters")(
        "chip-map", po::value(&chip_map)->value_name("FORM"),
        "print the chip's memory map as markdown or c-header")(
        "points", po::value(&points)->value_name("FILE"), "resolve and check the variants listed there")(
        "help,h", "explain and exit");
    hidden.add_options()("experiment", po::value(&experiment));
    po::positional_options_description positional;
    positional.add("experiment", 1);
    po::variables_map values;
    if (!parse_options(arguments, kUsage, visible, hidden, positional, kNotes, values)) {
        return 0;
    }
    if (models) {
        put_text(print_models());
        return 0;
    }
    if (!chip_map.empty()) {
        print_chip_map(chip_map);
        return 0;
    }
    if (points.empty()) {
        print_resolved(experiment, overrides, network);
        return 0;
    }
    if (network) {
        throw InputError("--points resolves many experiments: --network does not go with it");
    }
    if (!overrides.empty()) {
        throw InputError("--points names the overrides of every variant: --set does not go with it");
    }
    const InputOptions limit{.most_bytes = kMostTextBytes, .stopped = {}};
    if (points == "-") {
        resolve_points(experiment, *open_standard_input(limit), "standard input");
        return 0;
    }
    resolve_points(experiment, *open_input(points, limit), points);
    return 0;
}

}  // namespace memprop::host::cli
