// What single nodes of a graph give to its network (to_network.hpp): the parameters of a population, the
// synapses and weights of a projection.
#pragma once

#include <string>
#include <vector>

#include "host_runtime/nir/to_network.hpp"

namespace memprop::host {

/// Linear, Affine, Scale, Conv1d, Conv2d, SumPool2d, AvgPool2d.
bool is_linear_map(nir::NodeType type);

/// The population of a neuron node or a Threshold. Throws InputError, starting with `place`, where forward
/// Euler diverges.
network::Population neuron_population(const nir::FlatNode& node, const Discretisation& discretisation,
                                      const std::string& place);

/// Sets the synapses, the weights and their unit of the projection of a linear map. Throws InputError,
/// starting with `place`, for metadata that make no sense.
void set_synapses(network::Projection& projection, const nir::FlatNode& node,
                  const Discretisation& discretisation, WeightForm form, const std::string& place);

/// The bias of every output of a Linear or Affine node; empty if there is none or all are 0.
std::vector<double> linear_bias(const nir::FlatNode& node);
/// The bias of every output channel of a convolution; empty if there is none or all are 0.
std::vector<double> channel_bias(const nir::FlatNode& node, std::uint64_t channels);

/// Steps that each element of a Delay node holds back what arrives.
std::vector<double> delay_steps_of(const nir::FlatNode& node, double dt_seconds);

}  // namespace memprop::host
