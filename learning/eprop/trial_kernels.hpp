// The online form of e-prop over a whole trial: some presynaptic neurons, a block of their synapses, all
// steps. Traces stay in registers, so that a synapse and step costs its arithmetic; the numbers are those of
// online_row step by step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace memprop::learning {

/// Postsynaptic neurons of a block: whole vectors of every instruction set.
inline constexpr std::size_t kTrialColumns = 64;

/// What the synapses of a block need of every step, kTrialColumns values each; columns beyond the layer are
/// 0.
template <class Real>
struct TrialColumns {
    const Real* steps;  ///< [step][row][column]; rows: psi, learning signal, and with `running` the pull
    std::size_t step_count;
    const Real* beta;  ///< adaptation strengths; nullptr: none adapts
    const Real*
        alpha_of;  ///< membrane decays and gains of single neurons; nullptr: `alpha` and `gain_in` for all
    const Real* gain_of;
    const Real* decay_of;    ///< of synaptic currents; nullptr: events reach the membrane directly
    const Real* current_of;  ///< gains of synaptic currents; with them alpha_of and gain_of are given
    const Real* rate_error;  ///< per_trial regulariser: factor of sum_t e[t]; nullptr with `running`
    Real alpha, gain_in;     ///< of zb
    Real rho, kappa, gain;   ///< of eps, and of eb
    Real er_keep, er_gain;   ///< running_average regulariser

    bool running() const { return rate_error == nullptr; }
};

/// One presynaptic neuron.
template <class Real>
struct TrialRow {
    std::span<const std::uint32_t> spikes;  ///< steps, ascending, repetitions allowed, at least one
    std::span<const Real> values;           ///< of the spikes; empty: all are 1
    bool without_last_error;                ///< the learning signal of the last step does not count
    Real* gradient;                         ///< kTrialColumns values, which are replaced
};

/// The gradient of a block of synapses:
///   zb = alpha zb + gain_in per spike (with a current: i = decay i + gain_i per spike, zb = alpha zb +
///   gain_in i), e = psi (zb - beta eps), eps = rho eps + e, eb = kappa eb + gain e, gradient += signal eb (+
///   pull er, er = er_keep er + er_gain e; or at the end rate_error sum e).
void compute_trial(const TrialColumns<float>& columns, std::span<const TrialRow<float>> rows);
void compute_trial(const TrialColumns<double>& columns, std::span<const TrialRow<double>> rows);

}  // namespace memprop::learning
