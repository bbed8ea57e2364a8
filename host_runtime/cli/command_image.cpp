// memprop image NETWORK --out FILE: the words that load a network into the cycle-level chip.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/chip/image_of_network.hpp"
#include "host_runtime/chip/image_of_training.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/network_options.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host::cli {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kUsage =
    "memprop image NETWORK --out FILE [options]\n"
    "       memprop image EXPERIMENT.toml --out FILE [--set KEY=VALUE]...";
constexpr std::string_view kNotes =
    "Compiles a network (NIR file or checkpoint.h5) for the cycle-level chip and writes all that a host "
    "writes\n"
    "over the chip's bus to load it: for firmware, boot loaders and test benches of hardware. Of an "
    "experiment:\n"
    "its network with initial weights and the rule by which the chip's cores learn by themselves.\n"
    "docs/chip_image.md describes the file, `memprop config --chip-map c-header` prints the registers.\n";

nlohmann::ordered_json populations_json(const std::vector<hw::chip::ImageFile::Population>& populations) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const auto& population : populations) {
        json.push_back({{"name", population.name},
                        {"first_address", population.first_address},
                        {"size", population.size},
                        {"spikes", population.spikes}});
    }
    return json;
}

/// Of the network of an experiment, with what its cores learn by.
hw::chip::ImageFile image_of_experiment(const po::variables_map& options, const std::string& file) {
    for (const auto& [name, value] : options) {
        if (!value.defaulted() && name != "network" && name != "out" && name != "json" && name != "set") {
            throw InputError(
                fmt::format("--{} does not go with an experiment: its keys are set by --set", name));
        }
    }
    return image_file_of(load_experiment(file, options.count("set") != 0
                                                   ? options["set"].as<std::vector<std::string>>()
                                                   : std::vector<std::string>()));
}

hw::chip::ImageFile image_of_graph(po::variables_map& options, const std::string& file) {
    if (options.count("crossbar") != 0) {
        throw InputError("--crossbar does not go with an image: devices are not made by words on a bus");
    }
    if (options.count("engine") != 0 && options["engine"].as<std::string>() != "cycle") {
        throw InputError("engine", options["engine"].as<std::string>(),
                         "must be cycle: images are for the chip");
    }
    options.erase("engine");
    options.emplace("engine", po::variable_value(std::string("cycle"), false));
    const LoadedNetwork loaded = load_network_with(options, file);
    return image_file_of(*loaded.chip, loaded.discretisation);
}

}  // namespace

int command_image(Arguments arguments) {
    po::options_description visible("Options"), hidden;
    visible.add_options()("help,h", "explain and exit")("out", po::value<std::string>()->required(),
                                                        "file for the words")(
        "json", "print one JSON object on the last line of standard output");
    add_network_options(visible);
    add_engine_options(visible);
    hidden.add_options()("network", po::value<std::string>()->required());
    po::positional_options_description positional;
    positional.add("network", 1);
    po::variables_map options;
    if (!parse_options(arguments, kUsage, visible, hidden, positional, kNotes, options)) {
        return 0;
    }
    const std::string out = options["out"].as<std::string>();
    check_writable("--out", out);
    const auto file = options["network"].as<std::string>();
    const hw::chip::ImageFile image =
        file.ends_with(".toml") ? image_of_experiment(options, file) : image_of_graph(options, file);
    const std::vector<std::uint32_t> words = words_of(image);
    write_text_atomically(out, hw::chip::bytes_of(words));
    if (options.count("json") != 0) {
        const auto& r = image.resources;
        const nlohmann::ordered_json result{{"words", words.size()},
                                            {"bursts", image.bursts.size()},
                                            {"settles", image.settles},
                                            {"resources",
                                             {{"mesh_width", r.mesh_width},
                                              {"mesh_height", r.mesh_height},
                                              {"neurons_per_core", r.neurons_per_core},
                                              {"tiles_per_core", r.tiles_per_core},
                                              {"axon_ranges", r.axon_ranges},
                                              {"delay_slots", r.delay_slots},
                                              {"multicast_trees", r.multicast_trees}}},
                                            {"sources", populations_json(image.sources)},
                                            {"outputs", populations_json(image.outputs)},
                                            {"arrays", image.arrays.size()}};
        put("{}\n", result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        put("{} words in {} bursts\n", words.size(), image.bursts.size());
    }
    return 0;
}

}  // namespace memprop::host::cli
