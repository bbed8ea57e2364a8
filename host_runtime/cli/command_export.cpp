// memprop export CHECKPOINT.h5 --out NETWORK.nir: the trained network for other simulators and `run`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/cli/command_list.hpp"
#include "host_runtime/cli/options.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/nir/kind.hpp"
#include "host_runtime/nir/write.hpp"

namespace memprop::host::cli {

int command_export(Arguments arguments) {
    namespace po = boost::program_options;
    po::options_description visible("Options"), hidden;
    visible.add_options()                                                      //
        ("out", po::value<std::string>()->required(), "NIR file to write")     //
        ("json", "print one JSON object on the last line of standard output")  //
        ("help,h", "explain and exit");
    hidden.add_options()("checkpoint", po::value<std::string>()->required());
    po::positional_options_description positional;
    positional.add("checkpoint", 1);
    po::variables_map options;
    if (!parse_options(
            arguments, "memprop export CHECKPOINT.h5 --out NETWORK.nir [--json]", visible, hidden, positional,
            "Writes the trained network, devices at their noise-free state, as a NIR file. `memprop run`\n"
            "computes it as in training: its metadata say how. Other simulators find tau, r and weights as\n"
            "NIR defines them, and v_threshold as the next number below the threshold of training, at\n"
            "which neurons fire already.\n",
            options)) {
        return 0;
    }
    const auto checkpoint = options["checkpoint"].as<std::string>(), out = options["out"].as<std::string>();
    if (!nir::is_checkpoint(checkpoint)) {
        throw InputError(fmt::format("{}: is not a checkpoint of `memprop train`", checkpoint));
    }
    const nir::Network network = network_of_checkpoint(checkpoint);
    for (const std::string& warning : network.warnings) {
        say("memprop: warning: {}: {}\n", checkpoint, warning);
    }
    nir::write_network(network, out);
    if (options.count("json") != 0) {
        const nlohmann::json result{{"checkpoint", checkpoint},
                                    {"network", out},
                                    {"nodes", network.graph.nodes.size()},
                                    {"warnings", network.warnings}};
        put("{}\n", result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        put("{}: {} nodes\n", out, network.graph.nodes.size());
    }
    return 0;
}

}  // namespace memprop::host::cli
