// Which synapses a table [projection.X] asks for, drawn where it leaves that to chance.
#pragma once

#include "learning/config/network_tables.hpp"
#include "learning/network/network.hpp"
#include "learning/resolve.hpp"

namespace memprop::learning {

/// Draws are keyed by `run_seed` and the position of the projection. Throws InputError naming the key.
network::Connect connect_of(const ProjectionTable& table, const network::Population& from,
                            const network::Population& to, std::uint64_t run_seed, ProjectionId id);

}  // namespace memprop::learning
