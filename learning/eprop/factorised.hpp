// The gradient backwards in time. With q[t] = L[t] + kappa q[t+1] the sum over t of L eb becomes
// sum_t c_j[t] zb_i[t], c = (1 - kappa) psi q; moving the alpha filter as well, D[t] = c[t] + alpha D[t+1],
// each presynaptic spike at t adds the vector D[t] to the gradients of its synapses. Work per step: one
// vector of neurons, and one more per presynaptic spike.
// A synaptic current is one more filter moved: D_i[t] = gain D[t] + decay D_i[t+1] takes the place of D.
// Of a sparse projection the spike adds D at the synapses of its neuron.
// Adaptive neurons: mu is the sensitivity to eps, c[t] = psi (q[t] + mu[t+1]), mu[t] = rho mu[t+1] - beta
// c[t]. The regulariser joins q: a constant, or its own filter backwards in time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/base/aligned.hpp"
#include "learning/eprop/arrivals.hpp"
#include "learning/eprop/coefficients.hpp"
#include "learning/eprop/eprop_kernels.hpp"
#include "learning/eprop/gradient.hpp"

namespace memprop::learning {

/// The gradients of the synapses onto one population.
template <class Real>
class ReversePopulation {
public:
    explicit ReversePopulation(const LearningPopulation<Real>& population);
    void compute(const Tape<Real>& tape, std::span<const std::vector<Real>> feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out);

private:
    /// The filtered errors of step t from those of step t + 1.
    void filter_errors(const Tape<Real>& tape, std::size_t t);
    void begin_regularizer(const Tape<Real>& tape, const RateRegularizer<Real>& regularizer);
    /// Gradients of the synapses onto the neurons [first, first + count).
    void compute_columns(const Tape<Real>& tape, std::span<const std::vector<Real>> feedback,
                         const RateRegularizer<Real>& regularizer, std::size_t first, std::size_t count,
                         Gradients<Real>& out);
    ReverseStep<Real> begin_columns(std::size_t first, std::size_t count);
    void take_columns(std::size_t first, std::size_t count, Gradients<Real>& out) const;
    /// What arrives in step t at the synapses of projection w, if it is sparse, takes D[t].
    void add_to_synapses(std::size_t w, std::size_t t, Gradients<Real>& out) const;
    void scale_synapses(Gradients<Real>& out) const;
    /// The same for a population that is read only: few neurons, straight into `out`.
    void compute_read_only(const Tape<Real>& tape, Gradients<Real>& out);
    const AlignedVector<Real>& d_of(const LearnedProjection& projection) const {
        const AlignedVector<Real>& current = d_current_[projection.receptor];
        return current.empty() ? d_ : current;
    }
    const AlignedVector<Real>& gain_of(const LearnedProjection& projection) const {
        const auto& receptor = c_.receptors[projection.receptor];
        return receptor.has_current ? receptor.gain : c_.gain;
    }

    LearningPopulation<Real> p_;
    EligibilityCoefficients<Real> c_;
    std::size_t rows_ = 0;    // of all matrices together
    bool has_lists_ = false;  // some projection is stored as lists of synapses
    std::size_t columns_at_once_ = 0;
    AlignedVector<Real> block_;  // gradients of those columns: [row of the matrices in turn][column]
    AlignedVector<Real> d_, regularizer_, mu_, ones_;
    std::vector<AlignedVector<Real>> d_current_;  // [receptor][neuron]; empty: no current
    std::vector<std::vector<Real>> filtered_;     // [source]: [step][neuron of the objective]
    std::vector<Real> own_;                       // [step][neuron]: filtered errors of the population itself
    std::vector<Real> pull_, rate_;               // running_average: [step][neuron], [neuron]
    std::vector<Arrivals<Real>> arrivals_;        // [projection], of the trial at hand
    // Of the step at hand.
    std::vector<ErrorFeed<Real>> feeds_;
    std::vector<CurrentStep<Real>> currents_;
    std::vector<EventRows<Real>> arrived_;
};

template <class Real>
class FactorisedGradient final : public Gradient<Real> {
public:
    explicit FactorisedGradient(const EpropPlan<Real>& plan) : populations_(plan.begin(), plan.end()) {}
    void compute(const Tape<Real>& tape, const FeedbackWeights<Real>& feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out) override {
        for (std::size_t p = 0; p < populations_.size(); ++p) {
            populations_[p].compute(tape, feedback[p], regularizer, out);
        }
    }

private:
    std::vector<ReversePopulation<Real>> populations_;
};

}  // namespace memprop::learning
