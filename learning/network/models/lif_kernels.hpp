// One time step of LIF and adaptive LIF neurons, vectorised at run time; every neuron is an independent lane,
// so a population may be computed whole or in slices with the same bits.
//   v_j[t]   = alpha v_j[t-1] + gain x_j[t] - v_th z_j[t-1] + leak_j
//   b_j[t]   = rho b_j[t-1] + z_j[t-1]
//   A_j[t]   = v_th + beta_j b_j[t]                (beta_j = 0: LIF)
//   z_j[t]   = v_j[t] >= A_j[t] and not refractory
//   psi_j[t] = (gamma / v_th) max(0, 1 - |v_j[t] - A_j[t]| / v_th), 0 while refractory
// (Bellec et al., Nat. Commun. 11, 3625, 2020). The reset, the test and psi are as the constants say; psi
// uses v before the reset of the same step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/network/choices.hpp"
#include "learning/network/network.hpp"
#include "learning/network/pseudo_derivative.hpp"

namespace memprop::network {

/// The constants of a population, computed once.
template <class Real>
struct LifConstants {
    Real alpha = 0, input_gain = 1, threshold = 1, dampening = 0;
    std::int32_t silent_steps = 0;  ///< steps a neuron cannot spike after a spike
    bool plain_lif = false;         ///< every neuron is the default LIF neuron: step_lif computes it
    ResetKind reset = ResetKind::subtract_next;
    bool fires_at_threshold = true;
    Real reset_value = 0, rho = 0;
    PseudoDerivativeParameters<Real> pseudo;
    std::vector<Real> beta, alpha_of, gain_of;  ///< [neuron]; empty for plain_lif
    bool adaptive = false;                      ///< some beta is not 0
    bool one_alpha = true;                      ///< all neurons have the same alpha
    /// [neuron], all or none: where neurons differ in more than that.
    std::vector<Real> threshold_of, reset_of, leak_of, height_of, slope_of;

    void note_adaptation() {
        adaptive = false;
        for (const Real b : beta) {
            adaptive = adaptive || b != Real{0};
        }
    }
};

/// State of a slice of LIF neurons.
template <class Real>
struct LifSlice {
    std::span<Real> membrane;        ///< v
    std::span<Real> spike;           ///< z of the last step, 0 or 1
    std::span<std::int32_t> silent;  ///< refractory steps left
};

/// Advances a slice of plain LIF neurons by one step with the summed inputs, and gives psi.
void step_lif(const LifConstants<float>& c, std::span<const float> input, const LifSlice<float>& state,
              std::span<float> psi);
void step_lif(const LifConstants<double>& c, std::span<const double> input, const LifSlice<double>& state,
              std::span<double> psi);

constexpr std::size_t kSpikeListPadding = 64;  ///< entries behind a list of spikes that may be overwritten

/// Lists the neurons whose entry is not 0, ascending, and returns how many there are. `index` has room for
/// all neurons and the padding.
std::size_t list_spikes(std::span<const float> spike, std::span<std::uint32_t> index);
std::size_t list_spikes(std::span<const double> spike, std::span<std::uint32_t> index);

/// State and constants of a slice of neurons of any kind; `own` empty or as long as the slice.
template <class Real>
struct NeuronSlice {
    std::span<Real> membrane;        ///< v, after a reset at once
    std::span<Real> spike;           ///< z of the last step, 0 or 1
    std::span<Real> adaptation;      ///< b
    std::span<std::int32_t> silent;  ///< refractory steps left
    std::span<const Real> beta, alpha, gain;
    struct Own {
        std::span<const Real> threshold, reset, leak, height, slope;
    };
    Own own = {};
};

/// As step_lif, for every kind of neuron, reset and pseudo-derivative.
void step_neurons(const LifConstants<float>& c, std::span<const float> input, const NeuronSlice<float>& state,
                  std::span<float> psi);
void step_neurons(const LifConstants<double>& c, std::span<const double> input,
                  const NeuronSlice<double>& state, std::span<double> psi);

}  // namespace memprop::network
