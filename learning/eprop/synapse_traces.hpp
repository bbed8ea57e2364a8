// Eligibility traces per synapse, advanced step by step as hardware does: for updates within a trial.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/eprop/gradient.hpp"

namespace memprop::learning {

/// Traces of one projection onto the recurrent neurons.
template <class Real>
class SynapseTraces {
public:
    SynapseTraces(const NetworkParameters<Real>& parameters, std::uint32_t pre);

    void clear();
    /// Advances zb by a step in which `spikes` arrive.
    void filter_spikes(const NetworkParameters<Real>& p, std::span<const std::uint32_t> spikes);
    bool awake(std::size_t i) const { return awake_[i] != 0; }  ///< has spiked since clear()
    std::uint32_t pre() const { return static_cast<std::uint32_t>(awake_.size()); }

    /// Advances e, eps, eb and er of row i and adds to `gradient` (a row).
    void learn(const NetworkParameters<Real>& p, const RateRegularizer<Real>& regularizer, std::size_t i,
               std::span<const Real> psi, std::span<const Real> signal, std::span<const Real> pull,
               std::span<Real> gradient);
    /// Advances the traces of row i by a step without pseudo-derivative.
    void decay(const NetworkParameters<Real>& p, const RateRegularizer<Real>& regularizer, std::size_t i);
    std::span<const Real> sum_e() const { return er_; }  ///< with the per_trial regulariser

    void serialize(StateArchive& archive);

private:
    std::size_t n_;
    bool simple_;  // LIF with one alpha and the per_trial regulariser: the lean kernel
    bool one_alpha_;
    std::vector<Real> zb_;  // per presynaptic neuron, or per synapse if alphas differ
    std::vector<Real> eb_, er_, eps_;
    std::vector<Real> beta_;
    std::vector<std::uint32_t> awake_;
};

extern template class SynapseTraces<float>;
extern template class SynapseTraces<double>;

}  // namespace memprop::learning
