// One time step of neurons and readouts, vectorised at run time; every neuron is an independent lane,
// so a layer may be computed whole or in slices with the same bits.
#pragma once

#include <cstdint>
#include <span>

#include "learning/network/parameters.hpp"

namespace memprop::learning {

/// State of a slice of LIF neurons.
template <class Real>
struct LifSlice {
    std::span<Real> membrane;        ///< v
    std::span<Real> spike;           ///< z of the last step, 0 or 1
    std::span<std::int32_t> silent;  ///< refractory steps left
};

/// Advances the slice by one step with the inputs from W_in and W_rec, and gives psi.
void step_lif(const NetworkParameters<float>& p, std::span<const float> from_input,
              std::span<const float> from_recurrent, LifSlice<float> state, std::span<float> psi);
void step_lif(const NetworkParameters<double>& p, std::span<const double> from_input,
              std::span<const double> from_recurrent, LifSlice<double> state, std::span<double> psi);

/// State and constants of a slice of neurons of any kind.
template <class Real>
struct NeuronSlice {
    std::span<Real> membrane;        ///< v, after a reset at once
    std::span<Real> spike;           ///< z of the last step, 0 or 1
    std::span<Real> adaptation;      ///< b
    std::span<std::int32_t> silent;  ///< refractory steps left
    std::span<const Real> beta, alpha, gain;
};

/// As step_lif, for every kind of neuron, reset and pseudo-derivative.
void step_neurons(const NetworkParameters<float>& p, std::span<const float> from_input,
                  std::span<const float> from_recurrent, NeuronSlice<float> state, std::span<float> psi);
void step_neurons(const NetworkParameters<double>& p, std::span<const double> from_input,
                  std::span<const double> from_recurrent, NeuronSlice<double> state, std::span<double> psi);

/// y = kappa y + readout_gain input
template <class Real>
void step_readout(const NetworkParameters<Real>& p, std::span<const Real> input, std::span<Real> y) {
    for (std::size_t k = 0; k < y.size(); ++k) {
        y[k] = p.kappa * y[k] + p.readout_gain * input[k];
    }
}

}  // namespace memprop::learning
