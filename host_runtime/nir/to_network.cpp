#include "host_runtime/nir/to_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/node_values.hpp"
#include "host_runtime/nir/order.hpp"

namespace memprop::host {
namespace {

using network::PopulationId;
using network::Projection;
using nir::FlatNode;
using nir::NodeType;

/// Longer delays go to neurons that remember what is under way: a projection keeps what its source put out in
/// every step.
constexpr double kMostProjectionDelay = 64;

class Conversion {
public:
    Conversion(const nir::FlatGraph& graph, const std::string& file, const Discretisation& discretisation,
               WeightForm form)
        : graph_(graph),
          file_(file),
          d_(discretisation),
          form_(form),
          order_(execution_order(graph)),
          roles_(graph.nodes.size(), Role::passes),
          waits_(graph.nodes.size(), 0),
          maps_(graph.nodes.size()) {
        out_.network.time_step_seconds = d_.dt_seconds;
        out_.places.resize(graph.nodes.size());
    }

    NetworkOfGraph run() {
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            choose_role(i);
        }
        open_delays();
        for (const std::uint32_t output : graph_.outputs) {
            if (roles_[output] == Role::passes) {
                const Origin origin = origin_of(output, graph_.nodes[output].sources.front());
                if (roles_[origin.node] == Role::maps || origin.delay() > 0) {
                    roles_[output] = Role::holds;
                }
            }
        }
        note_uses();
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            add_populations(i);
        }
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            add_projections(i);
        }
        note_ends();
        find_longest_delay();
        return std::move(out_);
    }

private:
    enum class Role : std::uint8_t {
        passes,  ///< stands for its only source
        maps,    ///< a linear map
        holds,   ///< a population
    };
    /// Where what an edge delivers comes from, seen through nodes that only pass it on.
    struct Origin {
        std::uint32_t node;
        std::uint32_t wait = 0;                   ///< steps in Delay nodes
        std::uint32_t late = 0;                   ///< edges that close a cycle
        std::optional<std::uint32_t> waits_in{};  ///< a Delay node on the way
        std::uint32_t delay() const { return wait + late; }
    };
    struct Use {
        std::uint32_t node;
        Origin origin;
    };
    /// A linear map.
    struct Map {
        std::vector<Use> uses;                   ///< nodes that it reaches
        std::optional<PopulationId> sum;         ///< of several sources
        std::optional<PopulationId> population;  ///< of what it puts out, if that has to be held
        bool late = false;                       ///< the population holds it a step later
    };

    std::string place(std::uint32_t node) const {
        return fmt::format("{}: node {}", file_, graph_.nodes[node].name);
    }

    void choose_role(std::uint32_t i) {
        const FlatNode& node = graph_.nodes[i];
        const NodeType type = node.node->type;
        if (is_linear_map(type)) {
            roles_[i] = Role::maps;
        } else if (nir::is_neuron(type) || type == NodeType::threshold || node.sources.size() != 1) {
            roles_[i] = Role::holds;
        } else if (type == NodeType::delay) {
            const std::vector<double> steps = delay_steps_of(node, d_.dt_seconds);
            const bool alike =
                std::all_of(steps.begin(), steps.end(), [&](double s) { return s == steps.front(); });
            if (alike && steps.front() <= kMostProjectionDelay) {
                waits_[i] = static_cast<std::uint32_t>(steps.front());
            } else {
                roles_[i] = Role::holds;
            }
        }
    }

    /// Delay nodes hold something themselves if they only feed themselves, or no origin would be found; and
    /// behind sums, which biases may have made something of before the first step.
    void open_delays() {
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            if (graph_.nodes[i].node->type != NodeType::delay || roles_[i] != Role::passes) {
                continue;
            }
            std::uint32_t at = graph_.nodes[i].sources.front();
            for (std::size_t n = 0; n < graph_.nodes.size() && at != i && roles_[at] == Role::passes; ++n) {
                at = graph_.nodes[at].sources.front();
            }
            const NodeType type = graph_.nodes[at].node->type;
            const bool is_source = type == NodeType::input && graph_.nodes[at].sources.empty();
            if (!is_source && !nir::is_neuron(type) && type != NodeType::threshold &&
                !(type == NodeType::delay && roles_[at] == Role::holds)) {
                roles_[i] = Role::holds;
            }
        }
    }

    Origin origin_of(std::uint32_t target, std::uint32_t source) const {
        Origin origin{.node = source};
        origin.late = order_.is_delayed(source, target) ? 1 : 0;
        while (roles_[origin.node] == Role::passes) {
            const std::uint32_t before = graph_.nodes[origin.node].sources.front();
            if (waits_[origin.node] > 0) {
                origin.wait += waits_[origin.node];
                origin.waits_in = origin.node;
            }
            origin.late += order_.is_delayed(before, origin.node) ? 1 : 0;
            origin.node = before;
        }
        return origin;
    }

    bool has_bias(std::uint32_t i) const {
        const FlatNode& node = graph_.nodes[i];
        switch (node.node->type) {
            case NodeType::affine:
            case NodeType::linear:
                return !linear_bias(node).empty();
            case NodeType::conv1d:
            case NodeType::conv2d:
                return !channel_bias(node, node.node->find("weight")->shape.front()).empty();
            default:
                return false;
        }
    }

    /// The steps between what reaches a linear map with one source and what that source has put out.
    std::uint32_t delay_before(std::uint32_t map) const {
        const auto& sources = graph_.nodes[map].sources;
        return sources.size() == 1 ? origin_of(map, sources.front()).delay() : 0;
    }

    void note_uses() {
        for (std::uint32_t target = 0; target < graph_.nodes.size(); ++target) {
            if (roles_[target] == Role::passes) {
                continue;
            }
            for (const std::uint32_t source : graph_.nodes[target].sources) {
                const Origin origin = origin_of(target, source);
                if (roles_[origin.node] == Role::maps) {
                    maps_[origin.node].uses.push_back({target, origin});
                }
            }
        }
    }

    /// Whether feedback keeps the bias of a map back in step 0, which one projection could not say if it has
    /// another delay beside.
    bool bias_is_held_back(std::uint32_t map) const {
        return !d_.first_step_recurrence && delay_before(map) > 0 && has_bias(map);
    }

    /// Whether one projection can carry a linear map to the population that it reaches.
    bool is_one_projection(std::uint32_t map) const {
        const auto& uses = maps_[map].uses;
        if (uses.size() != 1) {
            return false;
        }
        const Use& use = uses.front();
        const bool sums_first = roles_[use.node] == Role::holds || graph_.nodes[use.node].sources.size() > 1;
        return sums_first && use.origin.wait == 0 && use.origin.late <= 1 &&
               !(use.origin.late > 0 && bias_is_held_back(map));
    }

    PopulationId add(network::Population population) {
        out_.network.populations.push_back(std::move(population));
        return static_cast<PopulationId>(out_.network.populations.size() - 1);
    }

    PopulationId add_relay(std::string name, const nir::Shape& shape) {
        network::Population relay;
        for (relay.name = std::move(name); out_.network.find_population(relay.name).has_value();) {
            relay.name += '\'';
        }
        relay.size = static_cast<std::uint32_t>(h5::element_count(shape));
        relay.model = "input";
        relay.shape = shape;
        return add(std::move(relay));
    }

    void add_populations(std::uint32_t i) {
        const FlatNode& node = graph_.nodes[i];
        const NodeType type = node.node->type;
        if (roles_[i] == Role::maps) {
            Map& map = maps_[i];
            if (node.sources.size() > 1) {
                map.sum = add_relay(node.name + " input", node.input_shape);
            }
            if (!is_one_projection(i)) {
                map.population = add_relay(node.name, node.output_shape);
                out_.places[i].population = map.population;
                map.late = !map.uses.empty() && !bias_is_held_back(i) &&
                           std::all_of(map.uses.begin(), map.uses.end(),
                                       [](const Use& use) { return use.origin.late > 0; });
            }
        } else if (roles_[i] == Role::holds) {
            if (nir::is_neuron(type) || type == NodeType::threshold) {
                out_.places[i].population = add(neuron_population(node, d_, place(i)));
            } else {
                const PopulationId id = add_relay(node.name, node.output_shape);
                if (type == NodeType::delay) {
                    make_delay(i, id);
                }
                out_.places[i].population = id;
            }
        }
    }

    /// Delay nodes with several sources hold their sums, then delay them.
    void make_delay(std::uint32_t i, PopulationId id) {
        network::Population& population = out_.network.populations[index_of(id)];
        population.model = "delay";
        std::vector<double> steps = delay_steps_of(graph_.nodes[i], d_.dt_seconds);
        if (std::all_of(steps.begin(), steps.end(), [&](double s) { return s == steps.front(); })) {
            steps.resize(1);
        }
        population.set("delay_steps", std::move(steps));
    }

    Projection& add_projection(std::string name, PopulationId from, PopulationId to, std::uint32_t delay) {
        while (out_.network.find_projection(name).has_value()) {
            name += '\'';
        }
        out_.waits.emplace_back();
        Projection& p = out_.network.projections.emplace_back();
        p.name = std::move(name);
        p.from = from;
        p.to = to;
        p.delay_steps = delay;
        return p;
    }

    void add_projections(std::uint32_t i) {
        if (roles_[i] == Role::holds) {
            lead_to(i, *out_.places[i].population);
        } else if (roles_[i] == Role::maps) {
            Map& map = maps_[i];
            if (map.sum) {
                lead_to(i, *map.sum);
            }
            if (map.population) {
                carry(i, *map.population, map.late ? 1 : 0);
            }
        }
    }

    /// Sources in the order in which their sums are added: by position where files state one, as those of
    /// trained networks do.
    std::vector<std::uint32_t> ordered_sources(std::uint32_t target) const {
        std::vector<std::uint32_t> sources = graph_.nodes[target].sources;
        const auto position = [&](std::uint32_t source) {
            const nir::Node& node = *graph_.nodes[origin_of(target, source).node].node;
            const double stated = node_metadata(node, "position").value_or(0.0);
            return std::isfinite(stated) ? stated : 0.0;
        };
        std::stable_sort(sources.begin(), sources.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return position(a) < position(b); });
        return sources;
    }

    /// Projections for all that reaches a node.
    void lead_to(std::uint32_t target, PopulationId to) {
        for (const std::uint32_t source : ordered_sources(target)) {
            const Origin origin = origin_of(target, source);
            if (roles_[origin.node] == Role::maps && !maps_[origin.node].population) {
                carry(origin.node, to, origin.late);
            } else {
                pass_on(origin, to);
            }
        }
    }

    /// What a population puts out, unchanged.
    void pass_on(const Origin& origin, PopulationId to) {
        const bool is_late = roles_[origin.node] == Role::maps && maps_[origin.node].late;
        const PopulationId from = *out_.places[origin.node].population;
        Projection& p =
            add_projection(fmt::format("{} -> {}", out_.network.at(from).name, out_.network.at(to).name),
                           from, to, origin.delay() - (is_late ? 1 : 0));
        out_.waits.back() = origin.waits_in;
        p.connect.kind = network::ConnectKind::one_to_one;
    }

    /// A linear map, delivered `late` steps after it could be.
    void carry(std::uint32_t map, PopulationId to, std::uint32_t late) {
        PopulationId from{};
        std::uint32_t delay = late;
        std::optional<std::uint32_t> waits_in;
        if (maps_[map].sum) {
            from = *maps_[map].sum;
        } else {
            const Origin origin = origin_of(map, graph_.nodes[map].sources.front());
            const bool is_late = roles_[origin.node] == Role::maps && maps_[origin.node].late;
            from = *out_.places[origin.node].population;
            delay += origin.delay() - (is_late ? 1 : 0);
            waits_in = origin.waits_in;
        }
        Projection& p = add_projection(graph_.nodes[map].name, from, to, delay);
        out_.waits.back() = waits_in;
        out_.places[map].projection = static_cast<network::ProjectionId>(out_.network.projections.size() - 1);
        p.bias_before_arrival = late == 0 || d_.first_step_recurrence;
        set_synapses(p, graph_.nodes[map], d_, form_, place(map));
    }

    void note_ends() {
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            if (roles_[i] == Role::passes) {
                const Origin origin = origin_of(i, graph_.nodes[i].sources.front());
                if (origin.delay() + waits_[i] == 0) {
                    out_.places[i].population = out_.places[origin.node].population;
                }
            }
        }
        for (const std::uint32_t input : graph_.inputs) {
            out_.inputs.push_back(*out_.places[input].population);
        }
        for (const std::uint32_t output : graph_.outputs) {
            out_.outputs.push_back(*out_.places[output].population);
        }
    }

    /// The longest way through Delay nodes; delayed edges would make it endless.
    void find_longest_delay() {
        std::vector<std::uint64_t> way(graph_.nodes.size(), 0);
        for (const std::uint32_t i : order_.nodes) {
            const FlatNode& node = graph_.nodes[i];
            for (const std::uint32_t source : node.sources) {
                if (!order_.is_delayed(source, i)) {
                    way[i] = std::max(way[i], way[source]);
                }
            }
            if (node.node->type == NodeType::delay) {
                const std::vector<double> steps = delay_steps_of(node, d_.dt_seconds);
                way[i] += static_cast<std::uint64_t>(*std::max_element(steps.begin(), steps.end()));
            }
            out_.longest_delay_steps = std::max(out_.longest_delay_steps, way[i]);
        }
    }

    const nir::FlatGraph& graph_;
    const std::string& file_;
    const Discretisation& d_;
    const WeightForm form_;
    const ExecutionOrder order_;
    std::vector<Role> roles_;
    std::vector<std::uint32_t> waits_;  // steps of Delay nodes that only pass on
    std::vector<Map> maps_;
    NetworkOfGraph out_;
};

}  // namespace

NetworkOfGraph to_network(const nir::FlatGraph& graph, const std::string& file,
                          const Discretisation& discretisation, WeightForm form) {
    return Conversion(graph, file, discretisation, form).run();
}

}  // namespace memprop::host
