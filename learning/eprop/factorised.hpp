// The gradient backwards in time. With q[t] = L[t] + kappa q[t+1] the sum over t of L eb becomes
// sum_t c_j[t] zb_i[t], c = (1 - kappa) psi q; moving the alpha filter as well, D[t] = c[t] + alpha D[t+1],
// each presynaptic spike at t adds the vector D[t] to the gradients of its synapses. Work per step: one
// vector of neurons, and one more per presynaptic spike.
// Adaptive neurons: mu is the sensitivity to eps, c[t] = psi (q[t] + mu[t+1]), mu[t] = rho mu[t+1] - beta
// c[t]. The regulariser joins q: a constant, or its own filter backwards in time.
#pragma once

#include "crossbar/base/aligned.hpp"
#include "learning/eprop/gradient.hpp"

namespace memprop::learning {

template <class Real>
class FactorisedGradient final : public Gradient<Real> {
public:
    explicit FactorisedGradient(const NetworkParameters<Real>& parameters);
    void compute(const Tape<Real>& tape, std::span<const Real> feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out) override;

private:
    /// The readouts' gradient, and the filtered error of every step.
    void compute_readout(const Tape<Real>& tape, Gradients<Real>& out);
    /// Gradients of the synapses onto the neurons [first, first + count).
    void compute_columns(const Tape<Real>& tape, std::span<const Real> feedback,
                         const RateRegularizer<Real>& regularizer, std::size_t first, std::size_t count,
                         Gradients<Real>& out);
    void begin_regularizer(const Tape<Real>& tape, const RateRegularizer<Real>& regularizer);

    NetworkParameters<Real> p_;
    std::size_t columns_at_once_;
    AlignedVector<Real> block_;  // gradients of those columns: [input, then neuron][column]
    std::vector<Real> d_, d_out_, regularizer_, mu_, gain_;
    std::vector<Real> filtered_error_;  // [step][readout]
    std::vector<Real> pull_, rate_;     // running_average: [step][neuron], [neuron]
};

}  // namespace memprop::learning
