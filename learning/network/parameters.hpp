// The constants of a network's equations, computed once. Real is float in every engine; double serves
// as the reference in tests.
#pragma once

#include <cstdint>

#include "crossbar/base/math.hpp"
#include "learning/config.hpp"

namespace memprop::learning {

/// Equations of Bellec et al., Nat. Commun. 11, 3625 (2020), with reset by subtraction one step later:
///   v_j[t]   = alpha v_j[t-1] + (1 - alpha) (sum_i Win_ji x_i[t] + sum_i Wrec_ji z_i[t-1]) - v_th z_j[t-1]
///   z_j[t]   = v_j[t] >= v_th and not refractory
///   psi_j[t] = (gamma / v_th) max(0, 1 - |v_j[t] - v_th| / v_th), 0 while refractory
///   y_k[t]   = kappa y_k[t-1] + (1 - kappa) sum_j Wout_kj z_j[t]
/// The factors 1 - alpha and 1 - kappa are 1 if the configuration says so.
template <class Real>
struct NetworkParameters {
    std::uint32_t inputs, recurrent, outputs;
    Real alpha, input_gain, threshold, dampening, kappa, readout_gain;
    Real eligibility_decay, eligibility_gain;  ///< eb = decay eb + gain e
    Loss loss;
    bool average_over_window;
    std::int32_t silent_steps;  ///< steps a neuron cannot spike after a spike

    explicit NetworkParameters(const NetworkConfig& config, const LearningConfig& learning = {})
        : inputs(static_cast<std::uint32_t>(config.inputs)),
          recurrent(static_cast<std::uint32_t>(config.recurrent)),
          outputs(static_cast<std::uint32_t>(config.outputs)),
          threshold(static_cast<Real>(config.threshold)),
          dampening(static_cast<Real>(config.dampening)),
          loss(learning.loss),
          average_over_window(learning.average_over_window),
          silent_steps(config.refractory_steps > 1 ? static_cast<std::int32_t>(config.refractory_steps) - 1
                                                   : 0) {
        const double decay = math::exp(-config.time_step_seconds / config.tau_membrane_seconds);
        alpha = static_cast<Real>(decay);
        input_gain = config.input_scaling == LeakScaling::one ? Real{1} : static_cast<Real>(1.0 - decay);
        kappa = static_cast<Real>(math::exp(-config.time_step_seconds / config.tau_readout_seconds));
        readout_gain = config.readout_scaling == LeakScaling::one ? Real{1} : Real{1} - kappa;
        eligibility_decay =
            learning.eligibility_decay > 0.0 ? static_cast<Real>(learning.eligibility_decay) : kappa;
        eligibility_gain =
            learning.eligibility_scaling == LeakScaling::one ? Real{1} : Real{1} - eligibility_decay;
    }
};

}  // namespace memprop::learning
