// The short form: [network] says inputs, one recurrent population or a stack of them, readouts.
#include <fmt/format.h>

#include <cmath>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "learning/resolve.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::learning {
namespace {

using network::Connect;
using network::ConnectKind;
using network::Population;
using network::Projection;

template <class E>
std::vector<double> choice(E value) {
    return {static_cast<double>(static_cast<int>(value))};
}

/// `count` numbers separated by commas.
std::vector<double> parse_numbers(std::string_view field, const std::string& text, std::size_t count) {
    std::vector<double> numbers;
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    bool good = true;
    while (good && numbers.size() < count) {
        double value = 0.0;
        good = static_cast<bool>(in >> value) && std::isfinite(value);
        numbers.push_back(value);
        char comma = ',';
        if (good && numbers.size() < count) {
            good = static_cast<bool>(in >> comma) && comma == ',';
        }
    }
    std::string rest;
    if (!good || (in >> rest)) {
        throw InputError(field, text, fmt::format("must be {} numbers separated by commas", count));
    }
    for (std::size_t i = 1; field == "network.pseudo_table_edges" && i < count; ++i) {
        if (!(numbers[i] > numbers[i - 1])) {
            throw InputError(field, text, "must ascend");
        }
    }
    return numbers;
}

/// Time constant and adaptation of the neurons [first, first + size) of all.
Population neurons(const NetworkConfig& config, std::string name, std::int64_t first, std::int64_t size) {
    Population p{.name = std::move(name),
                 .size = static_cast<std::uint32_t>(size),
                 .model = config.neuron == NeuronKind::alif ? "alif" : "lif",
                 .parameters = {},
                 .shape = {}};
    const std::int64_t n = config.recurrent;
    if (config.tau_membrane_max_seconds > 0.0 && n > 1) {
        std::vector<double> tau;
        for (std::int64_t j = first; j < first + size; ++j) {
            tau.push_back(config.tau_membrane_seconds *
                          math::exp(math::log(config.tau_membrane_max_seconds / config.tau_membrane_seconds) *
                                    double(j) / double(n - 1)));
        }
        p.set("tau_membrane_seconds", std::move(tau));
    } else {
        p.set("tau_membrane_seconds", {config.tau_membrane_seconds});
    }
    p.set("threshold", {config.threshold});
    p.set("dampening", {config.dampening});
    p.set("refractory_steps", {static_cast<double>(config.refractory_steps)});
    p.set("reset", choice(config.reset));
    p.set("reset_value", {config.reset_value});
    p.set("firing_test", choice(config.firing_test));
    p.set("input_scaling", choice(config.input_scaling));
    p.set("pseudo_derivative", choice(config.pseudo_derivative));
    p.set("pseudo_height", {config.pseudo_height});
    p.set("pseudo_slope", {config.pseudo_slope});
    if (config.pseudo_derivative == PseudoDerivative::table) {
        p.set("pseudo_table_edges",
              parse_numbers("network.pseudo_table_edges", config.pseudo_table_edges, 4));
        p.set("pseudo_table_values",
              parse_numbers("network.pseudo_table_values", config.pseudo_table_values, 5));
    }
    if (config.neuron == NeuronKind::alif) {
        const auto adapting = std::lround(config.adaptive_fraction * double(n));
        std::vector<double> beta;
        for (std::int64_t j = first; j < first + size; ++j) {
            beta.push_back(j + adapting >= n ? config.adaptation_beta : 0.0);
        }
        p.set("adaptation_beta", std::move(beta));
        p.set("tau_adaptation_seconds", {config.tau_adaptation_seconds});
    }
    return p;
}

class ShortForm {
public:
    explicit ShortForm(const ExperimentConfig& config) : config_(config), network_(config.network) {
        out_.network.time_step_seconds = network_.time_step_seconds;
    }

    ResolvedNetwork resolve() {
        const std::int64_t n = network_.recurrent, layers = network_.layers;
        if (layers > n) {
            throw InputError("network.layers", layers, "must be at most network.recurrent");
        }
        if (network_.reset == ResetKind::to_value && !(network_.reset_value < network_.threshold)) {
            throw InputError("network.reset_value", network_.reset_value, "must be below network.threshold");
        }
        const PopulationId inputs = add({.name = "inputs",
                                         .size = static_cast<std::uint32_t>(network_.inputs),
                                         .model = "input",
                                         .parameters = {},
                                         .shape = {}});
        std::vector<PopulationId> layer;
        std::int64_t first = 0;
        for (std::int64_t l = 0; l < layers; ++l) {
            const std::int64_t end =
                (n * (l + 1) + layers - 1) / layers;  // neuron i is of layer i layers / n
            layer.push_back(add(neurons(network_, layers == 1 ? "neurons" : fmt::format("layer{}", l + 1),
                                        first, end - first)));
            first = end;
        }
        Population readouts{.name = "readouts",
                            .size = static_cast<std::uint32_t>(network_.outputs),
                            .model = "leaky_readout",
                            .parameters = {},
                            .shape = {}};
        readouts.set("tau_seconds", {network_.tau_readout_seconds});
        readouts.set("input_scaling", choice(network_.readout_scaling));
        const PopulationId out = add(std::move(readouts));
        connect(layers == 1 ? "w_in" : "w_in1", inputs, layer[0], network_.density_in, network_.init_std_in);
        for (std::size_t l = 0; l < layer.size(); ++l) {
            connect(layers == 1 ? "w_rec" : fmt::format("w_rec{}", l + 1), layer[l], layer[l],
                    network_.density_rec, network_.init_std_rec)
                .delay_steps = 1;
            if (l + 1 < layer.size()) {
                connect(fmt::format("w_in{}", l + 2), layer[l], layer[l + 1], network_.density_rec,
                        network_.init_std_rec)
                    .delay_steps = 1;
            }
        }
        for (std::size_t l = 0; l < layer.size(); ++l) {
            if (network_.layer_readout == LayerReadout::all || l + 1 == layer.size()) {
                Projection& p = connect(layers == 1 ? "w_out" : fmt::format("w_out{}", l + 1), layer[l], out,
                                        network_.density_out, network_.init_std_out);
                p.delay_steps = static_cast<std::uint32_t>(network_.readout_delay_steps);
                p.delay_kind = network::DelayKind::dendritic;
            }
        }
        out_.network.objectives.push_back(
            {.name = "answer", .population = out, .loss = config_.learning.loss, .filter_seconds = 0.0});
        out_.is_classic = layers == 1;
        return std::move(out_);
    }

private:
    PopulationId add(Population population) {
        out_.network.populations.push_back(std::move(population));
        return static_cast<PopulationId>(out_.network.populations.size() - 1);
    }

    Projection& connect(std::string name, PopulationId from, PopulationId to, double density,
                        double weight_std) {
        Projection p;
        p.name = std::move(name);
        p.from = from;
        p.to = to;
        p.connect.kind = density < 1.0 ? ConnectKind::masked : ConnectKind::dense;
        p.connect.density = density;
        p.connect.self = false;
        p.weight_std = weight_std;
        p.rule = "eprop";
        out_.network.projections.push_back(std::move(p));
        const bool to_readouts = out_.network.at(to).model == "leaky_readout";
        ProjectionPlan plan;
        plan.on_devices = find_scheme_kind("update.scheme", config_.update.scheme).make != nullptr;
        plan.rule = plan.rule_name = "eprop";
        plan.learning = config_.learning;
        plan.update = config_.update;
        plan.crossbar = config_.crossbar;
        plan.lr = to_readouts ? config_.learning.lr_out : config_.learning.lr;
        plan.weight_scale_per_us =
            to_readouts ? config_.crossbar.weight_scale_out_per_us : config_.crossbar.weight_scale_per_us;
        out_.projections.push_back(std::move(plan));
        return out_.network.projections.back();
    }

    const ExperimentConfig& config_;
    const NetworkConfig& network_;
    ResolvedNetwork out_;
};

}  // namespace

ResolvedNetwork resolve_short_form(const ExperimentConfig& config) {
    return ShortForm(config).resolve();
}

}  // namespace memprop::learning
