// The gradient forwards in time, as hardware computes it: eligibility traces per synapse. A synapse's traces
// need nothing of other synapses, so the loops are exchanged: presynaptic neuron outside, time inside, with
// the traces of a block of synapses in registers. Work: all synapses, each from its first spike on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/eprop/gradient.hpp"
#include "learning/eprop/synapse_traces.hpp"
#include "learning/eprop/trial_kernels.hpp"

namespace memprop::learning {

/// Steps at which each presynaptic neuron's events arrive, in one list.
template <class Real>
struct EventTimes {
    std::vector<std::uint32_t> first;  ///< [neuron + 1]: where its steps begin in `steps`
    std::vector<std::uint32_t> steps;
    std::vector<Real> values;  ///< of the events; empty: all are 1

    std::span<const std::uint32_t> of(std::size_t i) const {
        return std::span(steps).subspan(first[i], first[i + 1] - first[i]);
    }
    std::span<const Real> values_of(std::size_t i) const {
        return values.empty() ? std::span<const Real>()
                              : std::span(values).subspan(first[i], first[i + 1] - first[i]);
    }
    void fill(const Tape<Real>& tape, const LearnedProjection& projection);
};

/// The gradients of the synapses onto one population.
template <class Real>
class OnlinePopulation {
public:
    explicit OnlinePopulation(const LearningPopulation<Real>& population);
    void compute(const Tape<Real>& tape, std::span<const std::vector<Real>> feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out);

private:
    void compute_signals(const Tape<Real>& tape, std::span<const std::vector<Real>> feedback,
                         const RateRegularizer<Real>& regularizer);
    /// Packs what synapses onto the neurons `first`, `first + 1` ... need.
    TrialColumns<Real> pack(const Tape<Real>& tape, const RateRegularizer<Real>& regularizer,
                            std::size_t first, std::size_t count);
    /// The columns as the synapses of a receptor see them.
    TrialColumns<Real> at_receptor(TrialColumns<Real> columns, std::size_t receptor, std::size_t first,
                                   std::size_t count);
    /// The gradient of the synapses of a projection onto the packed neurons.
    void compute_columns(const TrialColumns<Real>& columns, std::size_t projection, std::size_t first,
                         std::size_t count, std::vector<Real>& gradient);
    void compute_read_only(const Tape<Real>& tape, Gradients<Real>& out);

    using Columns = std::array<Real, kTrialColumns>;
    LearningPopulation<Real> p_;
    EligibilityCoefficients<Real> c_;
    std::vector<EventTimes<Real>> times_;    // [projection]
    std::vector<std::vector<bool>> late_;    // [projection][row]: misses the error of the last step
    std::vector<SynapseTraces<Real>> read_;  // [projection], if the population is read only
    std::vector<Real> signal_, pull_;        // [step][neuron]
    std::vector<Real> steps_;                // of the block of columns at hand
    std::vector<Real> earned_;               // [row][column]: their gradients
    std::vector<TrialRow<Real>> rows_;
    Columns beta_{}, alpha_of_{}, gain_of_{}, decay_of_{}, current_of_{}, rate_error_{};
    std::vector<Real> rate_;
};

template <class Real>
class OnlineGradient final : public Gradient<Real> {
public:
    explicit OnlineGradient(const EpropPlan<Real>& plan) : populations_(plan.begin(), plan.end()) {}
    void compute(const Tape<Real>& tape, const FeedbackWeights<Real>& feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out) override {
        for (std::size_t p = 0; p < populations_.size(); ++p) {
            populations_[p].compute(tape, feedback[p], regularizer, out);
        }
    }

private:
    std::vector<OnlinePopulation<Real>> populations_;
};

}  // namespace memprop::learning
