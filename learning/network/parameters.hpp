// The constants of a network's equations, computed once. Real is float or double.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "learning/config.hpp"
#include "learning/network/pseudo_derivative.hpp"

namespace memprop::learning {

/// Equations of Bellec et al., Nat. Commun. 11, 3625 (2020), with reset by subtraction one step later:
///   v_j[t]   = alpha v_j[t-1] + (1 - alpha) (sum_i Win_ji x_i[t] + sum_i Wrec_ji z_i[t-1]) - v_th z_j[t-1]
///   b_j[t]   = rho b_j[t-1] + z_j[t-1]
///   A_j[t]   = v_th + beta_j b_j[t]                (beta_j = 0: LIF)
///   z_j[t]   = v_j[t] >= A_j[t] and not refractory
///   psi_j[t] = (gamma / v_th) max(0, 1 - |v_j[t] - A_j[t]| / v_th), 0 while refractory
///   y_k[t]   = kappa y_k[t-1] + (1 - kappa) sum_j Wout_kj z_j[t]
/// The factors 1 - alpha and 1 - kappa, the reset, the test and psi are as the configuration says; psi uses
/// v before the reset of the same step.
template <class Real>
struct NetworkParameters {
    std::uint32_t inputs, recurrent, outputs;
    Real alpha, input_gain, threshold, dampening, kappa, readout_gain;
    Real eligibility_decay, eligibility_gain;  ///< eb = decay eb + gain e
    Loss loss;
    bool average_over_window;
    std::int32_t silent_steps;  ///< steps a neuron cannot spike after a spike

    bool plain_lif;  ///< every neuron is the default LIF neuron: step_lif computes it
    ResetKind reset;
    bool fires_at_threshold;
    Real reset_value, rho;
    PseudoDerivativeParameters<Real> pseudo;
    std::uint32_t readout_delay;  ///< the error of step t belongs to the spikes of step t - readout_delay
    bool keeps_state;             ///< a trial continues where the last one ended
    std::vector<Real> beta, alpha_of, gain_of;  ///< [neuron]; empty for plain_lif
    bool adaptive = false;                      ///< some beta is not 0
    bool one_alpha = true;                      ///< all neurons have the same alpha

    explicit NetworkParameters(const NetworkConfig& config, const LearningConfig& learning = {})
        : inputs(static_cast<std::uint32_t>(config.inputs)),
          recurrent(static_cast<std::uint32_t>(config.recurrent)),
          outputs(static_cast<std::uint32_t>(config.outputs)),
          threshold(static_cast<Real>(config.threshold)),
          dampening(static_cast<Real>(config.dampening)),
          loss(learning.loss),
          average_over_window(learning.average_over_window),
          silent_steps(config.refractory_steps > 1 ? static_cast<std::int32_t>(config.refractory_steps) - 1
                                                   : 0),
          reset(config.reset),
          fires_at_threshold(config.firing_test == FiringTest::at_or_above),
          reset_value(static_cast<Real>(config.reset_value)),
          readout_delay(static_cast<std::uint32_t>(config.readout_delay_steps)),
          keeps_state(config.state_reset == StateReset::never) {
        const double decay = math::exp(-config.time_step_seconds / config.tau_membrane_seconds);
        alpha = static_cast<Real>(decay);
        input_gain = gain(config, decay);
        kappa = static_cast<Real>(math::exp(-config.time_step_seconds / config.tau_readout_seconds));
        readout_gain = config.readout_scaling == LeakScaling::one ? Real{1} : Real{1} - kappa;
        eligibility_decay =
            learning.eligibility_decay > 0.0 ? static_cast<Real>(learning.eligibility_decay) : kappa;
        eligibility_gain =
            learning.eligibility_scaling == LeakScaling::one ? Real{1} : Real{1} - eligibility_decay;
        rho = static_cast<Real>(math::exp(-config.time_step_seconds / config.tau_adaptation_seconds));
        set_pseudo_derivative(config);
        plain_lif = config.neuron == NeuronKind::lif && config.tau_membrane_max_seconds == 0.0 &&
                    config.reset == ResetKind::subtract_next && fires_at_threshold &&
                    config.pseudo_derivative == PseudoDerivative::piecewise_linear &&
                    config.pseudo_height == 0.0 && config.pseudo_slope == 0.0;
        if (config.reset == ResetKind::to_value && !(config.reset_value < config.threshold)) {
            throw InputError("network.reset_value", config.reset_value, "must be below network.threshold");
        }
        if (!plain_lif) {
            set_neurons(config);
        }
    }

    /// Replaces the adaptation strengths, [neuron]. Throws InputError for LIF neurons if one is not 0.
    void set_beta(std::span<const double> values) {
        for (const double b : values) {
            if (b != 0.0 && plain_lif) {
                throw InputError("network.neuron", "lif", "must be \"alif\": the task has adaptive neurons");
            }
        }
        if (!plain_lif) {
            beta.assign(values.begin(), values.end());
            note_adaptation();
        }
    }

private:
    static Real gain(const NetworkConfig& config, double decay) {
        return config.input_scaling == LeakScaling::one ? Real{1} : static_cast<Real>(1.0 - decay);
    }

    void note_adaptation() {
        adaptive = false;
        for (const Real b : beta) {
            adaptive = adaptive || b != Real{0};
        }
    }

    void set_pseudo_derivative(const NetworkConfig& config) {
        pseudo.kind = config.pseudo_derivative;
        pseudo.height = static_cast<Real>(config.pseudo_height > 0.0 ? config.pseudo_height
                                                                     : config.dampening / config.threshold);
        pseudo.slope =
            static_cast<Real>(config.pseudo_slope > 0.0 ? config.pseudo_slope : 1.0 / config.threshold);
        if (config.pseudo_derivative == PseudoDerivative::table) {
            const auto edges = parse_numbers("network.pseudo_table_edges", config.pseudo_table_edges, 4);
            const auto values = parse_numbers("network.pseudo_table_values", config.pseudo_table_values, 5);
            for (std::size_t i = 0; i < 4; ++i) {
                pseudo.edges[i] = static_cast<Real>(edges[i]);
                if (i > 0 && !(edges[i] > edges[i - 1])) {
                    throw InputError("network.pseudo_table_edges", config.pseudo_table_edges, "must ascend");
                }
            }
            for (std::size_t i = 0; i < 5; ++i) {
                pseudo.values[i] = static_cast<Real>(values[i]);
            }
        }
    }

    void set_neurons(const NetworkConfig& config) {
        const auto adapting = static_cast<std::uint32_t>(
            config.neuron == NeuronKind::alif ? std::lround(config.adaptive_fraction * double(recurrent))
                                              : 0);
        for (std::uint32_t j = 0; j < recurrent; ++j) {
            beta.push_back(j + adapting >= recurrent ? static_cast<Real>(config.adaptation_beta) : Real{0});
            double tau = config.tau_membrane_seconds;
            if (config.tau_membrane_max_seconds > 0.0 && recurrent > 1) {
                one_alpha = false;
                tau *= math::exp(math::log(config.tau_membrane_max_seconds / config.tau_membrane_seconds) *
                                 double(j) / double(recurrent - 1));
            }
            const double decay = math::exp(-config.time_step_seconds / tau);
            alpha_of.push_back(static_cast<Real>(decay));
            gain_of.push_back(gain(config, decay));
        }
        note_adaptation();
    }
};

}  // namespace memprop::learning
