// Runs a network step by step: training, `memprop run`, `serve` and Python all use this class. Within a step
// the populations are computed wave by wave; the sums of a receptor's projections are added in the order of
// the projections.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/network/connection.hpp"
#include "learning/network/network.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {

template <class Real>
class Executor {
public:
    /// connections[p] carries projection p; they outlive the executor. Throws InputError (check()).
    Executor(const Network& network, std::vector<Connection<Real>*> connections);

    /// State as before the first step; weights stay.
    void clear();
    /// For a network that has been at rest for long before its first step: populations without memory put
    /// out, in the step before it, what biases make of nothing. To be called after clear(); without it
    /// nothing was put out.
    void settle();

    /// What a population without projections to it puts out in the next step; indices ascend.
    void set_input(PopulationId id, std::span<const std::uint32_t> events);
    /// The same, to be filled with any signal.
    Signal<Real>& input(PopulationId id) { return inputs_[index_of(id)]; }

    /// One step; `step` keys the noise of devices. psi[p], unless it is empty, gets the pseudo-derivatives of
    /// population p.
    void step(std::uint32_t step, std::span<const std::span<Real>> psi = {});

    /// Of the last step.
    const Signal<Real>& output(PopulationId id) const { return outputs_[index_of(id)]; }
    Neurons<Real>& neurons(PopulationId id) { return *neurons_[index_of(id)]; }
    const Neurons<Real>& neurons(PopulationId id) const { return *neurons_[index_of(id)]; }
    /// What a population put out `ago` steps before the last one; nothing if no delay needs it that long.
    const Signal<Real>& past(PopulationId id, std::size_t ago) const;
    /// The longest axonal delay of the projections from a population.
    std::size_t steps_kept(PopulationId id) const { return kept_[index_of(id)]; }
    std::uint32_t longest_delay_steps() const { return longest_delay_; }

    std::uint64_t steps_done() const { return steps_done_; }

    /// All that steps have changed, weights aside. Reading needs an executor that has been cleared; throws
    /// InputError for signals that no population of the network can have put out.
    void serialize(StateArchive& archive);

private:
    /// A projection at its postsynaptic population.
    struct Incoming {
        std::size_t projection, from;
        std::uint32_t receptor, delay;
        bool dendritic;
        bool from_is_later;  // what `from` put out in the last step still stands when `to` is computed
        bool bias, bias_line, bias_before_arrival;
        std::uint32_t bias_row;
    };
    struct Receptor {
        std::vector<Real> sums;  // [neuron]
        bool dirty = false;      // something arrives in this step
        bool cleared = true;     // all sums are 0
    };
    struct Stage {
        std::size_t population;
        bool is_source;  // its output comes from outside
        std::vector<Incoming> incoming;
        std::vector<Receptor> receptors;
        std::vector<std::span<const Real>> arriving;  // [receptor]: its sums; empty: no projection has it
    };
    /// What a population put out in the steps before the last one, in a ring.
    struct Past {
        std::vector<Signal<Real>> ring;
        std::size_t newest = 0;
        void push(Signal<Real>& signal);
        const Signal<Real>& at(std::size_t ago) const {
            return ring[(newest + ring.size() - ago) % ring.size()];
        }
    };
    /// Sums that wait behind their weights, in a ring over the delay.
    struct Waiting {
        std::size_t projection = 0, from = 0, next = 0;
        bool bias_line = false;
        std::uint32_t bias_row = 0;
        std::vector<std::vector<Real>> sums;
    };
    void run(Stage& stage, std::uint32_t step, std::span<Real> psi);
    bool deliver(const Incoming& incoming, std::uint32_t step, std::span<Real> sums);
    const Signal<Real>& with_bias(const Signal<Real>& arriving, std::uint32_t bias_row);

    std::vector<std::unique_ptr<Neurons<Real>>> neurons_;
    std::vector<std::size_t> sizes_;  // [population]
    std::vector<Connection<Real>*> connections_;
    std::vector<Stage> stages_;
    std::vector<Signal<Real>> outputs_, inputs_;
    std::vector<Past> past_;           // [population]
    std::vector<std::size_t> kept_;    // [population]: longest axonal delay from it
    std::vector<bool> is_remembered_;  // [population]: its last output arrives in a later step
    std::vector<Waiting> waiting_;     // [projection]; no sums: no dendritic delay
    std::vector<Real> scratch_;        // sums of a projection that is not the first
    Signal<Real> biased_;
    std::uint64_t steps_done_ = 0;
    std::uint32_t longest_delay_ = 0;
    bool settles_ = false;  // no step: nothing arrives that has a delay
};

}  // namespace memprop::network
