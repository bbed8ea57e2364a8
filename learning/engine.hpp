// What holds the weights and runs the trials: the functional engine (functional_engine.hpp), or a model of
// hardware. Both call the same functions, so their numbers are the same bits; what hardware adds is time,
// energy and contention.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "learning/eprop/plan.hpp"
#include "learning/forward.hpp"
#include "learning/tape.hpp"
#include "learning/task/trial.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

template <class Real>
class Engine {
public:
    virtual ~Engine() = default;

    /// Programs the initial weights of a projection, in the layout of its store.
    virtual void load(ProjectionId id, std::span<const Real> initial) = 0;
    /// Feedback weights into the memory that learning reads them from, those of set `set` of the request.
    virtual void load_feedback(std::size_t set, const FeedbackWeights<Real>& feedback) = 0;
    /// Symmetric feedback: feedback weights from a read of the readout weights.
    virtual void refresh_feedback(std::uint32_t sample, std::int32_t tick) = 0;
    /// Adaptive feedback: gives every feedback weight the change asked for of its readout weight and its
    /// decay.
    virtual void adapt_feedback(const Gradients<Real>& changes) = 0;

    /// Shows a trial and fills `tape`; `learns`: the learning engines follow the steps.
    virtual void run(const Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
                     Tape<Real>& tape) = 0;
    /// The same step by step, for weights that change between the steps: begin, then steps 0, 1, ... of the
    /// trial, then end. After step t `tape` holds what it left.
    virtual void begin(const Trial& trial, std::uint32_t sample, std::int32_t tick, Tape<Real>& tape) = 0;
    virtual void step(std::uint32_t t) = 0;
    virtual void end() = 0;

    /// Trials that may run side by side, and one of them on worker 1, 2, ...
    virtual std::size_t workers() const { return 1; }
    virtual void run_beside(std::size_t /*worker*/, const Trial& /*trial*/, Tape<Real>& /*tape*/) {}

    /// Rewards in place of targets: the error of each readout that holds for the whole learning window of the
    /// trial that has just been run.
    virtual void reward(std::span<const Real> /*errors*/) {}
    /// Learning engines find the norm of the gradient and, unless it is 1, multiply with `factor`.
    virtual void limit_gradient(Real /*factor*/) {}

    /// One read of all weights of a projection.
    virtual void measure(ProjectionId id, std::uint32_t sample, std::int32_t tick,
                         std::span<Real> weights) = 0;
    /// Changes the weights of the projections that have changes; the others' are empty.
    virtual void update(std::span<const std::span<const Real>> changes, std::uint32_t event,
                        std::int32_t tick) = 0;

    /// What a trial leaves to the next one, if state is kept.
    virtual void serialize(StateArchive& archive) = 0;
    /// Weights and devices were replaced by those of a checkpoint.
    virtual void state_restored() {}
};

/// What one e-prop rule learns, and the feedback weights that it reads.
template <class Real>
struct LearnedSet {
    const LearningConfig* learning = nullptr;
    const EpropPlan<Real>* plan = nullptr;
    FeedbackWeights<Real>* feedback = nullptr;
};

/// What an engine is built around; all of it outlives the engine.
template <class Real>
struct EngineRequest {
    const ExperimentConfig& config;
    const ResolvedNetwork& resolved;
    std::vector<LearnedSet<Real>> learned;
    std::vector<BasicWeightStore<Real>*> stores;          ///< by ProjectionId; null: has none
    std::vector<network::Connection<Real>*> connections;  ///< likewise, all of them
    TapeRequest tape;
    bool keeps_state = false;
};

using Hardware = Engine<float>;
using HardwareRequest = EngineRequest<float>;
using HardwareFactory = std::function<std::unique_ptr<Hardware>(const HardwareRequest&)>;

/// The projection whose weights an error travels back over by symmetric and adaptive feedback: from the
/// population to the objective's. Nothing: there is none.
std::optional<ProjectionId> direct_projection(const network::Network& network, std::size_t population,
                                              std::size_t objective);

}  // namespace memprop::learning
