// The cycle-level chip as hardware for training: compiles the network, loads it through the chip's bus, and
// drives samples, updates and measurements.
#pragma once

#include <memory>
#include <vector>

#include "host_runtime/chip/chip_executor.hpp"
#include "host_runtime/chip/chip_session.hpp"
#include "host_runtime/config/experiment.hpp"
#include "learning/engine.hpp"

namespace memprop::host {

/// What an experiment's chip is asked to hold, and how.
class TrainedPlan {
public:
    /// Throws InputError if the chip cannot do what the experiment asks for.
    explicit TrainedPlan(const Experiment& experiment);

    const CompileRequest& request() const { return request_; }
    CompiledNetwork compile() const { return host::compile(request_, experiment_.chip); }
    hw::chip::ChipConfig chip_for(const CompiledNetwork& compiled) const {
        return with_resources(experiment_.chip, compiled, request_);
    }
    std::string describe(const CompiledNetwork& compiled) const {
        return host::describe(compiled, request_, experiment_.chip);
    }

private:
    const Experiment experiment_;
    const learning::ResolvedNetwork resolved_;
    CompileRequest request_;
};

class ChipHardware final : public learning::Hardware {
public:
    /// Throws InputError if the network does not fit or the chip cannot do what the experiment asks for.
    ChipHardware(const Experiment& experiment, const learning::HardwareRequest& request);

    void load(learning::ProjectionId id, std::span<const float> initial) override;
    void load_feedback(std::size_t set, const learning::FeedbackWeights<float>& feedback) override;
    void refresh_feedback(std::uint32_t sample, std::int32_t tick) override;
    void adapt_feedback(const learning::Gradients<float>& changes) override;
    void limit_gradient(float factor) override;
    void reward(std::span<const float> errors) override;
    void run(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
             learning::Tape<float>& tape) override;
    void begin(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick,
               learning::Tape<float>& tape) override;
    void step(std::uint32_t t) override;
    void end() override {}
    void measure(learning::ProjectionId id, std::uint32_t sample, std::int32_t tick,
                 std::span<float> weights) override;
    void update(std::span<const std::span<const float>> changes, std::uint32_t event,
                std::int32_t tick) override;
    void serialize(StateArchive& archive) override;
    void state_restored() override;

    /// As Chip::record, with what the host itself remembers of what it told.
    void record(hw::WordRecord& record);

    const ChipSession& session() const { return session_; }
    ChipSession& session() { return session_; }
    const TrainedPlan& plan() const { return plan_; }

private:
    void begin_trial(const learning::Trial& trial, std::uint32_t sample, std::int32_t tick, bool learns,
                     learning::Tape<float>& tape);

    const TrainedPlan plan_;
    const network::Network network_;
    learning::TapeRequest tape_request_;
    hw::chip::LearningMode mode_;  // of samples that are learned
    float feedback_decay_;
    bool keeps_state_;
    std::vector<float>& feedback_;
    ChipSession session_;
    std::unique_ptr<ChipExecutor> executor_;
    hw::chip::ChipTape chip_tape_;
    std::size_t loaded_projections_ = 0;
    const learning::Trial* trial_ = nullptr;  // under way, and where it leaves what learning needs
    learning::Tape<float>* tape_ = nullptr;
    bool window_told_ = true;
    std::vector<std::uint32_t> words_;
};

}  // namespace memprop::host
