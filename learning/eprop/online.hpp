// The gradient forwards in time, as hardware computes it: eligibility traces per synapse. A synapse's traces
// need nothing of other synapses, so the loops are exchanged: presynaptic neuron outside, time inside, with
// the traces of a block of synapses in registers. Work: all synapses, each from its first spike on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/eprop/gradient.hpp"
#include "learning/eprop/trial_kernels.hpp"

namespace memprop::learning {

template <class Real>
class OnlineGradient final : public Gradient<Real> {
public:
    explicit OnlineGradient(const NetworkParameters<Real>& parameters);
    void compute(const Tape<Real>& tape, std::span<const Real> feedback,
                 const RateRegularizer<Real>& regularizer, Gradients<Real>& out) override;

private:
    /// Steps at which each neuron of a layer spikes, in one list.
    struct SpikeTimes {
        std::vector<std::uint32_t> first;  ///< [neuron + 1]: where its steps begin in `steps`
        std::vector<std::uint32_t> steps;

        std::span<const std::uint32_t> of(std::size_t i) const {
            return std::span(steps).subspan(first[i], first[i + 1] - first[i]);
        }
    };

    template <class SpikesAt>
    static void sort_by_neuron(std::size_t steps, SpikesAt&& spikes_at, SpikeTimes& times);
    void compute_signals(const Tape<Real>& tape, std::span<const Real> feedback,
                         const RateRegularizer<Real>& regularizer, Gradients<Real>& out);
    /// Packs what synapses onto the neurons `first`, `first + 1` ... need.
    TrialColumns<Real> pack(const Tape<Real>& tape, const RateRegularizer<Real>& regularizer,
                            std::size_t first, std::size_t count);

    /// The gradient of the synapses of a layer's neurons onto the packed ones.
    void compute_columns(const TrialColumns<Real>& columns, const SpikeTimes& times, std::size_t first,
                         std::size_t count, std::vector<Real>& gradient);

    NetworkParameters<Real> p_;
    SpikeTimes input_, recurrent_;
    std::vector<Real> signal_, pull_;  ///< [step][neuron]
    std::vector<Real> steps_;          ///< of the block of columns at hand
    std::vector<Real> earned_;         ///< [neuron][column]: their gradients
    std::vector<TrialRow<Real>> rows_;
    std::array<Real, kTrialColumns> beta_, alpha_of_, gain_of_, rate_error_;
    std::vector<Real> rate_, zo_, error_;
    std::vector<bool> late_;  ///< inputs that miss the error of the last step
};

}  // namespace memprop::learning
