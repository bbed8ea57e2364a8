// The nodes that projections become in a NIR graph, and the shapes of what they lead from and to.
#pragma once

#include <string>

#include "host_runtime/nir/from_network.hpp"

namespace memprop::host {

/// Whether a window slides over the neurons.
bool slides(const network::Projection& projection);

/// Whether it slides over [channel, position].
bool is_flat(const network::Network& network, const network::Projection& projection);

/// [channel, row, column] of populations that windows slide over or lead to, the shape given of sources; else
/// [neuron].
nir::Shape shape_of(const network::Network& network, network::PopulationId id);

/// Whether all that a projection does is to scale values of one shape.
bool keeps_shape(const network::Network& network, const network::Projection& projection);

/// Weights that are numbers are written in single precision, if `single`. Throws InputError, starting with
/// `place`, for lists of synapses too long for the matrix that NIR has in their place.
nir::Node projection_node(const network::Network& network, const network::Projection& projection,
                          const std::string& name, const GraphWeights& weights, bool single,
                          const std::string& place);

}  // namespace memprop::host
