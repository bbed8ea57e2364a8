// Learning within a trial: weights change after every K steps, by the online form of e-prop, as a chip
// (or an event-driven simulator) does that has no memory for a whole trial.
//
// Timing: the error of step h is known after h, and travels back for a step; so a weight used in step t
// holds the gradients of the steps <= t - 2. Only synapses whose presynaptic neuron has spiked in the last
// `trace_cutoff_steps` learn (c steps: the step before a spike, and the spike's step and c - 2 more);
// otherwise traces only decay, and Adam makes up for the missed updates at the next spike (the rule of
// NEST's eprop_synapse, Korcsak-Gorzo et al., 2025). With K > 1 gradients of K steps are averaged.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "learning/eprop/arrivals.hpp"
#include "learning/eprop/synapse_traces.hpp"
#include "learning/rules/rule.hpp"

namespace memprop::learning {

template <class Real>
class StepLearner final : public Rule<Real> {
public:
    explicit StepLearner(const RuleContext<Real>& context);

    /// Forgets the traces; counts of steps go on.
    void begin_trial() override;
    /// Learns from the oldest step that waits: step t - 2, or an older one if errors come later.
    void before_step(const Tape<Real>& tape, std::size_t t) override;
    void after_step(const Tape<Real>& tape, std::size_t t) override;
    /// Learns from the steps that are left.
    void end_trial(const Tape<Real>& tape, Gradients<Real>& gradients) override;
    void serialize(StateArchive& archive) override;

private:
    /// What learning from a step needs of a population that learns.
    struct PopulationStep {
        std::vector<Real> psi, signal, pull;
    };
    /// What arrives over a projection in a step.
    struct ArrivingEvents {
        std::vector<std::uint32_t> events;  ///< the bias among them
        std::vector<Real> values;           ///< empty: all are 1
    };
    struct Step {
        std::vector<PopulationStep> populations;  ///< in the order of the plan
        std::vector<ArrivingEvents> arriving;     ///< of learned_
    };
    struct Population {
        LearningPopulation<Real> plan;
        /// The error of step t belongs to the events that set out in step t - shift.
        std::uint32_t shift = 0;
        bool is_read = false;
        std::vector<Real> rate;  // of the running_average regulariser
    };
    /// A projection, its gradients of up to K steps, the changes of a step, the step of each presynaptic
    /// neuron's last spike (0: none), and who spikes in the step after.
    struct Learned {
        std::size_t population;
        LearnedProjection projection;
        RuleProjection synapses;
        SynapseTraces<Real> traces;
        std::vector<Real> sum{}, change{};
        std::vector<std::uint32_t> last_spike{};
        std::vector<std::uint8_t> spikes_next{};
        bool changed = false;
    };
    Step empty_step();
    void copy_events(const Tape<Real>& tape, std::size_t t, Step& step);
    void give_errors(const Tape<Real>& tape, std::size_t t);
    void learn_from_oldest();
    bool learns(const Learned& learned, std::uint32_t pre) const;
    void note_spikes(Learned& learned, std::span<const std::uint32_t> now,
                     std::span<const std::uint32_t> next);
    void learn(Learned& learned, const PopulationStep& step);
    void update_row(Learned& learned, std::uint32_t pre);
    void write();
    std::uint64_t oldest() const { return steps_ + 1 - queue_.size(); }

    bool keeps_state_;
    const FeedbackWeights<Real>& feedback_;
    RateRegularizer<Real> regularizer_;
    std::uint64_t every_, cutoff_, start_;
    std::vector<Optimizer<Real>*> optimizers_;  // by projection
    WriteChanges<Real> write_;
    std::vector<Population> populations_;
    std::vector<Learned> learned_;
    std::size_t depth_ = 2;            // steps that wait at most
    std::vector<Step> queue_, spare_;  // steps not yet learned from, oldest first; and room for more
    std::uint64_t steps_ = 0;          // steps computed; step s is number s, 1 the first
    std::uint64_t first_event_ = 0;    // number of the first step in which an event arrives; 0: none yet
    std::uint64_t updates_ = 0;
    std::vector<std::span<const Real>> changes_;  // by projection
};

extern template class StepLearner<float>;
extern template class StepLearner<double>;

}  // namespace memprop::learning
