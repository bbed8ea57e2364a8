#include "host_runtime/nir/from_network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "host_runtime/nir/build.hpp"
#include "host_runtime/nir/projection_node.hpp"
#include "host_runtime/nir/to_network.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::host {
namespace {

using network::ConnectKind;
using network::Network;
using network::NeuronModel;
using network::Population;
using network::PopulationId;
using network::Projection;
using network::ProjectionId;
using nir::NodeType;

const network::Field* field_or_none(const NeuronModel& model, std::string_view name) {
    const auto at = std::find_if(model.fields.begin(), model.fields.end(),
                                 [&](const network::Field& f) { return f.name == name; });
    return at == model.fields.end() ? nullptr : &*at;
}

NodeType type_of(const NeuronModel& model) {
    for (const NodeType type :
         {NodeType::threshold, NodeType::integrator, NodeType::integrate_fire, NodeType::leaky_integrator,
          NodeType::lif, NodeType::cuba_li, NodeType::cuba_lif, NodeType::delay, NodeType::input}) {
        if (nir::to_string(type) == model.nir_type) {
            return type;
        }
    }
    return NodeType::graph;
}

class Writer {
public:
    Writer(const Network& network, bool single, const std::string& place)
        : net_(network), single_(single), place_(place), delays_(network.projections.size()) {}

    void check() {
        choose_discretisation();
        for (const Population& p : net_.populations) {
            check_population(p);
        }
        for (const Projection& p : net_.projections) {
            if (p.receptor != 0) {
                fail("projection", p.name, "reaches a receptor beside the first, which NIR does not have");
            }
            if (p.connect.kind == ConnectKind::pool && is_flat(net_, p)) {
                fail("projection", p.name, "is a pool over [channel, position], which NIR does not have");
            }
            if (!slides(p) && shape_of(net_, p.to).size() > 1 && !keeps_shape(net_, p)) {
                fail("projection", p.name,
                     fmt::format("leads to population {} of shape [{}], which NIR reaches by windows alone",
                                 net_.at(p.to).name, fmt::join(shape_of(net_, p.to), ", ")));
            }
        }
    }

    nir::Network write(const std::vector<GraphWeights>& weights) {
        check();
        name_nodes();
        for (std::size_t p = 0; p < delays_.size(); ++p) {
            delays_[p] = net_.projections[p].delay_steps;
        }
        // An edge that closes a cycle has a step of delay by itself: which edges do is seen from the graph.
        constexpr int kMostRounds = 8;
        for (int round = 0; round < kMostRounds; ++round) {
            nir::Network graph = build(weights);
            if (has_its_delays(graph)) {
                return graph;
            }
        }
        throw InputError(fmt::format("{}: NIR cannot say the delays of its feedback", place_));
    }

private:
    [[noreturn]] void fail(std::string_view kind, std::string_view name, std::string_view reason) const {
        throw InputError(fmt::format("{}: {} {}: {}", place_, kind, name, reason));
    }

    static const NeuronModel& model_of(const Population& p) { return network::find_model("model", p.model); }
    static bool is_relay(const Population& p) { return p.model == "input"; }
    double value(const Population& p, std::string_view name, double missing) const {
        const NeuronModel& model = model_of(p);
        return field_or_none(model, name) != nullptr ? value_of(p, model.fields, name) : missing;
    }

    void check_population(const Population& p) const {
        const NeuronModel& model = model_of(p);
        if (model.nir_type.empty()) {
            fail("population", p.name,
                 fmt::format("NIR has no neuron like model \"{}\" ({})", p.model, model.text));
        }
        if (value(p, "refractory_steps", 0.0) > 1.0) {
            fail("population", p.name,
                 fmt::format("refractory_steps = {}: NIR has no refractory period",
                             value(p, "refractory_steps", 0.0)));
        }
    }

    /// One choice for all populations, or none.
    template <class Set>
    void common(std::string_view parameter, Set&& set) {
        const Population* first = nullptr;
        for (const Population& p : net_.populations) {
            if (field_or_none(model_of(p), parameter) == nullptr) {
                continue;
            }
            const double choice = value(p, parameter, 0.0);
            if (first == nullptr) {
                first = &p;
                set(choice);
            } else if (choice != value(*first, parameter, 0.0)) {
                fail("population", p.name,
                     fmt::format("its {} is another than that of {}: a NIR graph is run with one", parameter,
                                 first->name));
            }
        }
    }

    void choose_discretisation() {
        d_ = {};
        d_.dt_seconds = net_.time_step_seconds;
        d_.integrator = Integrator::exponential;
        d_.arithmetic = single_ ? Arithmetic::single : Arithmetic::double_;
        common("integrator", [&](double v) {
            d_.integrator =
                v == double(network::Integrator::euler) ? Integrator::euler : Integrator::exponential;
        });
        for (const Population& p : net_.populations) {
            if (p.model == "leaky_readout" && d_.integrator == Integrator::euler) {
                fail("population", p.name,
                     "has leaky readouts, which are exponential, beside neurons with integrator = \"euler\": "
                     "a NIR graph is run with one; use model \"li\"");
            }
        }
        common("reset", [&](double v) {
            switch (static_cast<network::ResetKind>(static_cast<int>(v))) {
                case network::ResetKind::subtract_next:
                    d_.reset = ResetRule::subtract_next;
                    break;
                case network::ResetKind::subtract:
                    d_.reset = ResetRule::subtract;
                    break;
                case network::ResetKind::subtract_carry:
                    d_.reset = ResetRule::subtract_carry;
                    break;
                case network::ResetKind::to_value:
                    d_.reset = ResetRule::file;
            }
        });
        common("firing_test",
               [&](double v) { d_.fires_at_threshold = v == double(network::FiringTest::at_or_above); });
        common("current_jump", [&](double v) {
            d_.current_jump =
                v == double(network::CurrentJump::scaled) ? CurrentJump::scaled : CurrentJump::unscaled;
        });
    }

    std::string unique(std::string name) {
        std::replace(name.begin(), name.end(), '/', '.');
        while (!taken_.insert(name).second) {
            name += '\'';
        }
        return name;
    }

    /// Projections keep their names before populations: weights are found by them.
    void name_nodes() {
        for (const Projection& p : net_.projections) {
            projection_names_.push_back(unique(p.name));
        }
        for (const Population& p : net_.populations) {
            population_names_.push_back(unique(p.name));
        }
        std::vector<PopulationId> shown;
        for (const network::Objective& objective : net_.objectives) {
            shown.push_back(objective.population);
        }
        for (std::size_t i = 0; net_.objectives.empty() && i < net_.populations.size(); ++i) {
            if (net_.from(static_cast<PopulationId>(i)).empty()) {
                shown.push_back(static_cast<PopulationId>(i));
            }
        }
        for (const PopulationId id : shown) {
            outputs_.emplace_back(
                id, unique(shown.size() == 1 ? std::string("output") : "output_" + net_.at(id).name));
        }
    }

    std::vector<double> values(const Population& p, std::string_view dataset, double missing) const {
        for (const network::Field& field : model_of(p).fields) {
            if (field.nir == dataset) {
                return values_of(p, field);
            }
        }
        return std::vector<double>(p.size, missing);
    }

    /// NIR scales inputs by 1 - decay; where training does not, r makes up for it.
    std::vector<double> resistances(const Population& p, const std::vector<double>& tau) const {
        std::vector<double> r = values(p, "r", 1.0);
        if (value(p, "input_scaling", 0.0) == double(network::LeakScaling::one)) {
            for (std::size_t j = 0; j < r.size(); ++j) {
                const double decay = d_.integrator == Integrator::euler ? 1.0 - d_.dt_seconds / tau[j]
                                                                        : math::exp(-d_.dt_seconds / tau[j]);
                r[j] *= 1.0 / (1.0 - decay);
            }
        }
        return r;
    }

    std::vector<double> thresholds(const Population& p, std::string_view dataset) const {
        std::vector<double> threshold = values(p, dataset, 0.0);
        for (double& th : threshold) {
            if (d_.fires_at_threshold) {  // elsewhere tests are strict
                th = single_ ? double(std::nextafter(float(th), -std::numeric_limits<float>::infinity()))
                             : std::nextafter(th, -std::numeric_limits<double>::infinity());
            } else if (single_) {
                th = double(float(th));
            }
        }
        return threshold;
    }

    nir::Node neurons(std::size_t i) const {
        const Population& p = net_.populations[i];
        const NodeType type = type_of(model_of(p));
        const nir::Shape shape = shape_of(net_, static_cast<PopulationId>(i));
        std::vector<nir::Dataset> parameters;
        const auto add = [&](std::string name, std::vector<double> numbers) {
            parameters.push_back(nir::doubles(std::move(name), shape, std::move(numbers)));
        };
        if (type == NodeType::threshold) {
            add("threshold", thresholds(p, "threshold"));
        } else if (type == NodeType::delay) {
            std::vector<double> delay = values_of(p, model_of(p).fields, "delay_steps");
            for (double& steps : delay) {
                steps *= d_.dt_seconds;
            }
            add("delay", std::move(delay));
        } else {
            const bool current = nir::has_current(type);
            const bool leaky = type != NodeType::integrator && type != NodeType::integrate_fire;
            const std::string_view tau_name = current ? "tau_mem" : "tau";
            const std::vector<double> tau = values(p, tau_name, 0.0);
            if (leaky) {
                add(std::string(tau_name), tau);
                add("v_leak", values(p, "v_leak", 0.0));
            }
            add("r", leaky ? resistances(p, tau) : values(p, "r", 1.0));
            if (current) {
                add("tau_syn", values(p, "tau_syn", 0.0));
                add("w_in", values(p, "w_in", 1.0));
            }
            if (nir::is_spiking(type)) {
                add("v_threshold", thresholds(p, "v_threshold"));
                add("v_reset", d_.reset == ResetRule::file ? values(p, "v_reset", 0.0)
                                                           : std::vector<double>(p.size, 0.0));
            }
        }
        return nir::node(population_names_[i], type, std::move(parameters));
    }

    /// The nodes that put out what a population does: itself, or what a sum is made of.
    std::vector<std::string> sources_of(PopulationId id) const {
        if (!is_relay(net_.at(id)) || net_.to(id).empty()) {
            return {population_names_[index_of(id)]};
        }
        std::vector<std::string> sources;
        for (const ProjectionId p : net_.to(id)) {
            sources.push_back(projection_names_[index_of(p)]);
        }
        return sources;
    }

    nir::Network build(const std::vector<GraphWeights>& weights) {
        std::vector<nir::Node> nodes;
        nir::EdgeList edges;
        for (std::size_t i = 0; i < net_.populations.size(); ++i) {
            const Population& p = net_.populations[i];
            if (!is_relay(p)) {
                nodes.push_back(neurons(i));
            } else if (net_.to(static_cast<PopulationId>(i)).empty()) {
                const nir::Shape wanted = shape_of(net_, static_cast<PopulationId>(i));
                std::vector<std::int64_t> shape(wanted.begin(), wanted.end());
                const std::uint64_t rank = shape.size();
                nodes.push_back(nir::node(population_names_[i], NodeType::input,
                                          {nir::whole_numbers("shape", {rank}, std::move(shape))}));
            }
        }
        for (std::size_t i = 0; i < net_.projections.size(); ++i) {
            const Projection& p = net_.projections[i];
            nodes.push_back(projection_node(net_, p, projection_names_[i], weights[i], single_, place_));
            std::vector<nir::Dataset> ours{nir::whole_numbers("position", {}, {std::int64_t(i)})};
            if (weights[i].tile_rows > 0) {
                ours.push_back(nir::whole_numbers("tile_rows", {}, {weights[i].tile_rows}));
                ours.push_back(nir::doubles("weight_unit", {}, {weights[i].unit}));
            }
            nodes.back().metadata = nir::metadata(kMetadataGroup, std::move(ours));
            std::vector<std::string> sources = sources_of(p.from);
            const nir::Shape shape = shape_of(net_, p.from);
            const auto lead_through = [&](nir::Node node) {
                for (const std::string& source : sources) {
                    edges.emplace_back(source, node.name);
                }
                sources = {node.name};
                nodes.push_back(std::move(node));
            };
            if (delays_[i] > 0) {
                const std::vector<double> seconds(net_.at(p.from).size, double(delays_[i]) * d_.dt_seconds);
                lead_through(
                    nir::node(beside(i, "_delay"), NodeType::delay, {nir::doubles("delay", shape, seconds)}));
            }
            if (shape.size() > 1 && !slides(p) && !keeps_shape(net_, p)) {
                lead_through(nir::node(
                    beside(i, "_flat"), NodeType::flatten,
                    {nir::whole_numbers("start_dim", {}, {0}), nir::whole_numbers("end_dim", {}, {-1}),
                     nir::whole_numbers("input_type", {shape.size()}, {shape.begin(), shape.end()})}));
            }
            for (const std::string& source : sources) {
                edges.emplace_back(source, projection_names_[i]);
            }
            if (!is_relay(net_.at(p.to))) {
                edges.emplace_back(projection_names_[i], population_names_[index_of(p.to)]);
            }
        }
        for (const auto& [id, name] : outputs_) {
            nodes.push_back(nir::node(name, NodeType::output,
                                      {nir::whole_numbers("shape", {1}, {std::int64_t(net_.at(id).size)})}));
            for (const std::string& source : sources_of(id)) {
                edges.emplace_back(source, name);
            }
        }
        nir::Network graph = nir::network(std::move(nodes), edges);
        graph.version = "1.0.7";
        store(d_, graph);
        return graph;
    }

    std::string beside(std::size_t projection, std::string_view what) const {
        std::string name = fmt::format("{}{}", projection_names_[projection], what);
        while (taken_.contains(name)) {
            name += '\'';
        }
        return name;
    }

    /// Else takes or gives a step where an edge closes a cycle.
    bool has_its_delays(const nir::Network& graph) {
        const NetworkOfGraph back = to_network(nir::flatten(graph, place_), place_, d_);
        bool same = true;
        for (std::size_t i = 0; i < net_.projections.size(); ++i) {
            const auto id = back.network.find_projection(projection_names_[i]);
            if (!id) {
                fail("projection", net_.projections[i].name, "is lost in a NIR graph");
            }
            const std::uint32_t wanted = net_.projections[i].delay_steps,
                                found = back.network.at(*id).delay_steps;
            if (found > wanted && delays_[i] == 0) {
                fail("projection", net_.projections[i].name,
                     "closes a cycle without a delay, where a NIR graph has a step of delay");
            }
            if (found != wanted) {
                delays_[i] = delays_[i] + wanted - found;
                same = false;
            }
        }
        return same;
    }

    const Network& net_;
    const bool single_;
    const std::string& place_;
    Discretisation d_;
    std::set<std::string> taken_;
    std::vector<std::string> population_names_, projection_names_;
    std::vector<std::pair<PopulationId, std::string>> outputs_;
    std::vector<std::uint32_t> delays_;  // of Delay nodes, by projection
};

}  // namespace

nir::Network from_network(const Network& network, const std::vector<GraphWeights>& weights, bool single,
                          const std::string& place) {
    return Writer(network, single, place).write(weights);
}

void check_nir_has(const Network& network, const std::string& place) {
    Writer(network, false, place).check();
}

}  // namespace memprop::host
