// From an experiment to the network it describes, and how every projection is held and learned.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "learning/config/config.hpp"
#include "learning/network/network.hpp"

namespace memprop::learning {

using network::PopulationId;
using network::ProjectionId;

/// Positions of the projections of the short form without layers.
namespace classic {
inline constexpr ProjectionId w_in{0}, w_rec{1}, w_out{2};
inline constexpr std::array<std::string_view, 3> kProjectionNames{"w_in", "w_rec", "w_out"};
inline constexpr PopulationId inputs{0}, neurons{1}, readouts{2};
}  // namespace classic

/// How one projection is held and learned.
struct ProjectionPlan {
    bool on_devices = false;
    std::string rule;       ///< kind of the rule (rules/rules.hpp) with its parameters; empty: does not learn
    std::string rule_name;  ///< name of its table
    std::vector<network::Parameter> rule_parameters;
    LearningConfig learning;  ///< of e-prop: what [learning] says, changed by the rule's table
    UpdateConfig update;
    crossbar::CrossbarConfig crossbar;
    double lr = 0.0;
    double weight_scale_per_us = 0.0;
};

struct ResolvedNetwork {
    network::Network network;
    std::vector<ProjectionPlan> projections;  ///< by ProjectionId
    /// The short form without layers: inputs, neurons, readouts; what the chip runs.
    bool is_classic = false;
};

/// Throws InputError naming the key that is wrong. Networks of tables are checked whole (network::check).
ResolvedNetwork resolve(const ExperimentConfig& config);
/// The two forms (resolve_short.cpp, resolve_tables.cpp).
ResolvedNetwork resolve_short_form(const ExperimentConfig& config);
ResolvedNetwork resolve_tables(const ExperimentConfig& config);

/// What tasks read of the network, as its tables say: network.inputs, the lines of all populations of model
/// input that no projection reaches, in order; network.outputs, the neurons of the objectives with targets
/// or, if all have labels, the classes that all of them tell apart; learning.loss, if all objectives share
/// one. Without tables nothing changes. Throws InputError for more than tasks can serve.
void set_sizes(ExperimentConfig& config);

/// Throws InputError if a task, whose data may say network.inputs and network.outputs, does not fit the
/// tables of the network.
void check_sizes(const ExperimentConfig& config);

/// The array number and the seed that key everything random of a projection.
std::uint8_t array_number(ProjectionId id);
std::uint64_t seed_of(std::uint64_t seed, ProjectionId id);

}  // namespace memprop::learning
