// Leaky integrate-and-fire neurons with or without synaptic currents: by the kernels of training where these
// have the form of the equations and the reset, else by membrane_neurons.hpp.
#pragma once

#include <memory>
#include <span>

#include "learning/network/neurons.hpp"

namespace memprop::network {

/// `fields` has those of lif_fields() or alif_fields(), and those of synaptic_currents.hpp with `currents`.
/// Throws InputError naming population and parameter.
template <class Real>
std::unique_ptr<Neurons<Real>> make_lif_neurons(const Population& population, std::span<const Field> fields,
                                                bool currents, double time_step_seconds);

}  // namespace memprop::network
