// The kinds of connection, each in a file of its own, onto a slice of the postsynaptic population, which is
// within it. All may be summed by several threads at a time.
#pragma once

#include <memory>

#include "learning/network/connection.hpp"
#include "learning/network/network.hpp"

namespace memprop::network {

/// Weights [pre][post]; where the mask says so, or `connect.self`, there are none. Throws InputError for a
/// density without its mask.
template <class Real>
std::unique_ptr<Connection<Real>> make_dense(const Network& network, const Projection& projection,
                                             Slice post);

/// Costs what the synapses of the neurons cost that put something out.
template <class Real>
std::unique_ptr<Connection<Real>> make_sparse(const Network& network, const Projection& projection,
                                              Slice post);

template <class Real>
std::unique_ptr<Connection<Real>> make_one_to_one(const Network& network, const Projection& projection,
                                                  Slice post);

/// Cross-correlation with zero padding; values are [channel, y, x].
template <class Real>
std::unique_ptr<Connection<Real>> make_convolution(const Network& network, const Projection& projection,
                                                   Slice post);

/// The same onto a part of the population.
template <class Real>
std::unique_ptr<Connection<Real>> make_convolution_slice(const Projection& projection, Slice post);

/// Padding counts as zeros that belong to the window.
template <class Real>
std::unique_ptr<Connection<Real>> make_pool(const Network& network, const Projection& projection, Slice post);

template <class Real>
std::unique_ptr<Connection<Real>> make_pool_slice(const Projection& projection, Slice post);

}  // namespace memprop::network
