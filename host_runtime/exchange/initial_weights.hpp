// Starting weights of a training run from a NIR network.
#pragma once

#include <string>
#include <vector>

#include "host_runtime/nir/network.hpp"
#include "learning/config/config.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// The weights of a network of the form that training knows,
///   Input -> Linear -> LIF (-> Linear -> LIF) -> Linear -> LI -> Output,
/// Affine in place of Linear if its biases are 0, nodes that only pass values on anywhere. r of the neurons
/// goes into their incoming weights. Sizes and time constants, threshold and leak have to be those of
/// `config`. For networks of tables: named_weights.hpp. Throws InputError naming the node and what differs;
/// `file` is only for messages.
learning::NetworkWeights initial_weights(const nir::Network& network, const std::string& file,
                                         const learning::ExperimentConfig& config);

/// What the file was tolerated with, and what suggests that it was written for other steps than those of the
/// experiment, one line each. Throws InputError as flatten() does.
std::vector<std::string> initial_weights_warnings(const nir::Network& network, const std::string& file,
                                                  const learning::ExperimentConfig& config);

}  // namespace memprop::host
