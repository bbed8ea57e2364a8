// The experiment that trains a NIR graph: its populations and projections as named tables, an objective on
// every population that an Output shows, e-prop with random feedback on all Linear and Affine weights and
// biases. Weights are not in it: `memprop train --init` takes them from the graph.
#pragma once

#include <string>

#include "host_runtime/config/experiment.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/nir/to_network.hpp"

namespace memprop::host {

/// The network of a graph with names that tables can have ("/" of nested graphs becomes "."). Weights are
/// those of the file, in units of 1, as if computed in graph arithmetic; equations are those of training.
NetworkOfGraph network_to_train(const nir::Network& network, const std::string& file,
                                Discretisation discretisation);

/// Throws InputError naming the node, or what the graph lacks, that is in the way.
Experiment trainable_experiment(const nir::Network& network, const std::string& file,
                                const Discretisation& discretisation);

/// The same as a file, with what does not learn in comments.
std::string print_trainable(const nir::Network& network, const std::string& file,
                            const Discretisation& discretisation);

}  // namespace memprop::host
