#include "host_runtime/exchange/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "host_runtime/files/sealed_file.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/from_network.hpp"
#include "host_runtime/nir/kind.hpp"
#include "host_runtime/nir/read.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/results/checkpoint.hpp"
#include "host_runtime/results/checkpoint_check.hpp"
#include "learning/weights/connectivity.hpp"

namespace memprop::host {
namespace {

using learning::ProjectionId;
using learning::ProjectionPlan;
using learning::ResolvedNetwork;

/// What the columns of the stored devices read one row at a time without noise: bit for bit what a forward
/// pass sums up.
GraphWeights read_devices(const h5::File& file, const Experiment& config, const ResolvedNetwork& resolved,
                          ProjectionId id) {
    const network::Projection& projection = resolved.network.at(id);
    const ProjectionPlan& plan = resolved.projections[index_of(id)];
    const auto seed = static_cast<std::uint64_t>(config.run.seed);
    crossbar::CrossbarConfig crossbar = plan.crossbar;
    crossbar.read_noise_scale = crossbar.drift_scale = crossbar.driver_noise = 0.0;
    crossbar.low_frequency = {};
    crossbar.adc_bits = 0;
    crossbar.clamp_reads = false;
    crossbar.read_noise = crossbar::ReadNoise::per_column;
    const std::uint32_t rows = rows_of(resolved.network, projection),
                        columns = columns_of(resolved.network, projection);
    crossbar::SynapseArray array(
        crossbar,
        {.rows = rows,
         .columns = columns,
         .devices_per_polarity = static_cast<std::uint32_t>(plan.update.devices_per_polarity),
         .no_diagonal = !projection.connect.self && projection.from == projection.to,
         .counter = plan.update.device_counter,
         .connected = learning::connected(resolved.network, id, seed)},
        config.task.update_interval_seconds, learning::seed_of(seed, id), learning::array_number(id));
    Hdf5Reader archive(file, fmt::format("/state/{}/devices", projection.name), ranges_of(file, config));
    naming(file.name(), [&] { array.load_devices(archive); });
    array.renew(static_cast<std::int32_t>(latest_tick(file)));
    GraphWeights weights{.values = {},
                         .unit = static_cast<double>(static_cast<float>(plan.weight_scale_per_us)),
                         .tile_rows = crossbar.tile_rows};
    std::vector<float> row_us(columns);
    for (std::uint32_t row = 0; row < rows; ++row) {
        array.read({&row, 1}, 0, 0, row_us);
        for (const float us : row_us) {
            weights.values.push_back(weights.unit * static_cast<double>(us));
        }
    }
    return weights;
}

/// Weights that a projection holds; 0: it has none.
std::size_t weight_count(const network::Network& network, const network::Projection& p) {
    const network::Window& w = p.connect.window;
    switch (p.connect.kind) {
        case network::ConnectKind::sparse:
            return p.connect.column.size();
        case network::ConnectKind::one_to_one:
            return columns_of(network, p);
        case network::ConnectKind::convolution:
            return w.channels_out *
                   (w.channels_in / w.groups * w.kernel_height * w.kernel_width + (p.bias ? 1 : 0));
        case network::ConnectKind::pool:
            return 0;
        default:
            return std::size_t{rows_of(network, p)} * columns_of(network, p);
    }
}

GraphWeights read_weights(const h5::File& file, const Experiment& config, const ResolvedNetwork& resolved,
                          ProjectionId id) {
    const network::Projection& projection = resolved.network.at(id);
    if (resolved.projections[index_of(id)].on_devices) {
        return read_devices(file, config, resolved, id);
    }
    const std::size_t count = weight_count(resolved.network, projection);
    if (count == 0) {
        return {};
    }
    const std::string path = fmt::format("/state/{}/weights", projection.name);
    GraphWeights weights{.values = file.read<double>(path), .unit = 1.0, .tile_rows = 0};
    const bool plain = projection.connect.kind == network::ConnectKind::one_to_one && weights.values.empty();
    if (weights.values.size() != count && !plain) {
        throw InputError(fmt::format("{}: {} has {} values, this network needs {}", file.name(), path,
                                     weights.values.size(), count));
    }
    if (!std::all_of(weights.values.begin(), weights.values.end(),
                     [](double weight) { return std::isfinite(weight); })) {
        throw InputError(fmt::format("{}: {} holds a weight that is not finite", file.name(), path));
    }
    return weights;
}

/// The names that exported networks of one recurrent population have always had.
void use_classic_names(ResolvedNetwork& resolved) {
    if (resolved.is_classic) {
        resolved.network.populations[index_of(learning::classic::inputs)].name = "input";
        resolved.network.populations[index_of(learning::classic::neurons)].name = "lif";
        resolved.network.populations[index_of(learning::classic::readouts)].name = "readout";
    }
}

std::vector<std::string> warnings(const ResolvedNetwork& resolved) {
    std::vector<std::string> result;
    if (std::any_of(resolved.projections.begin(), resolved.projections.end(), [](const ProjectionPlan& p) {
            return p.on_devices && (p.crossbar.adc_bits > 0 || p.crossbar.driver_noise > 0.0);
        })) {
        result.emplace_back("the network holds the weights of the devices, not their converters or drivers");
    }
    return result;
}

}  // namespace

void check_exportable(const learning::ExperimentConfig& config, const std::string& file) {
    if (config.tables.empty() && config.network.neuron == learning::NeuronKind::alif) {
        throw InputError(
            fmt::format("{}: network.neuron = alif: NIR has no neuron with an adaptive threshold", file));
    }
    if (config.tables.empty() && config.network.refractory_steps > 1) {
        throw InputError(fmt::format("{}: network.refractory_steps = {}: NIR has no refractory period", file,
                                     config.network.refractory_steps));
    }
    check_nir_has(learning::resolve(config).network, file);
}

nir::Network network_of_checkpoint(const std::filesystem::path& checkpoint) {
    const h5::File file = open_checkpoint(checkpoint);
    const Experiment config = read_config(file);
    const std::string name = checkpoint.string();
    check_exportable(config, name);
    ResolvedNetwork resolved = learning::resolve(config);
    std::vector<GraphWeights> weights;
    for (std::size_t p = 0; p < resolved.network.projections.size(); ++p) {
        weights.push_back(read_weights(file, config, resolved, static_cast<ProjectionId>(p)));
    }
    use_classic_names(resolved);
    nir::Network network =
        from_network(resolved.network, weights, config.run.precision != learning::Precision::double_, name);
    network = nir::parse_network(nir::to_tree(network), name);  // makes the checks of a file that is read
    nir::flatten(network, name);
    network.warnings = warnings(resolved);
    return network;
}

nir::Network load_network(const std::filesystem::path& file) {
    return nir::is_checkpoint(file) ? network_of_checkpoint(file) : nir::read_network(file);
}

}  // namespace memprop::host
