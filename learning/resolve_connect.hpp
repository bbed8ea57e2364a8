// Which synapses a table [projection.X] asks for, drawn where it leaves that to chance.
#pragma once

#include "learning/config/network_tables.hpp"
#include "learning/network/network.hpp"
#include "learning/resolve.hpp"

namespace memprop::learning {

/// Draws are keyed by `run_seed` and the position of the projection. Throws InputError naming the key.
network::Connect connect_of(const ProjectionTable& table, const network::Population& from,
                            const network::Population& to, std::uint64_t run_seed, ProjectionId id);

/// Number of weights that the projection has.
std::size_t weight_count(const network::Network& network, const network::Projection& projection);

/// Normal with the mean and standard deviation of the table, 0 where there is no synapse; keyed like those
/// that a trainer draws, and equal to them where the mean is 0 and weights are a matrix.
std::vector<float> draw_initial_weights(const ProjectionTable& table, const network::Network& network,
                                        const network::Projection& projection, std::uint64_t run_seed,
                                        ProjectionId id);

}  // namespace memprop::learning
