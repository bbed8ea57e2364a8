// Runs trials by the executor, as fast as the machine can.
#pragma once

#include <memory>
#include <vector>

#include "learning/engine.hpp"

namespace memprop::learning {

template <class Real>
class FunctionalEngine final : public Engine<Real> {
public:
    /// `workers` trials may run side by side: their weights are numbers and their state is reset.
    FunctionalEngine(const EngineRequest<Real>& request, std::size_t workers);

    void load(ProjectionId id, std::span<const Real> initial) override;
    void load_feedback(std::size_t set, const FeedbackWeights<Real>& feedback) override {
        *request_.learned[set].feedback = feedback;
    }
    void refresh_feedback(std::uint32_t sample, std::int32_t tick) override;
    void adapt_feedback(const Gradients<Real>& changes) override;
    void run(const Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
             Tape<Real>& tape) override;
    void begin(const Trial& trial, std::uint32_t sample, std::int32_t tick, Tape<Real>& tape) override;
    void step(std::uint32_t t) override;
    void end() override;
    std::size_t workers() const override { return passes_.size(); }
    void run_beside(std::size_t worker, const Trial& trial, Tape<Real>& tape) override;
    void measure(ProjectionId id, std::uint32_t sample, std::int32_t tick, std::span<Real> weights) override;
    void update(std::span<const std::span<const Real>> changes, std::uint32_t event,
                std::int32_t tick) override;
    void serialize(StateArchive& archive) override;

private:
    void begin_sample(std::uint32_t sample, std::int32_t tick);
    /// Calls f(feedback, neurons, neurons of the objective, direct projection, learning) for every matrix of
    /// feedback of this kind.
    template <class Function>
    void for_each_feedback(Feedback kind, Function&& f);

    EngineRequest<Real> request_;
    std::vector<std::unique_ptr<ForwardPass<Real>>> passes_;
    const Trial* trial_ = nullptr;  // under way, step by step
    Tape<Real>* tape_ = nullptr;
    std::vector<Real> readout_weights_;  // scratch for feedback
};

}  // namespace memprop::learning
