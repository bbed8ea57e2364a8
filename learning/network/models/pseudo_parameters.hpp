// Pseudo-derivatives of a population from its parameters (fields `pseudo` of common_fields.hpp, threshold).
#pragma once

#include <span>
#include <vector>

#include "learning/network/neurons.hpp"
#include "learning/network/pseudo_derivative.hpp"

namespace memprop::network {

/// Height and slope follow from the threshold where they are not given, from 1 where that is 0.
template <class Real>
struct PseudoDerivatives {
    PseudoDerivativeParameters<Real> shared;
    std::vector<Real> height, slope;  ///< [neuron]; empty: all as `shared`

    /// Replaces each x = v - A by its pseudo-derivative, 0 for kRefractory.
    void apply(std::span<Real> x) const;
};

/// Throws InputError naming population and parameter for tables that are missing or do not ascend.
template <class Real>
PseudoDerivatives<Real> pseudo_derivatives_of(const Population& population, std::span<const Field> fields);

}  // namespace memprop::network
