// The family of pulsed device models: every pulse moves the conductance by a step that depends on state,
// device and chance. Their vocabulary and equations are those of IBM's Analog Hardware Acceleration Kit;
// parameters in pulsed_config.hpp. w is the weight, G = g_zero + w (g_max - g_min) / (w_max - w_min).
//
// Drawn once per device, n a fresh N(0,1) each: bounds b+ = |w_max (1 + w_max_dtod n)| and
// b- = -|w_min (1 + w_min_dtod n)|, gain g = 1 + dw_min_dtod n, or exp(dw_min_dtod n), and an asymmetry
// r = up_down_dtod n; gamma is |gamma + gamma_dtod n| for linear_step, |gamma (1 + gamma_dtod n)| for
// exp_step and pow_step, and soft_bounds_reference has its bounds at b / |1 + gamma_dtod n|. Steps at w = 0:
// D+ = dw_min |g + r - max(0, -up_down)|, D- = dw_min |g - r - max(0, up_down)|. An up pulse makes (down is
// the mirror image; s = dw_min_std)
//   constant_step          w + D+ (1 + s n)
//   linear_step            w + D+ (1 - gamma+ w / b+)(1 + s n), or noise D+ s n without mult_noise
//   soft_bounds            linear_step with gamma = 1: the step vanishes at the device's own bound
//   soft_bounds_reference  soft_bounds whose pairs have a reference with mean, spread, symmetry point
//   exp_step               w + d + s (d + s_add + s_slope |w|) n, d = D+ max(0, 1 - A+ exp(gamma+ z)),
//                          z = 2 a w / (b+ - b-) + b
//   pow_step               w + D+ ((b+ - w) / (b+ - b-))^gamma+ (1 + s n)
//   piecewise_step         w + D+ f+(w) (1 + s n), f+ interpolated between nodes from b- to b+
// and clips to [b-, b+]. With subtract_symmetry_point devices start at their symmetry point, and so do
// their references; otherwise both are at w = 0. A conductance is never negative: bounds below G = 0 are
// moved there.
//
// Write noise: pulses act on a hidden weight; reads see hidden + write_noise_std dw_min n, n renewed by each
// burst of pulses. Between device ticks w decays towards 0 and diffuses. Reads themselves have no noise;
// that of the converter and of low_frequency_noise.hpp comes on top.
#pragma once

#include <vector>

#include "crossbar/device/device_model.hpp"
#include "crossbar/device/pulsed_kernels.hpp"

namespace memprop::crossbar {

enum class PulsedLaw {
    constant_step,
    linear_step,
    soft_bounds,
    soft_bounds_reference,
    exp_step,
    pow_step,
    piecewise_step,
};

class PulsedDevice final : public DeviceModel {
public:
    /// Throws InputError for parameters that contradict each other.
    PulsedDevice(const CrossbarConfig& config, PulsedLaw law);

    DeviceTraits traits() const override;
    std::string_view unused_pulsed_key(std::string_view name) const override;
    void draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) override;
    void set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses, DrawKey key,
             std::int32_t tick) const override;
    bool bidirectional() const override { return !config_.one_sided; }
    void pulse(DeviceState& state, std::uint32_t first, std::span<const std::int16_t> pulses, DrawKey key,
               std::int32_t tick) const override;
    void reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
               std::int32_t tick) const override;
    void place_reference(DeviceState& state, std::uint32_t device, std::uint32_t partner, const DrawKey& key,
                         std::int32_t tick) const override;
    bool has_auxiliary() const override { return write_noise_us_ > 0.0F; }  // the hidden conductance
    bool relaxes() const override { return config_.lifetime_intervals > 0.0 || config_.diffusion > 0.0; }
    void relax(DeviceState& state, std::int32_t tick) const override;
    void advance_to(std::int32_t) override {}
    void observe(const DeviceState& state, std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                 std::span<float> sigma_us) const override;
    /// Of a device without deviations.
    Step expected_step(float conductance_us, float pulse_memory) const override;
    double drift_factor(std::int32_t) const override { return 1.0; }
    float g_min_us() const override { return g_min_us_; }
    float g_max_us() const override { return g_max_us_; }
    double constant_step_us() const override { return nominal_step_us_; }

    double us_per_weight() const { return us_per_weight_; }
    float g_zero_us() const { return g_zero_us_; }
    /// Where up and down steps of the device are equally large, uS; g_zero for laws without such a state.
    float symmetry_point_us(std::uint32_t device) const;

    /// What was drawn for each device, uS.
    const std::vector<float>& low_us() const { return low_; }
    const std::vector<float>& high_us() const { return high_; }
    const std::vector<float>& step_up_us() const { return step_up_; }
    const std::vector<float>& step_down_us() const { return step_down_; }

private:
    StepParameters parameters(std::uint32_t first) const;
    void place(DeviceState& state, std::uint32_t device, float conductance_us, std::int32_t tick) const;

    PulsedConfig config_;
    double write_noise_scale_;
    PulsedLaw law_;
    float g_min_us_, g_max_us_;
    double us_per_weight_;
    float g_zero_us_;
    float write_noise_us_, reset_sigma_us_, reference_sigma_us_;
    double dw_min_std_;
    double nominal_step_us_ = 0.0;
    std::vector<float> nodes_up_, nodes_down_;
    std::uint64_t seed_ = 0;
    std::uint8_t array_ = 0;
    std::vector<float> low_, high_, step_up_, step_down_, slope_up_, slope_down_, gamma_up_, gamma_down_,
        position_, keep_, diffusion_us_;
};

}  // namespace memprop::crossbar
