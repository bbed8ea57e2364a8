// One step of leaky readouts.
#pragma once

#include <cstddef>
#include <span>

namespace memprop::network {

/// y = kappa y + gain input
template <class Real>
void step_readout(Real kappa, Real gain, std::span<const Real> input, std::span<Real> y) {
    for (std::size_t k = 0; k < y.size(); ++k) {
        y[k] = kappa * y[k] + gain * input[k];
    }
}

}  // namespace memprop::network
