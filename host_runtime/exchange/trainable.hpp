// The experiment that trains a NIR graph: its populations and projections as named tables, an objective on
// every population that an Output shows, e-prop with random feedback on all Linear and Affine weights and
// biases. Weights are not in it: `memprop train --init` takes them from the graph.
#pragma once

#include <optional>
#include <string>

#include "host_runtime/config/experiment.hpp"
#include "host_runtime/nir/to_network.hpp"

namespace memprop::host {

/// The network of a graph with names that tables can have ("/" of nested graphs becomes "."). Weights are
/// those of the file, in units of 1; equations are those of training, with exponential decays unless the file
/// states its own discretisation. `dt_seconds`: that of the experiment, if there is one.
NetworkOfGraph network_to_train(const nir::Network& network, const std::string& file,
                                std::optional<double> dt_seconds = {});

/// Throws InputError naming the node, or what the graph lacks, that is in the way.
Experiment trainable_experiment(const nir::Network& network, const std::string& file);

/// The same as a file, with what does not learn in comments.
std::string print_trainable(const nir::Network& network, const std::string& file);

}  // namespace memprop::host
