// Learning within a trial: weights change after every K steps, by the online form of e-prop, as a chip
// (or an event-driven simulator) does that has no memory for a whole trial.
//
// Timing: the error of step h is known after h, and travels back for a step; so a weight used in step t
// holds the gradients of the steps <= t - 2. Only synapses whose presynaptic neuron has spiked in the last
// `trace_cutoff_steps` learn (c steps: the step before a spike, and the spike's step and c - 2 more);
// otherwise traces only decay, and Adam makes up for the missed updates at the next spike (the rule of
// NEST's eprop_synapse, Korcsak-Gorzo et al., 2025). With K > 1 gradients of K steps are averaged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "learning/eprop/synapse_traces.hpp"
#include "learning/update/optimizer.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

template <class Real>
class StepLearner {
public:
    /// Changes the weights of the projections that have changes; the others' are empty.
    using Write =
        std::function<void(const std::array<std::span<const Real>, 3>& changes, std::uint32_t event)>;
    using Optimizers = std::array<Optimizer<Real>*, 3>;

    StepLearner(const NetworkParameters<Real>& parameters, const LearningConfig& config,
                const RateRegularizer<Real>& regularizer, const Optimizers& optimizers,
                const std::array<WeightStoreShape, 3>& shapes, Write write);

    /// Forgets the traces; counts of steps go on.
    void begin_trial();

    /// Before step t of the trial is computed: learns from step t - 2.
    void before_step();

    /// After step t of the trial in `tape` has been computed.
    void after_step(const Tape<Real>& tape, std::size_t t, std::span<const Real> feedback);

    /// Learns from the two steps that are left.
    void end_trial();

    void serialize(StateArchive& archive);

private:
    /// What learning from a step needs of it.
    struct Step {
        std::vector<std::uint32_t> input, recurrent, spikes;  // arriving, arriving, fired
        std::vector<Real> psi, signal, pull, error;
    };
    Step empty_step() const;
    void learn_from_oldest();
    bool learns(std::size_t projection, std::uint32_t pre) const;
    void note_spikes(std::size_t projection, std::span<const std::uint32_t> now,
                     std::span<const std::uint32_t> next);
    void learn_hidden(std::size_t projection, SynapseTraces<Real>& traces, const Step& step);
    void learn_readout(const Step& step);
    void update_row(std::size_t projection, std::uint32_t pre);
    std::uint64_t oldest() const { return steps_ + 1 - queue_.size(); }

    NetworkParameters<Real> p_;
    RateRegularizer<Real> regularizer_;
    std::uint64_t every_, cutoff_, start_;
    Optimizers optimizers_;
    std::array<WeightStoreShape, 3> shapes_;
    Write write_;
    SynapseTraces<Real> input_, recurrent_;
    std::vector<Real> rate_, zo_;
    std::vector<Step> queue_;        // steps not yet learned from, oldest first; at most two
    std::uint64_t steps_ = 0;        // steps computed; step s is number s, 1 the first
    std::uint64_t first_input_ = 0;  // number of the first step with an input spike; 0: none yet
    std::uint64_t updates_ = 0;
    // Per projection: gradients of up to K steps, weight changes of a step and whether there are any, number
    // of the step of each presynaptic neuron's last spike (0: none), and who spikes in the step after.
    std::array<std::vector<Real>, 3> sum_, change_;
    std::array<bool, 3> changed_{};
    std::array<std::vector<std::uint32_t>, 3> last_spike_;
    std::array<std::vector<std::uint8_t>, 3> spikes_next_;
};

}  // namespace memprop::learning
