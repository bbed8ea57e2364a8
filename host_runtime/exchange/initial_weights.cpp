#include "host_runtime/exchange/initial_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/exchange/layers.hpp"
#include "host_runtime/exchange/named_weights.hpp"
#include "host_runtime/graph/step_warnings.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

using learning::ExperimentConfig;
using nir::FlatGraph;
using nir::FlatNode;
using nir::NodeType;

class Reader {
public:
    Reader(const FlatGraph& graph, const std::string& file, const ExperimentConfig& config)
        : graph_(graph), file_(file), config_(config) {}

    learning::NetworkWeights read() const {
        const RecurrentLayers layers = recurrent_layers(graph_, file_);
        const FlatNode &neurons = graph_.nodes[layers.neurons], &readouts = graph_.nodes[layers.readouts];
        check_neurons(neurons);
        check_readouts(readouts);
        const auto& network = config_.network;
        learning::NetworkWeights weights{
            std::vector<double>(static_cast<std::size_t>(network.inputs * network.recurrent)),
            std::vector<double>(static_cast<std::size_t>(network.recurrent * network.recurrent)),
            std::vector<double>(static_cast<std::size_t>(network.recurrent * network.outputs))};
        take(graph_.nodes[layers.w_in], neurons, weights[0], false);
        if (layers.w_rec) {
            take(graph_.nodes[*layers.w_rec], neurons, weights[1], true);
        }
        take(graph_.nodes[layers.w_out], readouts, weights[2], false);
        return weights;
    }

private:
    [[noreturn]] void fail(const FlatNode& node, std::string_view reason) const {
        refuse_node(file_, node, reason);
    }

    void check_size(const FlatNode& node, std::uint64_t size, std::string_view key,
                    std::int64_t wanted) const {
        if (size != static_cast<std::uint64_t>(wanted)) {
            fail(node, fmt::format("has {} elements, but {} = {}", size, key, wanted));
        }
    }

    /// All values of a dataset must be `wanted` to single precision.
    void check_value(const FlatNode& node, std::string_view dataset, std::string_view key, double wanted,
                     double missing) const {
        for (std::uint64_t i = 0; i < node.output_size(); ++i) {
            const double value = nir::layer_value(node, dataset, i, missing);
            if (!(std::abs(value - wanted) <= 1e-6 * std::max(1e-300, std::abs(wanted)))) {
                fail(node, fmt::format("{}[{}] = {}, but the experiment has {} = {}", dataset, i, value, key,
                                       wanted));
            }
        }
    }

    void check_neurons(const FlatNode& node) const {
        const auto& network = config_.network;
        check_size(node, node.output_size(), "network.recurrent", network.recurrent);
        check_value(node, "v_leak", "no leak potential: v_leak", 0.0, 0.0);
        check_value(node, "v_threshold", "network.threshold", network.threshold, 0.0);
        if (network.reset == learning::ResetKind::to_value) {
            check_value(node, "v_reset", "network.reset_value", network.reset_value, 0.0);
        }
        if (network.tau_membrane_max_seconds == 0.0) {
            check_value(node, "tau", "network.tau_membrane_seconds", network.tau_membrane_seconds, 0.0);
        }
    }

    void check_readouts(const FlatNode& node) const {
        check_size(node, node.output_size(), "network.outputs", config_.network.outputs);
        check_value(node, "v_leak", "no leak potential: v_leak", 0.0, 0.0);
        check_value(node, "tau", "network.tau_readout_seconds", config_.network.tau_readout_seconds, 0.0);
    }

    /// The experiment's own gain of an input is 1 - decay or 1; r of the file stands for the factor to it.
    double gain_ratio(const FlatNode& target, std::uint64_t n) const {
        const bool neurons = target.node->type == NodeType::lif;
        const auto& network = config_.network;
        const double tau = nir::layer_value(target, "tau", n, 0.0);
        const double decay = math::exp(-network.time_step_seconds / tau);
        const auto scaling = neurons ? network.input_scaling : network.readout_scaling;
        const double gain = (1.0 - decay) * nir::layer_value(target, "r", n, 1.0);
        const double ours = scaling == learning::LeakScaling::one ? 1.0 : 1.0 - decay;
        return std::abs(gain / ours - 1.0) < 1e-12 ? 1.0 : gain / ours;
    }

    void take(const FlatNode& layer, const FlatNode& target, std::vector<double>& weights,
              bool recurrent) const {
        const nir::Dataset& stored = *layer.node->find("weight");
        const std::uint64_t post = layer.output_size(), pre = layer.input_size();
        check_size(layer, post * pre, "the number of weights between these layers",
                   static_cast<std::int64_t>(weights.size()));
        for (std::uint64_t o = 0; o < post; ++o) {
            const double factor = gain_ratio(target, o);
            for (std::uint64_t i = 0; i < pre; ++i) {
                const double w = nir::number_at(stored, o * pre + i);
                if (recurrent && o == i && w != 0.0) {
                    fail(layer,
                         fmt::format("weight[{},{}] = {}: training knows no neuron that excites itself", o, i,
                                     w));
                }
                weights[i * post + o] = w * factor;
            }
        }
    }

    const FlatGraph& graph_;
    const std::string& file_;
    const ExperimentConfig& config_;
};

}  // namespace

learning::NetworkWeights initial_weights(const nir::Network& network, const std::string& file,
                                         const ExperimentConfig& config) {
    if (!config.tables.empty()) {
        return named_weights(network, file, config);
    }
    const FlatGraph graph = nir::flatten(network, file);
    return Reader(graph, file, config).read();
}

std::vector<std::string> initial_weights_warnings(const nir::Network& network, const std::string& file,
                                                  const ExperimentConfig& config) {
    std::vector<std::string> warnings = network.warnings;
    bool states_its_own = false;
    Discretisation ours = discretisation_of(network, file, states_its_own);
    if (!states_its_own || ours.dt_seconds != config.network.time_step_seconds) {
        ours.dt_seconds = config.network.time_step_seconds;
        ours.integrator = Integrator::exponential;
        for (std::string& warning : step_warnings(network, file, ours)) {
            warnings.push_back(std::move(warning));
        }
    }
    return warnings;
}

}  // namespace memprop::host
