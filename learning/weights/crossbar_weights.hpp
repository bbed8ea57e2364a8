// Weights on a crossbar: W = scale * D, D the differential conductance of a synapse. An update scheme
// turns weight changes into pulses; every `refresh_period` updates saturated pairs are renewed.
//
// Drift compensation (crossbar.drift_compensation), for devices that drift: a digital gain per array and
// sample, after Joshi et al., Nat. Commun. 11, 2473, 2020, who compare the summed current of an array with
// that after programming. What is written changes that current too; so the reference follows the writes:
//     gain = r W(t) / G(t),   G the sum of the conductances of all devices, read at the start of the sample,
//                             W the sum of what each of them held when it was last written.
// r = 1 for an array that is compensated from its programming on; one that was trained without compensation
// has r = G / W at the end of its training, so that its gain is 1 there. Learning changes W and G alike,
// drift G alone. Cost: a read of every device per sample, and of the devices of every synapse that is written
// (checked writes and refreshes read them anyway), counted as verifying reads.
#pragma once

#include <memory>
#include <vector>

#include "learning/update/scheme.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

class CrossbarWeights final : public DeviceWeights {
public:
    CrossbarWeights(const StoreContext& context, const WeightStoreShape& shape);

    void load(std::span<const float> initial) override;
    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step, std::span<float> out) override;
    /// Values are driven in parts of the largest of them (crossbar.dac_bits levels).
    void sum_graded(std::span<const std::uint32_t> active, std::span<const float> values, std::uint32_t step,
                    std::span<float> out) override;
    void begin_sample(std::uint32_t sample, std::int32_t tick) override;
    void end_sample() override;
    /// Reads of a sample under way see the change.
    void update(std::span<const float> delta, std::uint32_t event, std::int32_t tick) override;
    void measure(std::uint32_t sample, std::int32_t tick, std::span<float> weights) override;
    void snapshot(std::int32_t tick, std::span<float> weights) override;
    void serialize(StateArchive& archive) override;
    /// With drift compensation its reference comes along; if the other run had none, it is the state at the
    /// end of that run.
    void load_weights(StateArchive& archive, const DonorDevices& donor, std::int32_t tick) override;
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
    /// Whether a gain has anything to do: it is asked for, and the devices drift.
    bool compensates_drift() const { return compensates_drift_; }
    void scale(std::span<float> values) const override;

private:
    void scale(std::span<float> values, float gain) const;
    /// The gain for a sum of conductances.
    float gain_at(double conductance_us) const;

    WeightStoreShape shape_;
    float weight_per_us_, weight_step_ = 0.0F;
    std::uint64_t refresh_period_;
    crossbar::RefreshLimits refresh_limits_;
    crossbar::VerifiedWrites verified_;
    crossbar::SynapseArray array_;
    std::unique_ptr<UpdateScheme> scheme_;
    std::vector<std::int16_t> pulses_;
    std::vector<float> drive_;
    crossbar::ProgrammingReport programming_;
    bool compensates_drift_;
    // Drift compensation: G and W where the gain is 1, and the gain of the last sample.
    double reference_us_ = 0.0, written_at_reference_us_ = 0.0;
    double gain_ = 1.0;
    std::uint32_t sample_ = 0;
    bool in_sample_ = false;
    std::uint64_t updates_ = 0;
    crossbar::RefreshReport refreshed_;
};

}  // namespace memprop::learning
