// The state of a simulation in a file, to go on from later.
//   /format          "memprop run state 1"
//   /network         nodes with type and size, and the discretisation: what the state belongs to
//   /state/...       membranes, currents, delays, outputs of the last step; devices of crossbars
#pragma once

#include <filesystem>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host {

/// Throws RunError if the file cannot be written; an older one then stays.
void save_state(RunningNetwork& network, const Discretisation& discretisation,
                const std::filesystem::path& file);

/// Replaces the state of `network`. Throws InputError if the file is of another network, discretisation
/// or kind of weights, naming the first difference.
void load_state(RunningNetwork& network, const Discretisation& discretisation,
                const std::filesystem::path& file);

}  // namespace memprop::host
