#include "host_runtime/chip/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/layer_values.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::host {
namespace {

using network::ConnectKind;
using network::Population;
using network::PopulationId;
using network::Projection;
using network::ProjectionId;
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
/// Passes on what its source puts out.
bool is_plain(const Projection& p) {
    return p.connect.kind == ConnectKind::one_to_one && network::size_of(p.weights) == 0;
}

class Compiler {
public:
    Compiler(const NetworkOfGraph& net, const FlatGraph& graph, const std::string& file,
             const Discretisation& discretisation, bool on_devices)
        : net_(net), graph_(graph), file_(file), discretisation_(discretisation), on_devices_(on_devices) {}

    CompiledNetwork compile() {
        find_layers();
        check_outputs();
        place_weights(out_.neuron_population);
        if (out_.readout_population) {
            place_weights(*out_.readout_population);
        }
        refuse_unplaced();
        if (!weights(learning::classic::w_in).node) {
            refuse(out_.neurons, fmt::format("nothing leads from the Input to it; {}", kForm));
        }
        for (CompiledWeights& w : out_.weights) {
            load_weights(w);
        }
        set_sizes();
        set_neurons();
        return std::move(out_);
    }

private:
    [[noreturn]] void refuse(std::uint32_t node, std::string_view reason) const {
        refuse(graph_.nodes[node].name, reason);
    }
    [[noreturn]] void refuse(std::string_view name, std::string_view reason) const {
        throw InputError(fmt::format("{}: node {}: {}", file_, name, reason));
    }
    NodeType type(std::uint32_t node) const { return graph_.nodes[node].node->type; }
    const std::string& name(std::uint32_t node) const { return graph_.nodes[node].name; }
    const Population& population(PopulationId id) const { return net_.network.at(id); }
    CompiledWeights& weights(ProjectionId id) { return out_.weights[index_of(id)]; }

    std::optional<std::uint32_t> node_of(std::string_view node_name) const {
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            if (graph_.nodes[i].name == node_name) {
                return i;
            }
        }
        return std::nullopt;
    }

    void find_layers() {
        std::optional<std::uint32_t> neurons;
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            const bool spiking = is_neurons(type(i)), readout = type(i) == NodeType::leaky_integrator;
            if (spiking && neurons) {
                refuse(i, fmt::format("is a second layer of neurons beside {}: the chip updates all its "
                                      "neurons once in a step; {}",
                                      name(*neurons), kForm));
            }
            if (readout && out_.readouts) {
                refuse(i, fmt::format("is a second layer of readouts beside {}; {}", name(*out_.readouts),
                                      kForm));
            }
            if (spiking) {
                neurons = i;
            } else if (readout) {
                out_.readouts = i;
                out_.readout_population = net_.places[i].population;
            } else if (!is_weights(type(i)) && type(i) != NodeType::flatten && type(i) != NodeType::delay &&
                       type(i) != NodeType::input && type(i) != NodeType::output) {
                refuse(i, fmt::format("the chip has no unit for {}; {}", nir::to_string(type(i)), kForm));
            }
        }
        if (graph_.inputs.size() > 1) {
            refuse(graph_.inputs[1], fmt::format("is a second Input; {}", kForm));
        }
        if (!neurons) {
            throw InputError(fmt::format("{}: has no LIF or IF node; {}", file_, kForm));
        }
        out_.neurons = *neurons;
        out_.neuron_population = *net_.places[*neurons].population;
    }

    bool is_shown(PopulationId id) const {
        return id == out_.neuron_population || id == out_.readout_population;
    }

    /// What reaches an Output has to be neurons, readouts, or their sum.
    void check_outputs() const {
        for (std::size_t k = 0; k < graph_.outputs.size(); ++k) {
            const PopulationId shown = net_.outputs[k];
            const std::string& output = name(graph_.outputs[k]);
            if (is_shown(shown)) {
                continue;
            }
            const std::vector<ProjectionId> incoming = net_.network.to(shown);
            if (incoming.empty()) {
                refuse_shown(output, population(shown).name);
            }
            for (const ProjectionId p : incoming) {
                const Projection& projection = net_.network.at(p);
                if (const auto delay = net_.waits[index_of(p)]) {
                    refuse_shown(output, name(*delay));
                }
                if (!is_plain(projection)) {
                    refuse_shown(output, projection.name);
                }
                if (!is_shown(projection.from)) {
                    refuse_shown(output, population(projection.from).name);
                }
            }
        }
    }

    [[noreturn]] void refuse_shown(std::string_view output, std::string_view shown) const {
        const auto node = node_of(shown);
        refuse(output, fmt::format("shows {} {}: the chip puts out spikes and readouts; {}",
                                   node ? nir::to_string(type(*node)) : "the sum", shown, kForm));
    }

    void place_weights(PopulationId target) {
        for (const ProjectionId id : net_.network.to(target)) {
            const Projection& p = net_.network.at(id);
            const Population& from = population(p.from);
            if (is_plain(p)) {
                refuse(from.name,
                       fmt::format("reaches {} without weights; {}", population(target).name, kForm));
            }
            const bool to_readouts = target != out_.neuron_population;
            check_delay(id, to_readouts);
            const bool from_input = p.from == net_.inputs.front();
            if (p.from != out_.neuron_population && (!from_input || to_readouts)) {
                refuse(p.name,
                       fmt::format("connects {} to {}; {}", from.name, population(target).name, kForm));
            }
            const ProjectionId place = to_readouts  ? learning::classic::w_out
                                       : from_input ? learning::classic::w_in
                                                    : learning::classic::w_rec;
            if (p.delay_steps != (place == learning::classic::w_rec ? 1U
                                  : out_.delay && to_readouts       ? 1U
                                                                    : 0U)) {
                refuse(p.name, fmt::format("delivers {} steps late what {} puts out; {}", p.delay_steps,
                                           from.name, kForm));
            }
            if (weights(place).node) {
                refuse(p.name, fmt::format("is a second connection from {} to {}", from.name,
                                           population(target).name));
            }
            weights(place).projection = id;
            weights(place).node = node_of(p.name);
        }
    }

    void check_delay(ProjectionId id, bool to_readouts) {
        const Projection& p = net_.network.at(id);
        std::optional<std::uint32_t> delay = net_.waits[index_of(id)];
        if (population(p.from).model == "delay") {
            delay = node_of(population(p.from).name);
        }
        if (!delay) {
            return;
        }
        if (!to_readouts) {
            refuse(p.name, fmt::format("connects {} to {}; {}", name(*delay), population(p.to).name, kForm));
        }
        const std::vector<double> seconds = nir::layer_values(graph_.nodes[*delay], "delay", 0.0);
        for (std::size_t i = 0; i < seconds.size(); ++i) {
            if (p.delay_steps != 1 || std::nearbyint(seconds[i] / discretisation_.dt_seconds) != 1.0) {
                refuse(*delay,
                       fmt::format("delay[{}] = {} s: the chip delays what reaches readouts by one step "
                                   "of {} s or not at all",
                                   i, seconds[i], discretisation_.dt_seconds));
            }
        }
        if (on_devices_) {
            refuse(*delay,
                   "comes before the weights of readouts, which the chip reads before it delays their "
                   "sums: with --crossbar the noise would be another");
        }
        out_.delay = delay;
    }

    void refuse_unplaced() const {
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            const bool placed = (!is_weights(type(i)) && type(i) != NodeType::delay) || i == out_.delay ||
                                std::any_of(out_.weights.begin(), out_.weights.end(),
                                            [&](const CompiledWeights& w) { return w.node == i; });
            if (!placed) {
                refuse(i, fmt::format("{} has no place on the chip; {}", nir::to_string(type(i)), kForm));
            }
        }
    }

    void load_weights(CompiledWeights& w) {
        if (!w.node) {
            return;
        }
        const Projection& p = net_.network.at(*w.projection);
        if (p.connect.kind != ConnectKind::dense) {
            refuse(p.name, fmt::format("weight has {} axes, 2 are needed",
                                       graph_.nodes[*w.node].node->find("weight")->shape.size()));
        }
        w.rows = population(p.from).size;
        w.columns = population(p.to).size;
        if (on_devices_) {
            if (p.bias) {
                refuse(p.name,
                       "has a bias: crossbars hold no biases, and the chip has no other place for them");
            }
            return;
        }
        w.values = std::get<std::vector<float>>(p.weights);
        w.unit = static_cast<float>(p.unit);
        w.tile_rows = p.rows_at_once == 0 ? w.rows : p.rows_at_once;
        if (!p.bias) {
            return;
        }
        if (w.unit != 1.0F || w.tile_rows != w.rows) {
            refuse(p.name,
                   "has a bias and the scale of a crossbar (metadata memprop): the chip adds a bias "
                   "to weights in units of 1 only");
        }
        if (&w == &weights(learning::classic::w_out) && out_.delay) {
            refuse(p.name, fmt::format("has a bias after the delay {}: the chip holds back both or none",
                                       name(*out_.delay)));
        }
        if (!p.bias_before_arrival) {
            refuse(p.name,
                   "has a bias that first-step-recurrence = off keeps back in step 0: the chip drives "
                   "a bias in every step");
        }
        w.bias = true;
        w.tile_rows = ++w.rows;
    }

    void set_sizes() {
        const auto size = [&](PopulationId id) {
            if (population(id).size > kMostNeurons) {
                refuse(population(id).name, fmt::format("has {} elements; a layer of the chip has at most {}",
                                                        population(id).size, kMostNeurons));
            }
            return population(id).size;
        };
        learning::NetworkParameters<float>& p = out_.parameters;
        p.inputs = size(net_.inputs.front());
        p.recurrent = size(out_.neuron_population);
        p.outputs = out_.readout_population ? size(*out_.readout_population) : 0;
        if (std::any_of(out_.weights.begin(), out_.weights.end(),
                        [](const CompiledWeights& w) { return w.bias; })) {
            out_.bias_address = p.inputs++;
        }
    }

    /// The chip has one register for what all neurons of a layer share.
    float common(const Population& layer, std::string_view parameter, std::span<const float> values) const {
        const auto other =
            std::find_if(values.begin(), values.end(), [&](float v) { return v != values[0]; });
        if (other != values.end()) {
            refuse(layer.name,
                   fmt::format("{} differs between neurons ({} of neuron 0, {} of neuron {}): the "
                               "chip has one for the layer",
                               parameter, values[0], *other, other - values.begin()));
        }
        return values[0];
    }

    static std::vector<float> values(const Population& layer, std::string_view parameter) {
        const auto fields = network::find_model("model", layer.model).fields;
        const std::vector<double> all = values_of(layer, fields, parameter);
        std::vector<float> result(all.size());
        std::transform(all.begin(), all.end(), result.begin(),
                       [](double value) { return network::narrow<float>(value); });
        return result;
    }

    /// One value for each neuron.
    static std::vector<float> spread(std::vector<float> values, std::uint32_t size) {
        return values.size() == 1 ? std::vector<float>(size, values[0]) : std::move(values);
    }

    network::Eligibility<float> membrane_of(const Population& layer) const {
        const Population& p = layer;
        const auto fields = network::find_model("model", p.model).fields;
        const bool leaky = std::any_of(fields.begin(), fields.end(),
                                       [](const network::Field& f) { return f.name == "leak_potential"; });
        if (leaky) {
            const std::vector<float> leak = values(p, "leak_potential");
            const auto at = std::find_if(leak.begin(), leak.end(), [](float v) { return v != 0.0F; });
            if (at != leak.end()) {
                refuse(p.name, fmt::format("v_leak of neuron {} is not 0: the chip's neurons decay to 0",
                                           at - leak.begin()));
            }
        }
        network::Eligibility<float> result =
            *network::make_neurons<float>(p, net_.network.time_step_seconds)->eligibility();
        result.alpha = spread(std::move(result.alpha), p.size);
        result.gain = spread(std::move(result.gain), p.size);
        return result;
    }

    void set_neurons() {
        if (discretisation_.reset == ResetRule::subtract_carry) {
            throw InputError("reset", to_string(discretisation_.reset),
                             "must be file, zero, subtract or subtract_next on the chip");
        }
        learning::NetworkParameters<float>& p = out_.parameters;
        const Population& neurons = population(out_.neuron_population);
        const auto fields = network::find_model("model", neurons.model).fields;
        network::Eligibility<float> membrane = membrane_of(neurons);
        p.plain_lif = false;
        p.alpha_of = std::move(membrane.alpha);
        p.gain_of = std::move(membrane.gain);
        p.beta.assign(neurons.size, 0.0F);
        p.alpha = p.alpha_of[0];
        p.input_gain = p.gain_of[0];
        p.threshold = common(neurons, "v_threshold", values(neurons, "threshold"));
        p.reset_value = common(neurons, "v_reset", values(neurons, "reset_value"));
        p.fires_at_threshold = discretisation_.fires_at_threshold;
        p.reset = static_cast<network::ResetKind>(static_cast<int>(value_of(neurons, fields, "reset")));
        p.keeps_state = true;  // one sample that goes on
        p.readout_delay = out_.delay ? 1 : 0;
        if (out_.readout_population) {
            const Population& readouts = population(*out_.readout_population);
            const network::Eligibility<float> li = membrane_of(readouts);
            p.kappa = common(readouts, "tau", li.alpha);
            p.readout_gain = common(readouts, "r", li.gain);
        }
    }

    const NetworkOfGraph& net_;
    const FlatGraph& graph_;
    const std::string& file_;
    const Discretisation& discretisation_;
    const bool on_devices_;
    CompiledNetwork out_;
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
        shape.tile_rows[w] = static_cast<std::uint32_t>(weights[w].tile_rows);
        shape.bias[w] = weights[w].bias;
    }
    return shape;
}

CompiledNetwork compile(const NetworkOfGraph& net, const FlatGraph& graph, const std::string& file,
                        const Discretisation& discretisation, bool on_devices) {
    return Compiler(net, graph, file, discretisation, on_devices).compile();
}

}  // namespace memprop::host
