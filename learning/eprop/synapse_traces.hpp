// Eligibility traces per synapse, advanced step by step as hardware does: for updates within a trial.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/eprop/coefficients.hpp"
#include "learning/eprop/gradient.hpp"

namespace memprop::learning {

/// Traces of one projection onto a learning population.
template <class Real>
class SynapseTraces {
public:
    SynapseTraces(const LearningPopulation<Real>& population, const LearnedProjection& projection);

    void clear();
    /// Advances zb by a step in which these events arrive. `values`: empty, or one for each.
    void filter_events(std::span<const std::uint32_t> events, std::span<const Real> values, bool bias);
    bool awake(std::size_t i) const { return awake_[i] != 0; }  ///< has spiked since clear()
    std::uint32_t rows() const { return static_cast<std::uint32_t>(awake_.size()); }

    /// Advances e, eps, eb and er of row i and adds to `gradient` (a row). With the per_trial regulariser
    /// `pull` is 0.
    void learn(const RateRegularizer<Real>& regularizer, std::size_t i, std::span<const Real> psi,
               std::span<const Real> signal, std::span<const Real> pull, std::span<Real> gradient);
    /// The same for all rows at once, onto a population that is read only.
    void learn_all(std::span<const Real> error, std::span<Real> gradient) const;
    /// Advances the traces of row i by a step without pseudo-derivative.
    void decay(const RateRegularizer<Real>& regularizer, std::size_t i);
    std::span<const Real> sum_e() const { return er_; }  ///< with the per_trial regulariser

    void serialize(StateArchive& archive);

private:
    void arrive(std::size_t i, Real value);

    EligibilityCoefficients<Real> c_;
    Real rho_, kappa_, gain_;  // of eps, and of eb
    std::size_t n_, receptor_;
    bool current_;    // the receptor has a current
    bool one_trace_;  // a trace of a presynaptic neuron serves all its synapses
    std::uint32_t bias_row_;
    std::vector<Real> zb_, i_;  // [row], or [row][neuron]
    std::vector<Real> eb_, er_, eps_;
    std::vector<std::uint32_t> awake_;
};

extern template class SynapseTraces<float>;
extern template class SynapseTraces<double>;

}  // namespace memprop::learning
