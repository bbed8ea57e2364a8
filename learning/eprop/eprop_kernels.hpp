// Inner loops of both forms of the gradient over the postsynaptic neurons of one population, vectorised
// at run time; a neuron is a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace memprop::learning {

constexpr std::size_t kPaddedColumns = 64;  ///< whole vectors of every instruction set, and cache lines

/// Filtered errors of one objective and the feedback weights that bring them, rows beginning at the range.
template <class Real>
struct ErrorFeed {
    std::span<const Real> filtered_error;
    const Real* feedback;
};

/// A synaptic current between events and membrane: d[j] = gain[j] D[j] + decay[j] d[j].
template <class Real>
struct CurrentStep {
    const Real* gain;
    const Real* decay;
    Real* d;
};

/// Where the events of a step go: d times the value of each is added to the row of its neuron. Both are
/// padded to kPaddedColumns, so that no vector is left over; what is added there has no meaning.
template <class Real>
struct EventRows {
    std::span<const std::uint32_t> events;
    std::span<const Real> values;  ///< empty: all are 1
    const Real* d;
    Real* rows;
};

/// One step of the reverse-time form: for each neuron j of a range of the population,
///   D[j] = psi[j] (sum filtered_error[k] feedback[k][j] + own[j] + regularizer[j]) + alpha D[j],
/// sources and their k ascending; for adaptive neurons and own time constants
///   c = psi (sum filtered_error[k] feedback[k][j] + own[j] + regularizer[j] + mu[j]),
///   mu[j] = rho mu[j] - beta[j] c,  D[j] = c + alpha[j] D[j].
/// Then the currents follow, and what arrived is added. All rows begin at the range.
template <class Real>
struct ReverseStep {
    std::size_t count;  ///< neurons of the range
    const Real* psi;
    std::span<const ErrorFeed<Real>> sources;
    std::size_t feedback_stride, gradient_stride;
    const Real* own;  ///< null: no objective looks at the population itself
    const Real* regularizer;
    Real* d;
    Real alpha;
    const Real* alpha_of;  ///< null: `alpha` for all, and nobody adapts
    const Real* beta;
    Real rho;
    Real* mu;
    std::span<const CurrentStep<Real>> currents;
    std::span<const EventRows<Real>> arrived;
};
void reverse_step(const ReverseStep<float>& s);
void reverse_step(const ReverseStep<double>& s);

/// One step of the online form for one presynaptic neuron with trace zb: over its synapses j,
///   e = psi[j] zb, sum_e[j] += e, eb[j] = kappa eb[j] + gain e, gradient[j] += signal[j] eb[j].
template <class Real>
struct OnlineRow {
    std::span<const Real> psi, signal;
    Real zb, kappa, gain;
    std::span<Real> eb, sum_e, gradient;
};
void online_row(const OnlineRow<float>& s);
void online_row(const OnlineRow<double>& s);

/// The same in general:
///   e = psi[j] (zb - beta[j] eps[j]), eps[j] = rho eps[j] + e, eb[j] = kappa eb[j] + gain e,
///   er[j] = er_keep er[j] + er_gain e, gradient[j] += signal[j] eb[j] + pull[j] er[j].
/// er sums e (keep = gain = 1, pull = 0 till the trial's rate is known) or filters it.
template <class Real>
struct AdaptiveOnlineRow {
    std::span<const Real> psi, signal, pull, zb;  ///< zb: one value, or one per synapse
    std::span<const Real> beta;
    Real rho, kappa, gain, er_keep, er_gain;
    std::span<Real> eps, eb, er, gradient;
};
void online_row(const AdaptiveOnlineRow<float>& s);
void online_row(const AdaptiveOnlineRow<double>& s);

}  // namespace memprop::learning
