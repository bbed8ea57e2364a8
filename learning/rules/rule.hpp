// A learning rule. It changes weights within a trial, or gives gradients after it; what it needs of a trial
// it says before, and nothing else is recorded for it. Each rule is a file of its own (rules.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "learning/config/learning_config.hpp"
#include "learning/eprop/gradient.hpp"
#include "learning/eprop/plan.hpp"
#include "learning/network/fields.hpp"
#include "learning/network/network.hpp"
#include "learning/tape.hpp"
#include "learning/update/optimizer.hpp"

namespace memprop::learning {

/// What a rule asks for. Events of both populations of its projections stand in the tape in any case.
struct RuleNeeds {
    bool errors = false;  ///< objectives with targets, labels or rewards
    bool pseudo_derivatives = false;
    bool spike_counts = false;
    /// Its steps are called, trial after trial; else only end_trial, and trials of a batch may run at a time,
    /// each with a rule of its own.
    bool steps = false;
    /// end_trial gives gradients, which optimisers turn into changes; else the rule writes changes itself.
    bool gradients = false;
};

template <class Real>
class Rule {
public:
    virtual ~Rule() = default;

    /// A trial begins, its weights ready to be read.
    virtual void begin_trial() {}
    /// Step t of the trial is about to be computed.
    virtual void before_step(const Tape<Real>& /*tape*/, std::size_t /*t*/) {}
    /// Step t of the trial has been computed: `tape` holds its events, pseudo-derivatives and errors.
    virtual void after_step(const Tape<Real>& /*tape*/, std::size_t /*t*/) {}
    /// All steps of the trial have been computed. Replaces the gradients of the rule's projections if it has
    /// gradients, and leaves those of the others alone.
    virtual void end_trial(const Tape<Real>& tape, Gradients<Real>& gradients) = 0;

    /// State between two trials.
    virtual void serialize(StateArchive&) {}
};

/// A projection that learns by a rule. Weights are [pre][post].
struct RuleProjection {
    network::ProjectionId id{};
    std::string_view name{};              ///< for errors
    std::size_t from = 0, to = 0;         ///< populations
    std::uint32_t rows = 0, columns = 0;  ///< of the weights; the bias, if any, is the last row
    std::uint32_t delay = 0;              ///< steps from an event to its arrival at the weights
    bool bias = false;
    bool post_spikes = true;  ///< the postsynaptic neurons put out spikes
    bool self = true;         ///< false: the synapses of neurons onto themselves do not exist
    /// [pre][post]: 0 where there is no synapse; null: all that `self` leaves.
    std::shared_ptr<const std::vector<std::uint8_t>> connected{};

    bool exists(std::size_t pre, std::size_t post) const {
        return (self || pre != post) && (connected == nullptr || (*connected)[pre * columns + post] != 0);
    }
};

/// Changes weights: changes[p] is asked for of projection p, [pre][post]; empty: nothing. `event` counts the
/// writes of a rule.
template <class Real>
using WriteChanges = std::function<void(std::span<const std::span<const Real>> changes, std::uint32_t event)>;

/// Reads the weights of a projection: exact numbers, or one noisy, counted read of its devices.
template <class Real>
using ReadWeights = std::function<void(network::ProjectionId id, std::span<Real> weights)>;

/// What a rule is made from. Pointers and functions outlive the rule.
template <class Real>
struct RuleContext {
    std::string_view name;  ///< of its table, for errors
    double time_step_seconds = 1e-3;
    std::size_t all_projections = 0;  ///< of the network
    bool keeps_state = false;         ///< a trial continues where the last one ended
    std::span<const RuleProjection> projections;
    std::span<const network::Parameter> parameters;  ///< those of the table that are not at their defaults
    ReadWeights<Real> read;                          ///< rules with steps
    WriteChanges<Real> write;                        ///< rules with steps
    /// Rules that ask for errors.
    LearningConfig learning{};
    const EpropPlan<Real>* plan = nullptr;
    const FeedbackWeights<Real>* feedback = nullptr;
    RateRegularizer<Real> regularizer{};
    std::span<Optimizer<Real>* const> optimizers{};  ///< by projection; rules with steps
};

struct RuleKind {
    std::string_view name, text;
    std::span<const network::Field> fields;  ///< of its own; e-prop has the keys of [learning] instead
    RuleNeeds (*needs)(const LearningConfig&) = nullptr;
    /// Throw InputError naming rule, projection, parameter for what the rule cannot do.
    std::unique_ptr<Rule<float>> (*make_float)(const RuleContext<float>&) = nullptr;
    std::unique_ptr<Rule<double>> (*make_double)(const RuleContext<double>&) = nullptr;
};

}  // namespace memprop::learning
