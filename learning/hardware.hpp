// Hardware that holds the weights and runs the trials in place of the functional engine. It calls the same
// functions, so its numbers are the same bits; what it adds is time, energy and contention.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "learning/config/config.hpp"
#include "learning/network/forward.hpp"
#include "learning/network/parameters.hpp"
#include "learning/network/tape.hpp"
#include "learning/task/trial.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

class Hardware {
public:
    virtual ~Hardware() = default;

    /// Programs the initial weights, [pre][post].
    virtual void load(ProjectionId id, std::span<const float> initial) = 0;
    /// Feedback weights, [readout][neuron], into the memory the learning engine reads them from.
    virtual void load_feedback(std::span<const float> feedback) = 0;
    /// The same from a read of the readout weights.
    virtual void refresh_feedback(std::uint32_t sample, std::int32_t tick) = 0;
    /// Adaptive feedback: gives every feedback weight the change asked for of its readout weight,
    /// [neuron][readout], and its decay.
    virtual void adapt_feedback(std::span<const float> readout_changes, float decay) = 0;

    /// Shows a trial and fills `tape`; `learns`: the learning engines follow the steps.
    virtual void run(const Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
                     Tape<float>& tape) = 0;

    /// Rewards in place of targets: the error of each readout that holds for the whole learning window of the
    /// trial that has just been run.
    virtual void reward(std::span<const float> errors) = 0;

    /// The learning engines find the norm of the gradient and, unless it is 1, multiply with `factor`.
    virtual void limit_gradient(float factor) = 0;

    /// The same step by step, for weights that change between the steps: begin, then steps 0, 1, ... of the
    /// trial. After step t `tape` holds what it left, after the last one the loss too.
    virtual void begin(const Trial& trial, std::uint32_t sample, std::int32_t tick, Tape<float>& tape) = 0;
    virtual void step(std::uint32_t t) = 0;

    /// One read of all weights of a projection, [pre][post].
    virtual void measure(ProjectionId id, std::uint32_t sample, std::int32_t tick,
                         std::span<float> weights) = 0;
    /// Changes the weights of the projections that have changes; the others' are empty.
    virtual void update(const std::array<std::span<const float>, 3>& changes, std::uint32_t event,
                        std::int32_t tick) = 0;

    /// Weights and devices were replaced by those of a checkpoint.
    virtual void state_restored() = 0;
};

/// What hardware is built around; all of it outlives the hardware.
struct HardwareRequest {
    const ExperimentConfig& config;
    const NetworkParameters<float>& parameters;
    std::array<WeightStore*, 3> weights;
    NetworkState<float>& state;
    std::vector<float>& feedback;  ///< [readout][neuron]
};
using HardwareFactory = std::function<std::unique_ptr<Hardware>(const HardwareRequest&)>;

}  // namespace memprop::learning
