// The state of a simulation in a file, to go on from later; sealed (files/sealed_file.hpp).
//   /format          "memprop run state 3"
//   /network         what the state belongs to: nodes with type and size, the discretisation, the devices
//   /state/...       of every population: its neurons' state and what it put out last; devices of crossbars
#pragma once

#include <filesystem>

#include "host_runtime/graph/crossbar_mapping.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host {

/// `mapping`: the crossbars that hold the weights; null if they are numbers. Throws RunError if the file
/// cannot be written or the state is not finite; an older one then stays.
void save_state(RunningNetwork& network, const Discretisation& discretisation, const CrossbarMapping* mapping,
                const std::filesystem::path& file);

/// Replaces the state of `network`. Throws InputError, and leaves all as it was, if the file is not whole or
/// is of another network, discretisation or kind of weights, naming the first difference.
void load_state(RunningNetwork& network, const Discretisation& discretisation, const CrossbarMapping* mapping,
                const std::filesystem::path& file);

}  // namespace memprop::host
