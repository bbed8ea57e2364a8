// Phase-change memory with gradual SET: the statistical model of Nandakumar et al., "A phase-change
// memory model for neuromorphic computing", J. Appl. Phys. 124, 152135 (2018). Conductances in uS.
//
// SET pulse:   P <- P exp(-1/2.6);  G <- clip(G + N(mu, sigma), G_min, G_max)
//              mu = -0.084 G + 0.880 + 1.40 P,  sigma = 0.091 G + 0.260 + 2.15 P
// RESET pulse: P <- 1;  G <- N(0.1, 0.01), at least 0.01. There is no gradual RESET.
// Drift:       G(t) = G (max(t - t_p, T0) / T0)^-nu, nu = 0.04, T0 = 38.6 s; before T0 the factor is 1. With
//              crossbar.drift_spread s a device has nu = 0.04 |1 + s n|, n ~ N(0,1): nothing grows.
// Read:        N(G(t), 0.03 G(t) + 0.13), not clamped.
// A pulse acts on G as programmed, not on the drifted value. P is the memory of recent pulses.
//
// Scale factors (crossbar.*_scale) multiply the standard deviations and the drift exponent; a
// nonlinearity below 1 moves mu towards a constant step of 1 uS.
#pragma once

#include <vector>

#include "crossbar/device/device_model.hpp"

namespace memprop::crossbar {

class PcmNandakumar2018 final : public DeviceModel {
public:
    static constexpr double kT0Seconds = 38.6;
    static constexpr double kDriftExponent = 0.04;
    static constexpr float kGMinUs = 0.1F;

    PcmNandakumar2018(const CrossbarConfig& config, double tick_seconds);

    DeviceTraits traits() const override {
        return {.g_max = true,
                .write_noise = true,
                .read_noise = true,
                .drift = true,
                .drift_spread = true,
                .nonlinearity = true};
    }
    void draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) override;
    void set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses, DrawKey key,
             std::int32_t tick) const override;
    void reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
               std::int32_t tick) const override;
    bool drifts() const override { return drift_exponent_ > 0.0; }
    void advance_to(std::int32_t tick) override;
    void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const override;
    Step expected_step(float conductance_us, float pulse_memory) const override;
    double drift_factor(std::int32_t age) const override {
        return double(factor_of_age_[static_cast<std::size_t>(age)]);
    }
    float g_min_us() const override { return kGMinUs; }
    float g_max_us() const override { return constants_.g_max_us; }
    double constant_step_us() const override { return 0.0; }

    /// The constants of a SET pulse, with the scale factors worked in.
    struct SetConstants {
        float memory_decay;
        float mean_g, mean_0, mean_p;     // mu = mean_g G + mean_0 + mean_p P
        float sigma_g, sigma_0, sigma_p;  // sigma alike
        float g_max_us;
    };

private:
    double tick_seconds_;
    double drift_exponent_;
    double drift_spread_;
    float reset_sigma_us_;
    float read_sigma_g_, read_sigma_0_us_;
    SetConstants constants_;
    std::vector<float> factor_of_age_;        // drift factor after that many ticks
    std::vector<double> log_ratio_of_age_;    // ln(max(t, T0) / T0), used with spread exponents
    std::vector<double> exponent_of_device_;  // empty without spread
};

}  // namespace memprop::crossbar
