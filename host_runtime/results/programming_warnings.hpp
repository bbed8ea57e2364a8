// What is said aloud about weights that devices hold badly. Results have every error; people look at the
// terminal.
#pragma once

#include <string>
#include <vector>

#include "host_runtime/graph/crossbar_mapping.hpp"
#include "learning/trainer.hpp"

namespace memprop::host {

/// One line for every projection of which more than 1 % of the weights are beyond what a pair of its devices
/// is made for, or whose devices missed their weights by more than a fifth of that range in the mean. About
/// the programming at the start of a run; of devices that were taken over there is nothing to say.
std::vector<std::string> programming_warnings(const learning::TrainerBase& trainer,
                                              const learning::ExperimentConfig& config);
/// The same for the nodes of a network on crossbars.
std::vector<std::string> programming_warnings(const CrossbarMapping& mapping);

}  // namespace memprop::host
