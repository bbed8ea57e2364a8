// Online e-prop onto one slice of a population, step by step, from what the core that holds it has: the
// events that arrive, the pseudo-derivatives of its neurons, and the errors that come back. A synapse needs
// nothing of other synapses, so the gradients are, bit for bit, the columns of what OnlineGradient computes
// for the whole population (equations: gradient.hpp).
//
// A trial: begin_trial(), then for each step t
//   record(what arrived and what the neurons made of it)     step t
//   learn(errors)                                            of step t, once they are known
// and end_trial(). The error of a readout that is d steps late (ErrorSource::delay) belongs to step t - d:
// that step waits, its events and pseudo-derivatives with it.
//
// Both forms of the firing-rate regulariser work: running_average needs a rate per neuron, per_trial the
// neurons' spike counts and a sum of e per synapse, which the rate error scales at the end. Not done: lists
// of synapses (only the factorised gradient has them), and limits on the norm of all gradients, which are no
// matter of one slice (slice_update.hpp takes the factor).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/eprop/gradient.hpp"
#include "learning/eprop/slice_memory.hpp"
#include "learning/eprop/slice_plan.hpp"
#include "learning/eprop/synapse_traces.hpp"

namespace memprop::learning {

/// What arrives over a projection in a step, a bias aside.
template <class Real>
struct SliceEvents {
    std::span<const std::uint32_t> rows;  ///< presynaptic neurons, numbered as in their population
    std::span<const Real> values;         ///< of graded events; empty: all are 1
    /// Rows whose synapses miss the errors of this step (learning.early_spikes_lose_last_error: in the last
    /// step of a trial those of inputs that spike in step 1 of the next one).
    std::span<const std::uint32_t> late;
};

/// One step of the slice.
template <class Real>
struct SliceStep {
    std::span<const SliceEvents<Real>> arriving;  ///< [projection that learns]
    std::span<const Real> psi;                    ///< [neuron]; not looked at where neurons do not spike
    std::span<const std::uint32_t> spikes;        ///< neurons that spiked, from 0 on
};

/// Errors dE/dy of one step.
template <class Real>
struct SliceErrors {
    std::span<const std::span<const Real>> sources;  ///< [source][readout]
    std::span<const Real> own;  ///< [neuron of the slice], of the objective that looks at the population
};

template <class Real>
class SliceLearner {
public:
    /// `population` is the whole one. Throws InputError for a slice that is not within it, and for
    /// projections with lists of synapses.
    SliceLearner(const LearningPopulation<Real>& population, network::Slice slice,
                 const RateRegularizer<Real>& regularizer);

    /// Feedback weights of a source, [readout][neuron of the slice]; 0 at first.
    std::span<Real> feedback(std::size_t source) { return feedback_[source]; }

    /// Traces and gradients 0.
    void begin_trial();
    /// The next step. Throws std::logic_error if the errors of the last one are still awaited, and for spans
    /// of another length than the slice has.
    void record(const SliceStep<Real>& step);
    /// The errors of the step recorded last.
    void learn(const SliceErrors<Real>& errors);
    /// No more steps: learns from those that wait, and lets the regulariser have its part.
    void end_trial();

    /// Of a projection, [row][neuron of the slice]; complete after end_trial(). Changes may replace it till
    /// begin_trial().
    std::span<Real> gradient(std::size_t projection) { return projections_[projection].gradient; }
    const LearningPopulation<Real>& plan() const { return p_; }
    network::Slice slice() const { return slice_; }

    void serialize(StateArchive& archive);
    /// All state, in the order of serialize(), while the learner lives: "feedback0", "projection0.zb",
    /// "projection0.eb", "projection0.gradient", ... Arrays keep their place but for those of waiting events,
    /// which grow if a step brings more events than there are rows.
    std::vector<SliceMemory> memories();

private:
    /// Events that wait for their errors.
    struct Waiting {
        std::vector<std::uint32_t> rows;
        std::vector<Real> values;
    };
    struct Projection {
        SynapseTraces<Real> traces;
        std::vector<Real> gradient;
        std::vector<Waiting> waiting;      // [step modulo depth]
        std::vector<std::uint32_t> count;  // of them
        std::vector<std::uint32_t> late;   // [row]: 1 where it misses the errors of step late_step - 1
    };
    /// Counts of steps, 32-bit words like all memory.
    enum Counter : std::uint8_t { kRecorded, kTold, kLearned, kLateStep, kCounters };

    std::uint32_t& counter(Counter c) { return counters_[c]; }
    std::size_t slot(std::size_t step) const { return step % depth_; }
    std::span<Real> at(std::vector<Real>& ring, std::size_t step) {
        return std::span(ring).subspan(slot(step) * p_.size, p_.size);
    }
    void keep(Projection& projection, const SliceEvents<Real>& events);
    void note_late(std::span<const SliceEvents<Real>> arriving);
    void check_steps() const;
    void learn_from(std::size_t step);
    void compute_signal(std::size_t step);
    void learn_projection(std::size_t w, std::size_t step);

    network::Slice slice_;
    LearningPopulation<Real> p_;
    RateRegularizer<Real> regularizer_;
    bool running_ = false, is_read_only_ = false;
    std::size_t depth_ = 1;  // steps that wait at most
    std::vector<Projection> projections_;
    std::vector<std::vector<Real>> feedback_;  // [source]
    std::vector<std::vector<Real>> errors_;    // [source]: [step modulo depth][readout]
    std::vector<Real> own_, psi_, pull_;       // [step modulo depth][neuron]
    std::vector<Real> rate_;                   // running average
    std::vector<std::uint32_t> spike_count_;
    std::vector<std::uint32_t> counters_;
    std::vector<Real> signal_, none_;  // scratch; zeros
};

extern template class SliceLearner<float>;
extern template class SliceLearner<double>;

}  // namespace memprop::learning
