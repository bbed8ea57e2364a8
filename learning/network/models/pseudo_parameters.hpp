// Pseudo-derivatives of a population from its parameters (fields `pseudo` of common_fields.hpp).
#pragma once

#include <span>
#include <vector>

#include "learning/network/neurons.hpp"
#include "learning/network/pseudo_derivative.hpp"

namespace memprop::network {

/// Height and slope are in units of the threshold where they are not given, of 1 where that is 0.
template <class Real>
struct PseudoDerivatives {
    PseudoDerivativeParameters<Real> shared;
    std::vector<Real> height, slope;  ///< [neuron]; empty: all as `shared`

    /// Replaces each x = v - A by its pseudo-derivative, 0 for kRefractory.
    void apply(std::span<Real> x) const;
};

/// `threshold` of every neuron, from where its membrane rests. Throws InputError naming population and
/// parameter for tables that are missing or do not ascend.
template <class Real>
PseudoDerivatives<Real> pseudo_derivatives_of(const Population& population, std::span<const Field> fields,
                                              const std::vector<double>& threshold);

}  // namespace memprop::network
