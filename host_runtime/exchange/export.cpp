#include "host_runtime/exchange/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "host_runtime/files/sealed_file.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/nir/build.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/kind.hpp"
#include "host_runtime/nir/read.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/results/checkpoint.hpp"
#include "host_runtime/results/checkpoint_check.hpp"
#include "learning/update/scheme.hpp"
#include "learning/weights/connectivity.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::host {
namespace {

using learning::ExperimentConfig;
using learning::ProjectionId;
using nir::NodeType;

struct Projection {
    ProjectionId id{};
    std::uint32_t pre = 0, post = 0;
    std::vector<double> weights;  // [pre][post], unit times a conductance
    double unit = 1.0;            // weight of 1 uS, or 1
    bool on_devices = false;
};

/// What the columns of the stored devices read one row at a time without noise: bit for bit what a forward
/// pass sums up.
void read_devices(const h5::File& file, Experiment config, Projection& p) {
    const ValueRanges ranges = ranges_of(file, config);
    auto& crossbar = config.crossbar;
    crossbar.read_noise_scale = crossbar.drift_scale = crossbar.driver_noise = 0.0;
    crossbar.low_frequency = {};
    crossbar.adc_bits = 0;
    crossbar.clamp_reads = false;
    crossbar.low_frequency = {};
    crossbar.read_noise = crossbar::ReadNoise::per_column;
    const bool recurrent = p.id == learning::classic::w_rec;
    crossbar::SynapseArray array(
        crossbar,
        {.rows = p.pre,
         .columns = p.post,
         .devices_per_polarity = static_cast<std::uint32_t>(config.update.devices_per_polarity),
         .no_diagonal = recurrent,
         .counter = config.update.device_counter,
         .connected = learning::connected(learning::resolve(config).network, p.id,
                                            static_cast<std::uint64_t>(config.run.seed))},
        config.task.update_interval_seconds, static_cast<std::uint64_t>(config.run.seed),
        static_cast<std::uint8_t>(p.id));
    Hdf5Reader archive(
        file, fmt::format("/state/{}/devices", learning::classic::kProjectionNames[static_cast<std::size_t>(p.id)]),
        ranges);
    naming(file.name(), [&] { array.load_devices(archive); });
    array.renew(static_cast<std::int32_t>(latest_tick(file)));
    p.unit = static_cast<double>(static_cast<float>(
        p.id == learning::classic::w_out ? crossbar.weight_scale_out_per_us : crossbar.weight_scale_per_us));
    p.on_devices = true;
    std::vector<float> row_us(p.post);
    for (std::uint32_t row = 0; row < p.pre; ++row) {
        array.read({&row, 1}, 0, 0, row_us);
        for (const float us : row_us) {
            p.weights.push_back(p.unit * static_cast<double>(us));
        }
    }
}

Projection read_projection(const h5::File& file, const Experiment& config, ProjectionId id) {
    const auto inputs = static_cast<std::uint32_t>(config.network.inputs),
               recurrent = static_cast<std::uint32_t>(config.network.recurrent),
               outputs = static_cast<std::uint32_t>(config.network.outputs);
    Projection p{.id = id,
                 .pre = id == learning::classic::w_in ? inputs : recurrent,
                 .post = id == learning::classic::w_out ? outputs : recurrent,
                 .weights = {},
                 .unit = 1.0,
                 .on_devices = false};
    if (learning::find_scheme_kind("update.scheme", config.update.scheme).make != nullptr) {
        read_devices(file, config, p);
        return p;
    }
    const std::string path =
        fmt::format("/state/{}/weights", learning::classic::kProjectionNames[static_cast<std::size_t>(id)]);
    p.weights = file.read<double>(path);
    if (p.weights.size() != std::size_t{p.pre} * p.post) {
        throw InputError(fmt::format("{}: {} has {} values, this network needs {}", file.name(), path,
                                     p.weights.size(), std::size_t{p.pre} * p.post));
    }
    if (!std::all_of(p.weights.begin(), p.weights.end(),
                     [](double weight) { return std::isfinite(weight); })) {
        throw InputError(fmt::format("{}: {} holds a weight that is not finite", file.name(), path));
    }
    return p;
}

nir::Group our_metadata(std::vector<nir::Dataset> datasets) {
    nir::Group group;
    group.name = kMetadataGroup;
    group.datasets = std::move(datasets);
    nir::Group metadata;
    metadata.name = "metadata";
    metadata.groups.push_back(std::move(group));
    return metadata;
}

/// Numbers are stored in the precision in which they were trained; products with the unit need double.
nir::Node linear(const Projection& p, bool single) {
    std::vector<double> weight(p.weights.size());  // [post][pre]
    for (std::size_t i = 0; i < p.pre; ++i) {
        for (std::size_t o = 0; o < p.post; ++o) {
            weight[o * p.pre + i] = p.weights[i * p.post + o];
        }
    }
    const std::string name(learning::classic::kProjectionNames[static_cast<std::size_t>(p.id)]);
    const nir::Shape shape{p.post, p.pre};
    if (!p.on_devices && single) {
        return nir::node(name, NodeType::linear,
                         {nir::floats("weight", shape, std::vector<float>(weight.begin(), weight.end()))});
    }
    return nir::node(name, NodeType::linear, {nir::doubles("weight", shape, std::move(weight))});
}

double gain_factor(learning::LeakScaling scaling, double decay) {
    return scaling == learning::LeakScaling::one ? 1.0 / (1.0 - decay) : 1.0;
}

nir::Node neurons(const ExperimentConfig& config, bool single) {
    const auto& network = config.network;
    const auto count = static_cast<std::uint64_t>(network.recurrent);
    std::vector<double> tau(count, network.tau_membrane_seconds), r(count);
    for (std::uint64_t j = 0; j < count; ++j) {
        if (network.tau_membrane_max_seconds > 0.0 && count > 1) {
            tau[j] *= math::exp(math::log(network.tau_membrane_max_seconds / network.tau_membrane_seconds) *
                                double(j) / double(count - 1));
        }
        r[j] = gain_factor(network.input_scaling, math::exp(-network.time_step_seconds / tau[j]));
    }
    double threshold = network.threshold;
    if (network.firing_test == learning::FiringTest::at_or_above) {
        threshold = single ? double(std::nextafter(float(threshold), -std::numeric_limits<float>::infinity()))
                           : std::nextafter(threshold, -std::numeric_limits<double>::infinity());
    } else if (single) {
        threshold = double(float(threshold));
    }
    const double reset = network.reset == learning::ResetKind::to_value ? network.reset_value : 0.0;
    const auto all = [&](std::string name, double value) {
        return nir::doubles(std::move(name), {count}, std::vector<double>(count, value));
    };
    return nir::node("lif", NodeType::lif,
                     {nir::doubles("tau", {count}, tau), nir::doubles("r", {count}, r), all("v_leak", 0.0),
                      all("v_threshold", threshold), all("v_reset", reset)});
}

nir::Node readout(const ExperimentConfig& config) {
    const auto& network = config.network;
    const auto count = static_cast<std::uint64_t>(network.outputs);
    const double kappa = math::exp(-network.time_step_seconds / network.tau_readout_seconds);
    const auto all = [&](std::string name, double value) {
        return nir::doubles(std::move(name), {count}, std::vector<double>(count, value));
    };
    return nir::node("readout", NodeType::leaky_integrator,
                     {all("tau", network.tau_readout_seconds),
                      all("r", gain_factor(network.readout_scaling, kappa)), all("v_leak", 0.0)});
}

Discretisation discretisation_of_training(const ExperimentConfig& config) {
    Discretisation d;
    d.dt_seconds = config.network.time_step_seconds;
    d.integrator = Integrator::exponential;
    d.reset = config.network.reset == learning::ResetKind::subtract_next ? ResetRule::subtract_next
              : config.network.reset == learning::ResetKind::subtract    ? ResetRule::subtract
                                                                         : ResetRule::file;
    d.arithmetic =
        config.run.precision == learning::Precision::double_ ? Arithmetic::double_ : Arithmetic::single;
    d.fires_at_threshold = config.network.firing_test == learning::FiringTest::at_or_above;
    return d;
}

std::vector<std::string> warnings(const ExperimentConfig& config, bool on_devices) {
    std::vector<std::string> result;
    if (on_devices && (config.crossbar.adc_bits > 0 || config.crossbar.driver_noise > 0.0)) {
        result.emplace_back("the network holds the weights of the devices, not their converters or drivers");
    }
    return result;
}

}  // namespace

void check_exportable(const ExperimentConfig& config, const std::string& file) {
    if (config.network.neuron == learning::NeuronKind::alif) {
        throw InputError(
            fmt::format("{}: network.neuron = alif: NIR has no neuron with an adaptive threshold", file));
    }
    if (config.network.refractory_steps > 1) {
        throw InputError(fmt::format("{}: network.refractory_steps = {}: NIR has no refractory period", file,
                                     config.network.refractory_steps));
    }
}

nir::Network network_of_checkpoint(const std::filesystem::path& checkpoint) {
    const h5::File file = open_checkpoint(checkpoint);
    const Experiment config = read_config(file);
    const std::string name = checkpoint.string();
    check_exportable(config, name);
    const bool single = config.run.precision != learning::Precision::double_;
    std::vector<nir::Node> nodes;
    bool on_devices = false;
    for (const ProjectionId id : {learning::classic::w_in, learning::classic::w_rec, learning::classic::w_out}) {
        const Projection p = read_projection(file, config, id);
        nodes.push_back(linear(p, single));
        on_devices = p.on_devices;
        if (on_devices) {
            nodes.back().metadata =
                our_metadata({nir::whole_numbers("tile_rows", {}, {config.crossbar.tile_rows}),
                              nir::doubles("weight_unit", {}, {p.unit})});
        }
    }
    const auto port = [](const char* port_name, NodeType type, std::int64_t size) {
        return nir::node(port_name, type, {nir::whole_numbers("shape", {1}, {size})});
    };
    nodes.push_back(port("input", NodeType::input, config.network.inputs));
    nodes.push_back(port("output", NodeType::output, config.network.outputs));
    nodes.push_back(neurons(config, single));
    nodes.push_back(readout(config));
    nir::EdgeList edges{{"input", "w_in"}, {"w_in", "lif"},      {"lif", "w_rec"},
                        {"w_rec", "lif"},  {"w_out", "readout"}, {"readout", "output"}};
    if (config.network.readout_delay_steps == 0) {
        edges.emplace_back("lif", "w_out");
    } else {
        const auto count = static_cast<std::uint64_t>(config.network.recurrent);
        nodes.push_back(nir::node(
            "delay", NodeType::delay,
            {nir::doubles("delay", {count}, std::vector<double>(count, config.network.time_step_seconds))}));
        edges.emplace_back("lif", "delay");
        edges.emplace_back("delay", "w_out");
    }
    nir::Network network = nir::network(std::move(nodes), edges);
    network.version = "1.0.7";
    store(discretisation_of_training(config), network);
    network = nir::parse_network(nir::to_tree(network), name);  // makes the checks of a file that is read
    nir::flatten(network, name);
    network.warnings = warnings(config, on_devices);
    return network;
}

nir::Network load_network(const std::filesystem::path& file) {
    return nir::is_checkpoint(file) ? network_of_checkpoint(file) : nir::read_network(file);
}

}  // namespace memprop::host
