#include "host_runtime/chip/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/exchange/layers.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

using learning::ProjectionId;
using nir::FlatGraph;
using nir::FlatNode;
using nir::NodeType;

constexpr std::string_view kForm =
    "the chip runs Input -> Linear -> LIF (-> Linear -> LIF) (-> Linear -> LI) -> Output, Affine for Linear "
    "and IF for LIF";
// Of a layer; no event FIFO (chip.event_fifo_depth) holds more. Refused before memory is taken.
constexpr std::uint64_t kMostNeurons = 1U << 24;

bool is_weights(NodeType type) {
    return type == NodeType::linear || type == NodeType::affine;
}
bool is_neurons(NodeType type) {
    return type == NodeType::lif || type == NodeType::integrate_fire;
}

class Compiler {
public:
    Compiler(const FlatGraph& graph, const std::string& file, const Discretisation& discretisation,
             bool on_devices)
        : graph_(graph),
          file_(file),
          discretisation_(discretisation),
          on_devices_(on_devices),
          placed_(graph.nodes.size(), false) {}

    CompiledNetwork compile() {
        find_layers();
        place_weights(network_.neurons);
        if (network_.readouts) {
            place_weights(*network_.readouts);
        }
        check_outputs();
        refuse_unplaced();
        if (!weights(learning::classic::w_in).node) {
            refuse(network_.neurons, fmt::format("nothing leads from the Input to it; {}", kForm));
        }
        for (CompiledWeights& w : network_.weights) {
            load_weights(w);
        }
        set_sizes();
        set_neurons();
        return std::move(network_);
    }

private:
    [[noreturn]] void refuse(std::uint32_t node, std::string_view reason) const {
        refuse_node(file_, graph_.nodes[node], reason);
    }
    NodeType type(std::uint32_t node) const { return graph_.nodes[node].node->type; }
    const std::string& name(std::uint32_t node) const { return graph_.nodes[node].name; }
    std::string place(std::uint32_t node) const { return fmt::format("{}: node {}", file_, name(node)); }
    CompiledWeights& weights(ProjectionId id) { return network_.weights[static_cast<std::size_t>(id)]; }

    void find_layers() {
        std::optional<std::uint32_t> neurons;
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            const bool spiking = is_neurons(type(i)), readout = type(i) == NodeType::leaky_integrator;
            if (spiking && neurons) {
                refuse(i, fmt::format("is a second layer of neurons beside {}: the chip updates all its "
                                      "neurons once in a step; {}",
                                      name(*neurons), kForm));
            }
            if (readout && network_.readouts) {
                refuse(i, fmt::format("is a second layer of readouts beside {}; {}", name(*network_.readouts),
                                      kForm));
            }
            if (spiking) {
                neurons = i;
            } else if (readout) {
                network_.readouts = i;
            } else if (!is_weights(type(i)) && type(i) != NodeType::flatten && type(i) != NodeType::delay &&
                       type(i) != NodeType::input && type(i) != NodeType::output) {
                refuse(i, fmt::format("the chip has no unit for {}; {}", nir::to_string(type(i)), kForm));
            }
            placed_[i] = spiking || readout || type(i) == NodeType::flatten || type(i) == NodeType::input ||
                         type(i) == NodeType::output;
        }
        if (graph_.inputs.size() > 1) {
            refuse(graph_.inputs[1], fmt::format("is a second Input; {}", kForm));
        }
        if (!neurons) {
            throw InputError(fmt::format("{}: has no LIF or IF node; {}", file_, kForm));
        }
        network_.neurons = *neurons;
    }

    std::uint32_t only_origin(std::uint32_t node) const {
        const std::vector<std::uint32_t> from = origins(graph_, node);
        if (from.size() != 1) {
            refuse(node, fmt::format("has {} sources; {}", from.size(), kForm));
        }
        return from.front();
    }

    void place_weights(std::uint32_t target) {
        for (const std::uint32_t layer : origins(graph_, target)) {
            if (!is_weights(type(layer))) {
                refuse(layer, fmt::format("reaches {} without weights; {}", name(target), kForm));
            }
            std::uint32_t from = only_origin(layer);
            const bool to_readouts = target != network_.neurons;
            if (type(from) == NodeType::delay && to_readouts) {
                check_delay(from);
                network_.delay = from;
                placed_[from] = true;
                from = only_origin(from);
            }
            if (!is_neurons(type(from)) && (type(from) != NodeType::input || to_readouts)) {
                refuse(layer, fmt::format("connects {} to {}; {}", name(from), name(target), kForm));
            }
            const ProjectionId id = to_readouts                     ? learning::classic::w_out
                                    : type(from) == NodeType::input ? learning::classic::w_in
                                                                    : learning::classic::w_rec;
            if (weights(id).node) {
                refuse(layer, fmt::format("is a second connection from {} to {}", name(from), name(target)));
            }
            weights(id).node = layer;
            placed_[layer] = true;
        }
    }

    void check_delay(std::uint32_t node) const {
        const std::vector<double> delay = nir::layer_values(graph_.nodes[node], "delay", 0.0);
        for (std::size_t i = 0; i < delay.size(); ++i) {
            if (std::nearbyint(delay[i] / discretisation_.dt_seconds) != 1.0) {
                refuse(node,
                       fmt::format("delay[{}] = {} s: the chip delays what reaches readouts by one step "
                                   "of {} s or not at all",
                                   i, delay[i], discretisation_.dt_seconds));
            }
        }
        if (on_devices_) {
            refuse(node,
                   "comes before the weights of readouts, which the chip reads before it delays their "
                   "sums: with --crossbar the noise would be another");
        }
    }

    void check_outputs() const {
        for (const std::uint32_t output : graph_.outputs) {
            for (const std::uint32_t from : origins(graph_, output)) {
                if (!is_neurons(type(from)) && type(from) != NodeType::leaky_integrator) {
                    refuse(output, fmt::format("shows {} {}: the chip puts out spikes and readouts; {}",
                                               nir::to_string(type(from)), name(from), kForm));
                }
            }
        }
    }

    void refuse_unplaced() const {
        const auto free = std::find(placed_.begin(), placed_.end(), false);
        if (free != placed_.end()) {
            const auto node = static_cast<std::uint32_t>(free - placed_.begin());
            refuse(node, fmt::format("{} has no place on the chip; {}", nir::to_string(type(node)), kForm));
        }
    }

    void load_weights(CompiledWeights& w) {
        if (!w.node) {
            return;
        }
        const FlatNode& node = graph_.nodes[*w.node];
        const nir::Shape& shape = node.node->find("weight")->shape;
        if (!nir::is_one_matrix(shape)) {
            refuse(*w.node, fmt::format("weight has {} axes, 2 are needed", shape.size()));
        }
        w.rows = static_cast<std::uint32_t>(node.input_size());
        w.columns = static_cast<std::uint32_t>(node.output_size());
        const std::vector<double> bias = linear_bias(node);
        if (on_devices_) {
            if (!bias.empty()) {
                refuse(*w.node,
                       "has a bias: crossbars hold no biases, and the chip has no other place for them");
            }
            return;
        }
        w.weights = trained_weights<float>(node, place(*w.node));
        if (bias.empty()) {
            return;
        }
        if (w.weights.unit != 1.0F || w.weights.tile_rows != w.rows) {
            refuse(*w.node,
                   "has a bias and the scale of a crossbar (metadata memprop): the chip adds a bias "
                   "to weights in units of 1 only");
        }
        if (&w == &weights(learning::classic::w_out) && network_.delay) {
            refuse(*w.node, fmt::format("has a bias after the delay {}: the chip holds back both or none",
                                        name(*network_.delay)));
        }
        if (&w == &weights(learning::classic::w_rec) && !discretisation_.first_step_recurrence) {
            refuse(*w.node,
                   "has a bias that first-step-recurrence = off keeps back in step 0: the chip drives "
                   "a bias in every step");
        }
        w.bias = true;
        w.weights.tile_rows = ++w.rows;
        for (const double b : bias) {
            w.weights.values.push_back(static_cast<float>(b));
        }
    }

    void set_sizes() {
        learning::NetworkConfig config;
        const auto size = [&](std::uint32_t node) {
            if (graph_.nodes[node].output_size() > kMostNeurons) {
                refuse(node, fmt::format("has {} elements; a layer of the chip has at most {}",
                                         graph_.nodes[node].output_size(), kMostNeurons));
            }
            return static_cast<std::int64_t>(graph_.nodes[node].output_size());
        };
        config.inputs = size(graph_.inputs.front());
        config.recurrent = size(network_.neurons);
        config.outputs = network_.readouts ? size(*network_.readouts) : 0;
        if (std::any_of(network_.weights.begin(), network_.weights.end(),
                        [](const CompiledWeights& w) { return w.bias; })) {
            network_.bias_address = static_cast<std::uint32_t>(config.inputs++);
        }
        network_.parameters = learning::NetworkParameters<float>(config);
    }

    /// The chip has one register for what all neurons of a layer share.
    float common(std::uint32_t node, std::string_view parameter, const std::vector<float>& values) const {
        const auto other =
            std::find_if(values.begin(), values.end(), [&](float v) { return v != values[0]; });
        if (other != values.end()) {
            refuse(node, fmt::format("{} differs between neurons ({} of neuron 0, {} of neuron {}): the chip "
                                     "has one for the layer",
                                     parameter, values[0], *other, other - values.begin()));
        }
        return values[0];
    }

    void set_neurons() {
        learning::NetworkParameters<float>& p = network_.parameters;
        const auto trained = [&](std::uint32_t node) {
            TrainedNeurons<float> t =
                trained_neurons<float>(graph_.nodes[node], discretisation_, place(node));
            const auto leak = std::find_if(t.leak.begin(), t.leak.end(), [](float v) { return v != 0.0F; });
            if (leak != t.leak.end()) {
                refuse(node, fmt::format("v_leak of neuron {} is not 0: the chip's neurons decay to 0",
                                         leak - t.leak.begin()));
            }
            return t;
        };
        const TrainedNeurons<float> lif = trained(network_.neurons);
        p.plain_lif = false;
        p.alpha_of = lif.alpha;
        p.gain_of = lif.gain;
        p.beta.assign(lif.alpha.size(), 0.0F);
        p.alpha = lif.alpha[0];
        p.input_gain = lif.gain[0];
        p.threshold = common(network_.neurons, "v_threshold", lif.threshold);
        p.reset_value = common(network_.neurons, "v_reset", lif.reset_value);
        p.fires_at_threshold = discretisation_.fires_at_threshold;
        switch (discretisation_.reset) {
            case ResetRule::file:
            case ResetRule::zero:
                p.reset = learning::ResetKind::to_value;
                break;
            case ResetRule::subtract:
                p.reset = learning::ResetKind::subtract;
                break;
            case ResetRule::subtract_next:
                p.reset = learning::ResetKind::subtract_next;
                break;
            case ResetRule::subtract_carry:
                throw InputError("reset", to_string(discretisation_.reset),
                                 "must be file, zero, subtract or subtract_next on the chip");
        }
        p.keeps_state = true;  // one sample that goes on
        p.readout_delay = network_.delay ? 1 : 0;
        if (network_.readouts) {
            const TrainedNeurons<float> li = trained(*network_.readouts);
            p.kappa = common(*network_.readouts, "tau", li.alpha);
            p.readout_gain = common(*network_.readouts, "r", li.gain);
        }
    }

    const FlatGraph& graph_;
    const std::string& file_;
    const Discretisation& discretisation_;
    const bool on_devices_;
    std::vector<bool> placed_;
    CompiledNetwork network_;
};

}  // namespace

NetworkShape CompiledNetwork::shape() const {
    NetworkShape shape{.inputs = parameters.inputs,
                       .recurrent = parameters.recurrent,
                       .outputs = parameters.outputs,
                       .rows = {},
                       .tile_rows = {},
                       .bias = {}};
    for (std::size_t w = 0; w < weights.size(); ++w) {
        shape.rows[w] = weights[w].rows;
        shape.tile_rows[w] = static_cast<std::uint32_t>(weights[w].weights.tile_rows);
        shape.bias[w] = weights[w].bias;
    }
    return shape;
}

CompiledNetwork compile(const FlatGraph& graph, const std::string& file, const Discretisation& discretisation,
                        bool on_devices) {
    return Compiler(graph, file, discretisation, on_devices).compile();
}

}  // namespace memprop::host
