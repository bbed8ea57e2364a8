// The resolved network of an experiment, as tables.
#pragma once

#include <string>

#include "host_runtime/config/experiment.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {

/// The experiment with its network as named tables: that of [network], if it has none.
Experiment with_tables(Experiment config);

/// The same as a file, with sizes, media and numbers of synapses as comments. Read back it is the same
/// network. Throws InputError for a network that cannot be.
std::string print_network(const Experiment& config);

/// Neuron models and learning rules with their parameters, states, units, ranges and defaults.
std::string print_models();

/// Synapses that a projection has.
std::size_t synapse_count(const network::Network& network, const network::Projection& projection);

}  // namespace memprop::host
