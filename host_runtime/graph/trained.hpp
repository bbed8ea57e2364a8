// The numbers of Linear, Affine, LIF and LI nodes as training computes with them; the equations are in
// trained.cpp. Whoever computes such a node elsewhere takes them from here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/operators.hpp"
#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host {

/// `unit` and `tile_rows` come from the metadata of a node whose weights were on a crossbar.
template <class Real>
struct TrainedWeights {
    Real unit;                 ///< weight of 1
    std::uint64_t tile_rows;   ///< rows summed up before they are added to the others; at most all
    std::vector<Real> values;  ///< [in][out], in units
};
/// Throws InputError, starting with `place`, for metadata that make no sense.
template <class Real>
TrainedWeights<Real> trained_weights(const nir::FlatNode& node, const std::string& place);

/// [neuron]; thresholds and reset values are 0 for LI nodes.
template <class Real>
struct TrainedNeurons {
    std::vector<Real> alpha, gain, leak, threshold, reset_value;
};
/// Throws InputError, starting with `place`, if forward Euler diverges.
template <class Real>
TrainedNeurons<Real> trained_neurons(const nir::FlatNode& node, const Discretisation& discretisation,
                                     const std::string& place);

}  // namespace memprop::host
