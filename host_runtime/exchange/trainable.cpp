#include "host_runtime/exchange/trainable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/config/network_text.hpp"
#include "learning/network/models/models.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {
namespace {

using network::ConnectKind;
using network::Population;
using network::PopulationId;
using network::Projection;

constexpr double kFilterSeconds = 20e-3;  // of spikes that are compared with targets

template <class Items>
void rename(Items& items) {
    std::vector<std::string> taken;
    for (auto& item : items) {
        std::replace(item.name.begin(), item.name.end(), '/', '.');
        while (std::find(taken.begin(), taken.end(), item.name) != taken.end()) {
            item.name += '\'';
        }
        taken.push_back(item.name);
    }
}

class Description {
public:
    Description(const NetworkOfGraph& net, const std::string& file) : net_(net), file_(file) {}

    Experiment experiment() {
        for (const Population& population : net_.network.populations) {
            config_.tables.populations.push_back(table_of(population));
        }
        for (const Projection& projection : net_.network.projections) {
            config_.tables.projections.push_back(table_of(projection));
        }
        add_objectives();
        if (std::none_of(config_.tables.projections.begin(), config_.tables.projections.end(),
                         [](const learning::ProjectionTable& p) { return !p.rule.empty(); })) {
            throw InputError(
                fmt::format("{}: has no Linear or Affine node that could learn: nothing of it can "
                            "be trained",
                            file_));
        }
        config_.network.time_step_seconds = net_.network.time_step_seconds;
        config_.task.name = "pattern_generation";
        config_.update.scheme = "vanilla";
        learning::set_sizes(config_);
        check_windows();
        return std::move(config_);
    }

private:
    learning::PopulationTable table_of(const Population& population) const {
        learning::PopulationTable table;
        table.name = population.name;
        table.size = population.size;
        table.model = population.model;
        const auto fields = network::find_model("model", population.model).fields;
        for (const network::Parameter& given : population.parameters) {
            if (given.values.size() > 1 || given.values.front() != find_field(fields, given.name).missing) {
                table.parameters.push_back(given);
            }
        }
        std::vector<std::uint64_t> shape = population.shape;
        while (shape.size() > 2 && shape.front() == 1 && shape.size() > 3) {
            shape.erase(shape.begin());  // axes of 1 in front
        }
        if (shape.size() == 2 || shape.size() == 3) {
            table.shape.assign(shape.begin(), shape.end());
        }
        return table;
    }

    learning::ProjectionTable table_of(const Projection& p) const {
        learning::ProjectionTable table;
        table.name = p.name;
        table.from = net_.network.at(p.from).name;
        table.to = net_.network.at(p.to).name;
        table.connect = p.connect.kind;
        table.self = p.from == p.to;
        table.delay_steps = p.delay_steps;
        table.bias = p.bias;
        table.init_std = 0.0;
        switch (p.connect.kind) {
            case ConnectKind::dense:
                if (can_learn_onto(p.to)) {
                    table.rule = learning::kEprop;
                }
                break;
            case ConnectKind::one_to_one:
                table.init_mean = network::size_of(p.weights) == 0 ? 1.0 : 0.0;
                break;
            case ConnectKind::convolution:
            case ConnectKind::pool:
                set_window(p, table);
                break;
            default:
                throw InputError(
                    fmt::format("{}: node {}: its weight has several matrices, which training "
                                "does not know",
                                file_, p.name));
        }
        return table;
    }

    bool can_learn_onto(PopulationId id) const {
        return network::make_neurons<float>(net_.network.at(id), net_.network.time_step_seconds)
                   ->eligibility() != nullptr;
    }

    void set_window(const Projection& p, learning::ProjectionTable& table) const {
        const network::Window& w = p.connect.window;
        const std::vector<std::uint64_t>& shape = net_.network.at(p.from).shape;
        const bool two = !(shape.size() == 2 && w.height_in == 1);
        const auto both = [&](std::uint64_t y, std::uint64_t x) {
            return two ? std::vector<std::int64_t>{static_cast<std::int64_t>(y), static_cast<std::int64_t>(x)}
                       : std::vector<std::int64_t>{static_cast<std::int64_t>(x)};
        };
        table.kernel = both(w.kernel_height, w.kernel_width);
        table.stride = both(w.stride_y, w.stride_x);
        table.padding = both(w.padding_top, w.padding_left);
        table.dilation = both(w.dilation_y, w.dilation_x);
        table.groups = p.connect.kind == ConnectKind::pool ? 1 : static_cast<std::int64_t>(w.groups);
        table.average = p.connect.factor != 1.0;
    }

    /// One for every population that an Output shows and that is not an input.
    void add_objectives() {
        std::vector<PopulationId> shown;
        for (const PopulationId id : net_.outputs) {
            const bool is_source = std::find(net_.inputs.begin(), net_.inputs.end(), id) != net_.inputs.end();
            if (!is_source && std::find(shown.begin(), shown.end(), id) == shown.end()) {
                shown.push_back(id);
            }
        }
        if (shown.empty()) {
            throw InputError(fmt::format("{}: its Outputs show nothing but Inputs", file_));
        }
        const double dt = net_.network.time_step_seconds;
        std::vector<double> decays;
        for (const PopulationId id : shown) {
            const Population& population = net_.network.at(id);
            config_.tables.objectives.push_back({.name = population.name,
                                                 .population = population.name,
                                                 .loss = learning::Loss::mse,
                                                 .filter_seconds = kFilterSeconds});
            if (network::find_model("model", population.model).spiking) {
                decays.push_back(math::exp(-dt / kFilterSeconds));
                continue;
            }
            const auto neurons = network::make_neurons<double>(population, dt);
            if (neurons->eligibility() == nullptr) {
                throw InputError(
                    fmt::format("{}: node {}: its Output shows delayed values, from which nothing "
                                "can learn",
                                file_, population.name));
            }
            const std::vector<double>& alpha = neurons->eligibility()->alpha;
            decays.insert(decays.end(), alpha.begin(), alpha.end());
        }
        // Traces are filtered as what is read, if that is one filter.
        const bool one = std::all_of(decays.begin(), decays.end(),
                                     [&](double d) { return d == decays.front() && d > 0.0 && d < 1.0; });
        if (!one) {
            config_.learning.eligibility_decay = math::exp(-dt / kFilterSeconds);
        }
    }

    void check_windows() const {
        const network::Network resolved = learning::resolve(config_).network;
        for (std::size_t p = 0; p < resolved.projections.size(); ++p) {
            network::Window window = resolved.projections[p].connect.window,
                            wanted = net_.network.projections[p].connect.window;
            if (resolved.projections[p].connect.kind == ConnectKind::pool) {
                window.groups = wanted.groups;  // of which a pool knows nothing
            }
            if (window != wanted) {
                throw InputError(
                    fmt::format("{}: node {}: its padding or shape is none that training knows "
                                "(the same zeros on both sides)",
                                file_, resolved.projections[p].name));
            }
        }
    }

    const NetworkOfGraph& net_;
    const std::string& file_;
    Experiment config_;
};

}  // namespace

NetworkOfGraph network_to_train(const nir::Network& network, const std::string& file,
                                std::optional<double> dt_seconds) {
    const nir::FlatGraph graph = nir::flatten(network, file);
    bool states_its_own = false;
    Discretisation discretisation = discretisation_of(network, file, states_its_own);
    discretisation.dt_seconds = dt_seconds.value_or(discretisation.dt_seconds);
    if (!states_its_own) {
        discretisation.integrator = Integrator::exponential;
    }
    Discretisation as_stored = discretisation;
    as_stored.arithmetic = Arithmetic::graph;
    as_stored.fires_at_threshold = false;
    if (discretisation.arithmetic == Arithmetic::graph) {
        discretisation.arithmetic = Arithmetic::single;
    }
    NetworkOfGraph net = to_network(graph, file, discretisation);
    NetworkOfGraph stored = to_network(graph, file, as_stored);
    for (std::size_t p = 0; p < net.network.projections.size(); ++p) {
        Projection& projection = net.network.projections[p];
        projection.weights = std::move(stored.network.projections[p].weights);
        projection.unit = 1.0;
        projection.rows_at_once = 0;
    }
    rename(net.network.populations);
    rename(net.network.projections);
    return net;
}

Experiment trainable_experiment(const nir::Network& network, const std::string& file) {
    const NetworkOfGraph net = network_to_train(network, file);
    return Description(net, file).experiment();
}

std::string print_trainable(const nir::Network& network, const std::string& file) {
    const Experiment config = trainable_experiment(network, file);
    std::string text = fmt::format(
        "# Trains {0}: memprop train THIS.toml --init {0}\n"
        "# Linear and Affine weights and biases learn by e-prop with random feedback.\n",
        file);
    for (const learning::ProjectionTable& p : config.tables.projections) {
        if (!p.rule.empty()) {
            continue;
        }
        if (p.connect == ConnectKind::convolution) {
            text += fmt::format("# {}: the weights of a convolution are frozen.\n", p.name);
        } else if (p.connect == ConnectKind::dense) {
            text += fmt::format("# {}: frozen, because {} holds values back.\n", p.name, p.to);
        }
    }
    return text + "\n" + print_network(config);
}

}  // namespace memprop::host
