#include "crossbar/device/pcm_inference.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/device/pcm_inference.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/base/float_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

using memprop::HWY_NAMESPACE::ExpFloat;
using memprop::HWY_NAMESPACE::LogFloat;

HWY_INLINE void ObserveOne(float g, float nu, float log_ratio, float read_factor, float per_g_max,
                           float& mean, float& sigma) {
    const float drifted = g * ExpFloat(-(nu * log_ratio));
    const float relative = g * per_g_max;
    const float power = ExpFloat(0.65F * LogFloat(relative > 1e-12F ? relative : 1e-12F));
    const float q = 0.0088F / (power > 1e-3F ? power : 1e-3F);
    mean = drifted;
    sigma = drifted * ((q < 0.2F ? q : 0.2F) * read_factor);
}

// Ages differ from device to device: programmed at different times.
void ObserveAges(const float* HWY_RESTRICT g, const float* HWY_RESTRICT nu,
                 const std::int32_t* HWY_RESTRICT programmed, std::int32_t tick,
                 const float* HWY_RESTRICT log_ratio, const float* HWY_RESTRICT read_factor, float per_g_max,
                 std::size_t count, float* HWY_RESTRICT mean, float* HWY_RESTRICT sigma) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t age = tick - programmed[i];
        ObserveOne(g[i], nu[i], log_ratio[age], read_factor[age], per_g_max, mean[i], sigma[i]);
    }
}

void ObserveAt(const float* HWY_RESTRICT g, const float* HWY_RESTRICT nu, float log_ratio, float read_factor,
               float per_g_max, std::size_t count, float* HWY_RESTRICT mean, float* HWY_RESTRICT sigma) {
    for (std::size_t i = 0; i < count; ++i) {
        ObserveOne(g[i], nu[i], log_ratio, read_factor, per_g_max, mean[i], sigma[i]);
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>
#include <stdexcept>

#include "crossbar/base/math.hpp"

namespace memprop::crossbar {

HWY_EXPORT(ObserveAges);
HWY_EXPORT(ObserveAt);

namespace {

constexpr std::uint32_t kExponentStep = 1;  // of the draw of the drift exponent; programming noise has 0

}  // namespace

PcmInference::PcmInference(const CrossbarConfig& config, double tick_seconds)
    : tick_seconds_(tick_seconds),
      g_max_us_(config.g_max_us),
      write_scale_(config.write_noise_scale),
      read_scale_(config.read_noise_scale),
      drift_scale_(config.drift_scale) {}

void PcmInference::preset(CrossbarConfig& config) {
    config.g_max_us = 25.0;
    config.weight_scale_per_us *= 12.0 / 25.0;
    config.weight_scale_out_per_us *= 12.0 / 25.0;
}

void PcmInference::set(DeviceState&, std::uint32_t, std::span<const std::uint16_t>, DrawKey,
                       std::int32_t) const {
    throw std::logic_error("SET pulses on a device that is programmed to targets");
}

void PcmInference::program_targets(DeviceState& state, std::uint32_t first, std::span<const float> targets_us,
                                   DrawKey key, std::int32_t tick) const {
    std::vector<float> programming(targets_us.size()), exponent(targets_us.size());
    fill_normals(key, first, programming);
    key.step = kExponentStep;
    fill_normals(key, first, exponent);
    for (std::size_t i = 0; i < targets_us.size(); ++i) {
        const double target = double(targets_us[i]);
        const double r = target / g_max_us_;
        const double sigma = write_scale_ * (0.26348 + 1.9650 * r - 1.1731 * r * r) * g_max_us_ / 25.0;
        const double log_r = math::log(std::max(r, 1e-7));
        const double mean = std::clamp(-0.0155 * log_r + 0.0244, 0.049, 0.1);
        const double spread = std::clamp(-0.0125 * log_r - 0.0059, 0.008, 0.045);
        const std::size_t at = first + i;
        state.conductance_us[at] = static_cast<float>(std::max(0.0, target + sigma * double(programming[i])));
        state.auxiliary[at] =
            static_cast<float>(drift_scale_ * std::abs(mean + spread * double(exponent[i])));
        state.programmed_tick[at] = tick;
        ++state.set_pulses[at];
    }
}

void PcmInference::reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
                         std::int32_t tick) const {
    const float nothing = 0.0F;
    program_targets(state, device, {&nothing, 1}, key, tick);
    --state.set_pulses[device];
}

PcmInference::Age PcmInference::age_of(double t_seconds) const {
    return {.log_ratio = static_cast<float>(t_seconds > kT0Seconds ? math::log(t_seconds / kT0Seconds) : 0.0),
            .read_factor = static_cast<float>(
                read_scale_ * std::sqrt(math::log((t_seconds + kReadSeconds) / (2.0 * kReadSeconds))))};
}

void PcmInference::advance_to(std::int32_t tick) {
    for (auto age = static_cast<std::int32_t>(log_ratio_.size()); age <= tick; ++age) {
        const Age a = age_of(tick_seconds_ * age + kT0Seconds);
        log_ratio_.push_back(a.log_ratio);
        read_factor_.push_back(a.read_factor);
    }
}

double PcmInference::drift_factor(std::int32_t age) const {
    return math::exp(-0.049 * drift_scale_ * double(log_ratio_[static_cast<std::size_t>(age)]));
}

void PcmInference::observe(const DeviceState& state, std::uint32_t first, std::int32_t tick,
                           std::span<float> mean_us, std::span<float> sigma_us) const {
    HWY_DYNAMIC_DISPATCH(ObserveAges)
    (state.conductance_us.data() + first, state.auxiliary.data() + first,
     state.programmed_tick.data() + first, tick, log_ratio_.data(), read_factor_.data(),
     static_cast<float>(1.0 / g_max_us_), mean_us.size(), mean_us.data(), sigma_us.data());
}

void PcmInference::observe_at(const DeviceState& state, double t_seconds, std::span<float> mean_us,
                              std::span<float> sigma_us) const {
    const Age age = age_of(t_seconds);
    HWY_DYNAMIC_DISPATCH(ObserveAt)
    (state.conductance_us.data(), state.auxiliary.data(), age.log_ratio, age.read_factor,
     static_cast<float>(1.0 / g_max_us_), mean_us.size(), mean_us.data(), sigma_us.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
