// The parameters of the neuron unit as 32-bit words, so that a host can load them.
#pragma once

#include <cstdint>
#include <vector>

#include "learning/classic.hpp"

namespace memprop::hw::chip {

/// Words in order: alpha, input gain, threshold, dampening, kappa, readout gain, silent steps, reset kind,
/// fires at threshold, reset value, rho, pseudo-derivative kind, its height, slope, 4 edges, 5 values,
/// readout delay, keeps state, loss, plain LIF. Numbers are floats, kinds are the values of the enums.
std::vector<std::uint32_t> neuron_parameter_words(const learning::NetworkParameters<float>& parameters);

/// Sets the parameter of word `index`; false if there is no such word or the value is not allowed.
bool set_neuron_parameter(learning::NetworkParameters<float>& parameters, std::uint32_t index,
                          std::uint32_t word);

}  // namespace memprop::hw::chip
