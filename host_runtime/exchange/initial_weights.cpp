#include "host_runtime/exchange/initial_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host {
namespace {

using learning::ExperimentConfig;
using nir::FlatGraph;
using nir::FlatNode;
using nir::NodeType;

constexpr std::string_view kForm =
    "training knows Input -> Linear -> LIF (-> Linear -> LIF) -> Linear -> LI -> Output";

class Reader {
public:
    Reader(const FlatGraph& graph, const std::string& file, const ExperimentConfig& config)
        : graph_(graph), file_(file), config_(config) {}

    learning::NetworkWeights read() const {
        const std::uint32_t neurons = only_of(NodeType::lif), readouts = only_of(NodeType::leaky_integrator);
        for (const FlatNode& node : graph_.nodes) {
            const NodeType type = node.node->type;
            if (!is_weights(type) && !passes(type) && type != NodeType::input && type != NodeType::output &&
                type != NodeType::lif && type != NodeType::leaky_integrator) {
                fail(node, fmt::format("{} has no place in it; {}", nir::to_string(type), kForm));
            }
        }
        check_neurons(graph_.nodes[neurons]);
        check_readouts(graph_.nodes[readouts]);
        const auto& network = config_.network;
        learning::NetworkWeights weights{
            std::vector<double>(static_cast<std::size_t>(network.inputs * network.recurrent)),
            std::vector<double>(static_cast<std::size_t>(network.recurrent * network.recurrent)),
            std::vector<double>(static_cast<std::size_t>(network.recurrent * network.outputs))};
        std::array<bool, 3> found{};
        for (const std::uint32_t target : {neurons, readouts}) {
            for (const std::uint32_t source : origins(target)) {
                const FlatNode& layer = graph_.nodes[source];
                if (!is_weights(layer.node->type)) {
                    fail(layer,
                         fmt::format("reaches {} without weights; {}", graph_.nodes[target].name, kForm));
                }
                const auto from = origins(source);
                if (from.size() != 1) {
                    fail(layer, fmt::format("has {} sources; {}", from.size(), kForm));
                }
                const std::size_t which = projection(graph_.nodes[from.front()], target == neurons, layer);
                if (found[which]) {
                    fail(layer, "is a second connection between the same layers");
                }
                found[which] = true;
                take(layer, graph_.nodes[target], weights[which], which == 1);
            }
        }
        if (!found[0] || !found[2]) {
            throw InputError(fmt::format("{}: the {} weights are missing; {}", file_,
                                         found[0] ? "readout" : "input", kForm));
        }
        return weights;
    }

private:
    static bool is_weights(NodeType type) { return type == NodeType::linear || type == NodeType::affine; }
    static bool passes(NodeType type) { return type == NodeType::flatten; }

    [[noreturn]] void fail(const FlatNode& node, std::string_view reason) const {
        throw InputError(fmt::format("{}: node {}: {}", file_, node.name, reason));
    }

    std::uint32_t only_of(NodeType type) const {
        std::vector<std::uint32_t> found;
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            if (graph_.nodes[i].node->type == type) {
                found.push_back(i);
            }
        }
        if (found.size() != 1) {
            throw InputError(fmt::format("{}: has {} nodes of type {}, one is needed; {}", file_,
                                         found.size(), nir::to_string(type), kForm));
        }
        return found.front();
    }

    /// The sources of a node, seen through nodes that pass values on (inner Inputs and Outputs have sources).
    std::vector<std::uint32_t> origins(std::uint32_t node) const {
        std::vector<std::uint32_t> result;
        std::vector<std::uint32_t> open(graph_.nodes[node].sources);
        while (!open.empty()) {
            const std::uint32_t next = open.back();
            open.pop_back();
            const FlatNode& source = graph_.nodes[next];
            const NodeType type = source.node->type;
            const bool inner =
                (type == NodeType::input || type == NodeType::output) && !source.sources.empty();
            if (passes(type) || inner) {
                open.insert(open.end(), source.sources.begin(), source.sources.end());
            } else {
                result.push_back(next);
            }
        }
        return result;
    }

    std::size_t projection(const FlatNode& source, bool to_neurons, const FlatNode& layer) const {
        if (source.node->type == NodeType::input && to_neurons) {
            return 0;
        }
        if (source.node->type == NodeType::lif) {
            return to_neurons ? 1 : 2;
        }
        fail(layer, fmt::format("connects {} to a place where it does not belong; {}", source.name, kForm));
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
        const nir::Dataset* stored = node.node->find(dataset);
        for (std::uint64_t i = 0; i < node.output_size(); ++i) {
            const double value = stored == nullptr ? missing : nir::number_at(*stored, i);
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
        const double tau = nir::number_at(*target.node->find("tau"), n);
        const double decay = math::exp(-network.time_step_seconds / tau);
        const auto scaling = neurons ? network.input_scaling : network.readout_scaling;
        const nir::Dataset* r = target.node->find("r");
        const double gain = (1.0 - decay) * (r == nullptr ? 1.0 : nir::number_at(*r, n));
        const double ours = scaling == learning::LeakScaling::one ? 1.0 : 1.0 - decay;
        return std::abs(gain / ours - 1.0) < 1e-12 ? 1.0 : gain / ours;
    }

    void take(const FlatNode& layer, const FlatNode& target, std::vector<double>& weights,
              bool recurrent) const {
        const nir::Dataset& stored = *layer.node->find("weight");
        if (stored.shape.size() != 2) {
            fail(layer, fmt::format("weight has {} axes, training knows 2", stored.shape.size()));
        }
        const std::uint64_t post = stored.shape[0], pre = stored.shape[1];
        check_size(layer, post * pre, "the number of weights between these layers",
                   static_cast<std::int64_t>(weights.size()));
        if (const nir::Dataset* bias = layer.node->find("bias")) {
            for (std::uint64_t i = 0; i < h5::element_count(bias->shape); ++i) {
                if (nir::number_at(*bias, i) != 0.0) {
                    fail(layer,
                         fmt::format("bias[{}] = {}: training knows no biases", i, nir::number_at(*bias, i)));
                }
            }
        }
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
    const FlatGraph graph = nir::flatten(network, file);
    return Reader(graph, file, config).read();
}

}  // namespace memprop::host
