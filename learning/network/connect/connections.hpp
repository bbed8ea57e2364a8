// Connections whose weights are numbers that nobody changes. To add a kind: a file of its own here, a line in
// connections.cpp.
#pragma once

#include <memory>

#include "learning/network/connection.hpp"
#include "learning/network/network.hpp"

namespace memprop::network {

/// The connection of a projection with its weights (`projection.weights` given, but for pool and one_to_one).
/// Holds a copy of what it needs. Throws InputError for weights that are missing.
template <class Real>
std::unique_ptr<Connection<Real>> make_connection(const Network& network, const Projection& projection);

/// Its synapses onto a slice of the postsynaptic population: `sum` writes out[slice.count], bit for bit what
/// the whole connection writes to out[slice.first ..], and returns what that returns; presynaptic neurons are
/// numbered as ever. Memory and work go with the slice; convolutions hold their whole kernel. Throws
/// InputError for a slice that is not within the population.
template <class Real>
std::unique_ptr<Connection<Real>> make_connection(const Network& network, const Projection& projection,
                                                  Slice post);

}  // namespace memprop::network
