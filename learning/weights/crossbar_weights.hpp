// Weights on a crossbar: W = scale * D, D the differential conductance of a synapse. An update scheme
// turns weight changes into pulses; every `refresh_period` updates saturated pairs are renewed.
#pragma once

#include <memory>
#include <vector>

#include "learning/update/scheme.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

class CrossbarWeights final : public DeviceWeights {
public:
    CrossbarWeights(const ExperimentConfig& config, const WeightStoreShape& shape);

    void load(std::span<const float> initial) override;
    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step, std::span<float> out) override;
    void begin_sample(std::uint32_t sample, std::int32_t tick) override;
    void end_sample() override;
    /// Reads of a sample under way see the change.
    void update(std::span<const float> delta, std::uint32_t event, std::int32_t tick) override;
    void measure(std::uint32_t sample, std::int32_t tick, std::span<float> weights) override;
    void snapshot(std::int32_t tick, std::span<float> weights) override;
    void serialize(StateArchive& archive) override;
    /// With drift compensation its start comes from the archive too; if the other run had none, the next
    /// sample is the start.
    void load_weights(StateArchive& archive) override;
    const WeightStoreShape& shape() const override { return shape_; }
    const crossbar::SynapseArray* array() const override { return &array_; }
    const crossbar::SynapseArray* scheme_array() const override { return scheme_->array(); }
    crossbar::RefreshReport refreshed() const override { return refreshed_; }
    crossbar::ProgrammingReport programmed() const override { return programming_; }

    // The parts of an update, for hardware that writes the devices itself.
    /// Turns weight changes into pulses(), on the scheme's own array if it has one; false if there is nothing
    /// to write.
    bool plan(std::span<const float> delta, std::uint32_t event, std::int32_t tick) {
        scheme_->advance(tick);
        return scheme_->plan(delta, event, pulses_);
    }
    UpdateScheme& scheme() { return *scheme_; }
    std::span<const std::int16_t> pulses() const { return pulses_; }
    const crossbar::VerifiedWrites& verified() const { return verified_; }
    /// Counts an update; true if saturated pairs are to be refreshed after it.
    bool refresh_is_due() { return ++updates_, refresh_period_ > 0 && updates_ % refresh_period_ == 0; }
    const crossbar::RefreshLimits& refresh_limits() const { return refresh_limits_; }
    void note_refresh(const crossbar::RefreshReport& report) { refreshed_ += report; }
    crossbar::SynapseArray& devices() override { return array_; }
    bool compensates_drift() const { return compensates_drift_; }
    void scale(std::span<float> values) const override;

private:
    WeightStoreShape shape_;
    float weight_per_us_, weight_step_ = 0.0F;
    std::uint64_t refresh_period_;
    crossbar::RefreshLimits refresh_limits_;
    crossbar::VerifiedWrites verified_;
    crossbar::SynapseArray array_;
    std::unique_ptr<UpdateScheme> scheme_;
    std::vector<std::int16_t> pulses_;
    crossbar::ProgrammingReport programming_;
    bool compensates_drift_;
    double magnitude_at_start_us_ = 0.0;  // drift compensation
    float compensation_ = 1.0F;
    std::uint32_t sample_ = 0;
    bool in_sample_ = false;
    std::uint64_t updates_ = 0;
    crossbar::RefreshReport refreshed_;
};

}  // namespace memprop::learning
