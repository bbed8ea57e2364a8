// A noise-free device: each SET pulse adds g_max / 2^bits until g_max is reached, RESET returns to 0,
// reads are exact and nothing drifts.
#pragma once

#include "crossbar/device/device_model.hpp"

namespace memprop::crossbar {

class IdealDevice final : public DeviceModel {
public:
    explicit IdealDevice(const CrossbarConfig& config);

    DeviceTraits traits() const override { return {.g_max = true, .bits = true}; }

    /// It is no real device: no energy of its pulses and reads is known.
    static void preset(CrossbarConfig& config) { config.energy = EnergyConfig::none(); }

    void draw_spread(std::size_t, std::uint64_t, std::uint8_t) override {}
    void set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses, DrawKey key,
             std::int32_t tick) const override;
    void reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
               std::int32_t tick) const override;
    void advance_to(std::int32_t) override {}
    void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const override;
    Step expected_step(float, float) const override { return {double(step_us_), 0.0}; }
    double drift_factor(std::int32_t) const override { return 1.0; }
    float g_min_us() const override { return 0.0F; }
    float g_max_us() const override { return g_max_us_; }
    double constant_step_us() const override { return step_us_; }

private:
    float g_max_us_;
    float step_us_;
};

}  // namespace memprop::crossbar
