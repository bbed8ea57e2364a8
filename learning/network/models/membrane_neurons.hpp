// Neurons whose membrane integrates what arrives, step by step as NIR files state it:
//   no leak:     v += r x
//   difference:  v += a ((v_leak - v) + r x)        a = 1 - decay
//   decay:       v = decay v + gain x + (1 - decay) v_leak
// x is the sum of what arrives, or of the synaptic currents. Then, where neurons fire: the reset that a spike
// of the last step has left, the test, the reset at once. psi is taken between test and reset.
#pragma once

#include <memory>
#include <span>

#include "learning/network/neurons.hpp"

namespace memprop::network {

struct MembraneKind {
    bool leaky = false;     ///< fields tau_membrane_seconds, leak_potential, equations, integrator, ...
    bool currents = false;  ///< fields of synaptic_currents.hpp
    bool fires = false;     ///< fields `firing` and `pseudo`, and threshold
};

/// Throws InputError naming population and parameter.
template <class Real>
std::unique_ptr<Neurons<Real>> make_membranes(const Population& population, std::span<const Field> fields,
                                              MembraneKind kind, double time_step_seconds);

}  // namespace memprop::network
