// The gradient forwards in time, as hardware computes it: eligibility traces per synapse, one pass per
// time step. Work per step: all synapses of the presynaptic neurons that have spiked so far.
#pragma once

#include "learning/eprop/gradient.hpp"

namespace memprop::learning {

template <class Real>
class OnlineGradient final : public Gradient<Real> {
public:
    explicit OnlineGradient(const NetworkParameters<Real>& parameters);
    void compute(const Tape<Real>& tape, std::span<const Real> feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out) override;

private:
    /// Traces of one projection: a filtered spike train per presynaptic neuron, two values per synapse.
    struct Traces {
        std::vector<Real> zb, eb, sum_e;
        std::vector<std::uint8_t> awake;  // has spiked in this trial
    };
    void begin(Traces& traces, std::vector<Real>& gradient) const;
    void step(Traces& traces, std::span<const std::uint32_t> spikes, std::span<const Real> psi,
              std::vector<Real>& gradient) const;
    void finish(const Traces& traces, const Tape<Real>& tape, const RateRegularizer<Real>& regularizer,
                std::vector<Real>& gradient) const;

    NetworkParameters<Real> p_;
    Traces input_, recurrent_;
    std::vector<Real> signal_, zo_;
};

}  // namespace memprop::learning
