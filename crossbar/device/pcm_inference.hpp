// Phase-change memory that is programmed once, iteratively, to target conductances, and then read for a
// long time: Nandakumar et al., "Phase-change memory models for deep learning training and inference",
// ICECS 2019, with the constants that IBM's Analog Hardware Acceleration Kit publishes. uS and s; n fresh
// N(0,1), r = target / g_max (floored at 1e-7 in logarithms).
//
// Programming: G = max(0, target + s n), s = (0.26348 + 1.9650 r - 1.1731 r^2) g_max / 25
// Drift:       G(t) = G (t / 20)^-nu for t > 20 s; nu = |m + d n|, once per programming,
//              m = clip(-0.0155 ln r + 0.0244, 0.049, 0.1), d = clip(-0.0125 ln r - 0.0059, 0.008, 0.045)
// Read:        max(0, G(t) + G(t) Q sqrt(ln((t + t_r) / (2 t_r))) n): the 1/f noise accumulated since then,
//              Q = min(0.0088 / max((G / g_max)^0.65, 1e-3), 0.2) with the programmed G, t_r = 250 ns
// t counts from the start of programming. An array is ready 20 s later: the age of a device in an array is
// t - 20 s. The read's floor at 0 holds where devices are read one by one; a column sums Gaussian noise.
//
// Takes no pulses, so no update scheme can train it. The steps of iterative programming are not modelled:
// one programming counts as one SET pulse. Not modelled: temperature (the source gives none).
#pragma once

#include <vector>

#include "crossbar/device/device_model.hpp"

namespace memprop::crossbar {

class PcmInference final : public DeviceModel {
public:
    static constexpr double kT0Seconds = 20.0;
    static constexpr double kReadSeconds = 250e-9;

    PcmInference(const CrossbarConfig& config, double tick_seconds);

    /// What a user of this device has by default.
    static void preset(CrossbarConfig& config);

    DeviceTraits traits() const override {
        return {.g_max = true, .write_noise = true, .read_noise = true, .drift = true};
    }
    void draw_spread(std::size_t, std::uint64_t, std::uint8_t) override {}
    bool takes_pulses() const override { return false; }
    void set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses, DrawKey key,
             std::int32_t tick) const override;
    void program_targets(DeviceState& state, std::uint32_t first, std::span<const float> targets_us,
                         DrawKey key, std::int32_t tick) const override;
    void reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
               std::int32_t tick) const override;
    bool has_auxiliary() const override { return true; }  // the drift exponent
    bool drifts() const override { return drift_scale_ > 0.0; }
    void advance_to(std::int32_t tick) override;
    void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const override;
    /// The same at t seconds after the start of programming, whatever the state's device time is.
    void observe_at(const DeviceState& state, double t_seconds, std::span<float> mean_us,
                    std::span<float> sigma_us) const;
    Step expected_step(float, float) const override { return {0.0, 0.0}; }
    double drift_factor(std::int32_t age) const override;
    float g_min_us() const override { return 0.0F; }
    float g_max_us() const override { return static_cast<float>(g_max_us_); }
    double constant_step_us() const override { return 0.0; }

private:
    struct Age {
        float log_ratio;    // ln(t / t0), at least 0
        float read_factor;  // sqrt(ln((t + t_r) / (2 t_r))), times the scale of read noise
    };
    Age age_of(double t_seconds) const;

    double tick_seconds_;
    double g_max_us_;
    double write_scale_, read_scale_, drift_scale_;
    std::vector<float> log_ratio_, read_factor_;  // by age in ticks
};

}  // namespace memprop::crossbar
