// Starting weights of a network of tables from the projections of a NIR graph that have the same names.
#pragma once

#include <string>

#include "host_runtime/nir/network.hpp"
#include "learning/config/config.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// Names are those of `memprop inspect --trainable`: those of the nodes, "/" of nested graphs being ".".
/// Sizes, synapses, delays, time constants and thresholds have to be those of `config`; the resistance of
/// readouts that training computes without one goes into their weights. Throws InputError naming file,
/// projection or population and what differs.
learning::NetworkWeights named_weights(const nir::Network& network, const std::string& file,
                                       const learning::ExperimentConfig& config);

}  // namespace memprop::host
