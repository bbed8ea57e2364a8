#include "host_runtime/cli/inspect_drawing.hpp"

#include <filesystem>

#include "crossbar/base/terminal.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/exchange/drawing.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/kind.hpp"
#include "host_runtime/nir/to_network.hpp"
#include "host_runtime/results/checkpoint.hpp"
#include "learning/resolve.hpp"

namespace memprop::host::cli {
namespace {

learning::ResolvedNetwork network_of(const std::string& file) {
    if (std::filesystem::path(file).extension() == ".toml") {
        return learning::resolve(load_experiment(file, {}));
    }
    if (nir::is_checkpoint(file)) {
        return learning::resolve(read_config(open_checkpoint(file)));
    }
    const nir::Network network = load_network(file);
    bool states_its_own = false;
    const Discretisation discretisation = discretisation_of(network, file, states_its_own);
    learning::ResolvedNetwork resolved;
    resolved.network = to_network(nir::flatten(network, file), file, discretisation).network;
    return resolved;
}

}  // namespace

void print_drawing(const std::string& file, bool json) {
    const learning::ResolvedNetwork resolved = network_of(file);
    if (json) {
        put("{}\n", network_json(resolved.network, resolved.projections)
                        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        put_text(network_dot(resolved.network, resolved.projections));
    }
}

}  // namespace memprop::host::cli
