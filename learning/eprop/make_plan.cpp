#include "learning/eprop/make_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::learning {
namespace {

using network::index_of;

/// Decay per step of what an objective looks at: its eligibility traces are filtered alike.
template <class Real>
Real decay_of(const network::Network& network, std::size_t objective, std::string_view rule_name) {
    const network::Objective& o = network.objectives[objective];
    const network::Population& population = network.at(o.population);
    if (network::find_model("model", population.model).spiking) {
        return static_cast<Real>(math::exp(-network.time_step_seconds / o.filter_seconds));
    }
    const auto neurons = network::make_neurons<Real>(population, network.time_step_seconds);
    const network::Eligibility<Real>* eligibility = neurons->eligibility();
    if (eligibility == nullptr) {
        throw InputError(fmt::format("objective.{}.population", o.name), population.name,
                         fmt::format("neurons of model \"{}\" cannot be learned from", population.model));
    }
    const std::vector<Real>& alpha = eligibility->alpha;
    if (std::any_of(alpha.begin(), alpha.end(), [&](Real a) { return a != alpha.front(); })) {
        throw InputError(fmt::format("rule {}: eligibility_decay", rule_name), 0,
                         fmt::format("must be set: the time constants of {} differ, and traces are filtered "
                                     "with one",
                                     population.name));
    }
    return alpha.front();
}

template <class Real>
void add_sources(const network::Network& network, const LearningConfig& learning, std::string_view rule_name,
                 LearningPopulation<Real>& population) {
    Real decay = static_cast<Real>(learning.eligibility_decay);
    bool first = true;
    const auto take = [&](std::size_t objective) {
        if (learning.eligibility_decay > 0.0) {
            return;
        }
        const Real own = decay_of<Real>(network, objective, rule_name);
        if (!first && own != decay) {
            throw InputError(fmt::format("rule {}: eligibility_decay", rule_name), 0,
                             "must be set: the objectives have different time constants");
        }
        decay = own;
        first = false;
    };
    for (std::size_t o = 0; o < network.objectives.size(); ++o) {
        const auto target = network.objectives[o].population;
        take(o);
        if (index_of(target) == population.population) {
            continue;
        }
        std::uint32_t delay = 0;
        for (const ProjectionId id : network.to(target)) {
            if (index_of(network.at(id).from) == population.population) {
                delay = network.at(id).delay_steps;
            }
        }
        population.sources.push_back({.objective = o, .size = network.at(target).size, .delay = delay});
    }
    if (population.sources.empty() && !population.objective) {
        throw InputError(
            fmt::format("rule {} learns from errors: the network needs an objective", rule_name));
    }
    population.eligibility_decay = decay;
    population.eligibility_gain =
        learning.eligibility_scaling == LeakScaling::one ? Real{1} : Real{1} - decay;
}

}  // namespace

template <class Real>
EpropPlan<Real> make_eprop_plan(const ResolvedNetwork& resolved, std::string_view rule_name) {
    const network::Network& network = resolved.network;
    EpropPlan<Real> plan;
    for (std::size_t p = 0; p < network.populations.size(); ++p) {
        LearningPopulation<Real> population{.population = p,
                                            .size = network.populations[p].size,
                                            .eligibility = {},
                                            .projections = {},
                                            .sources = {},
                                            .objective = {}};
        const LearningConfig* learning = nullptr;
        for (const ProjectionId id : network.to(static_cast<PopulationId>(p))) {
            const ProjectionPlan& settings = resolved.projections[index_of(id)];
            if (settings.rule != "eprop" || settings.rule_name != rule_name) {
                continue;
            }
            learning = &settings.learning;
            const network::Projection& projection = network.at(id);
            population.projections.push_back(
                {.id = id,
                 .from = index_of(projection.from),
                 .rows = rows_of(network, projection),
                 .columns = population.size,
                 .delay = projection.delay_steps,
                 .receptor = projection.receptor,
                 .bias = projection.bias,
                 .counts_carried = projection.delay_kind == network::DelayKind::axonal,
                 .self = projection.connect.self || projection.from != projection.to,
                 .bias_before_arrival = projection.bias_before_arrival,
                 .sparse = projection.connect.kind == network::ConnectKind::sparse ? &projection.connect
                                                                                   : nullptr});
        }
        if (learning == nullptr) {
            continue;
        }
        for (std::size_t o = 0; o < network.objectives.size(); ++o) {
            if (index_of(network.objectives[o].population) == p) {
                population.objective = o;
            }
        }
        const auto neurons = network::make_neurons<Real>(network.populations[p], network.time_step_seconds);
        if (neurons->eligibility() == nullptr) {
            throw InputError(
                fmt::format("projection.{}.rule", network.at(population.projections.front().id).name),
                rule_name,
                fmt::format("cannot learn onto population {}: its model \"{}\" has no "
                            "pseudo-derivative",
                            network.populations[p].name, network.populations[p].model));
        }
        population.eligibility = *neurons->eligibility();
        population.regularized = population.eligibility.spiking;
        if (population.eligibility.spiking || !population.objective) {
            add_sources(network, *learning, rule_name, population);
        }
        plan.push_back(std::move(population));
    }
    return plan;
}

template EpropPlan<float> make_eprop_plan(const ResolvedNetwork&, std::string_view);
template EpropPlan<double> make_eprop_plan(const ResolvedNetwork&, std::string_view);

}  // namespace memprop::learning
