#include "crossbar/device/pcm_nandakumar2018.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/device/pcm_nandakumar2018.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/device/pulse_chunks-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

constexpr float kGMin = PcmNandakumar2018::kGMinUs;

// Pulse k of every device that wants more than k. The inner loops are plain so that the compiler vectorises
// them for each instruction set.
void SetPulses(const PcmNandakumar2018::SetConstants& c, float* HWY_RESTRICT g, float* HWY_RESTRICT memory,
               std::int32_t* HWY_RESTRICT programmed, std::uint32_t* HWY_RESTRICT wear,
               const std::uint16_t* HWY_RESTRICT pulses, std::size_t count, std::uint32_t first, DrawKey key,
               std::int32_t tick) {
    const auto most = [&](std::size_t begin, std::size_t n) HWY_ATTR {
        std::uint16_t largest = 0;
        for (std::size_t at = begin; at < begin + n; ++at) {
            largest = std::max(largest, pulses[at]);
        }
        if (largest > 0) {
            for (std::size_t at = begin; at < begin + n; ++at) {
                programmed[at] = pulses[at] > 0 ? tick : programmed[at];
                wear[at] += pulses[at];
            }
        }
        return std::uint32_t{largest};
    };
    ForPulses(count, most, [&](std::size_t begin, std::size_t n, std::uint32_t k) HWY_ATTR {
        HWY_ALIGN float noise[kGroup];
        key.step = k;
        WriteNormals(key, first + static_cast<std::uint32_t>(begin), n, noise);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t at = begin + i;
            const bool hit = pulses[at] > k;
            const float p = memory[at] * c.memory_decay;
            const float mean = c.mean_g * g[at] + c.mean_0 + c.mean_p * p;
            const float sigma = c.sigma_g * g[at] + c.sigma_0 + c.sigma_p * p;
            const float next = g[at] + (mean + sigma * noise[i]);
            const float low = next < kGMin ? kGMin : next;
            const float clipped = low > c.g_max_us ? c.g_max_us : low;
            g[at] = hit ? clipped : g[at];
            memory[at] = hit ? p : memory[at];
        }
    });
}

void Observe(const float* HWY_RESTRICT g, const std::int32_t* HWY_RESTRICT programmed, std::int32_t tick,
             const float* HWY_RESTRICT factor_of_age, float sigma_g, float sigma_0, std::size_t count,
             float* HWY_RESTRICT mean, float* HWY_RESTRICT sigma) {
    for (std::size_t i = 0; i < count; ++i) {
        const float drifted = g[i] * factor_of_age[tick - programmed[i]];
        mean[i] = drifted;
        sigma[i] = sigma_g * drifted + sigma_0;
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"

namespace memprop::crossbar {

HWY_EXPORT(SetPulses);
HWY_EXPORT(Observe);

namespace {

constexpr float kResetMeanUs = 0.1F, kResetSigmaUs = 0.01F, kResetMinUs = 0.01F;
constexpr double kLinearStepUs = 1.0;
constexpr double kLeastGMaxUs = 0.2;

}  // namespace

PcmNandakumar2018::PcmNandakumar2018(const CrossbarConfig& config, double tick_seconds)
    : tick_seconds_(tick_seconds),
      drift_exponent_(kDriftExponent * config.drift_scale),
      drift_spread_(config.drift_spread),
      reset_sigma_us_(kResetSigmaUs * static_cast<float>(config.write_noise_scale)),
      read_sigma_g_(static_cast<float>(0.03 * config.read_noise_scale)),
      read_sigma_0_us_(static_cast<float>(0.13 * config.read_noise_scale)) {
    if (!(config.g_max_us >= kLeastGMaxUs)) {
        throw InputError("crossbar.g_max_us", config.g_max_us,
                         fmt::format("must be at least {} on {}, whose RESET state is at {}", kLeastGMaxUs,
                                     config.device, kGMinUs));
    }
    const double s = config.nonlinearity_scale, w = config.write_noise_scale;
    constants_ = {.memory_decay = static_cast<float>(math::exp(-1.0 / 2.6)),
                  .mean_g = static_cast<float>(-0.084 * s),
                  .mean_0 = static_cast<float>(0.880 * s + kLinearStepUs * (1.0 - s)),
                  .mean_p = static_cast<float>(1.40 * s),
                  .sigma_g = static_cast<float>(0.091 * w),
                  .sigma_0 = static_cast<float>(0.260 * w),
                  .sigma_p = static_cast<float>(2.15 * w),
                  .g_max_us = static_cast<float>(config.g_max_us)};
}

void PcmNandakumar2018::draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) {
    if (drift_spread_ == 0.0) {
        return;
    }
    const DrawKey key{.seed = seed, .stream = Stream::device_spread, .array = array};
    exponent_of_device_.resize(devices);
    for (std::size_t i = 0; i < devices; ++i) {
        exponent_of_device_[i] =
            drift_exponent_ *
            std::abs(1.0 + drift_spread_ * double(random_normal(key, static_cast<std::uint32_t>(i))));
    }
}

void PcmNandakumar2018::set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses,
                            DrawKey key, std::int32_t tick) const {
    HWY_DYNAMIC_DISPATCH(SetPulses)
    (constants_, state.conductance_us.data() + first, state.pulse_memory.data() + first,
     state.programmed_tick.data() + first, state.set_pulses.data() + first, pulses.data(), pulses.size(),
     first, key, tick);
}

void PcmNandakumar2018::reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
                              std::int32_t tick) const {
    const float g = kResetMeanUs + reset_sigma_us_ * random_normal(key, device);
    state.conductance_us[device] = g < kResetMinUs ? kResetMinUs : g;
    state.pulse_memory[device] = 1.0F;
    state.programmed_tick[device] = tick;
    ++state.reset_pulses[device];
}

DeviceModel::Step PcmNandakumar2018::expected_step(float g, float memory) const {
    const float p = memory * constants_.memory_decay;
    return {double(constants_.mean_g * g + constants_.mean_0 + constants_.mean_p * p),
            double(constants_.sigma_g * g + constants_.sigma_0 + constants_.sigma_p * p)};
}

void PcmNandakumar2018::advance_to(std::int32_t tick) {
    for (auto age = static_cast<std::int32_t>(factor_of_age_.size()); age <= tick; ++age) {
        const double elapsed = tick_seconds_ * age;
        const double log_ratio = elapsed > kT0Seconds ? math::log(elapsed / kT0Seconds) : 0.0;
        log_ratio_of_age_.push_back(log_ratio);
        factor_of_age_.push_back(static_cast<float>(math::exp(-drift_exponent_ * log_ratio)));
    }
}

void PcmNandakumar2018::observe(const DeviceState& state, std::uint32_t first, std::int32_t tick,
                                std::span<float> mean_us, std::span<float> sigma_us) const {
    if (exponent_of_device_.empty()) {
        HWY_DYNAMIC_DISPATCH(Observe)
        (state.conductance_us.data() + first, state.programmed_tick.data() + first, tick,
         factor_of_age_.data(), read_sigma_g_, read_sigma_0_us_, mean_us.size(), mean_us.data(),
         sigma_us.data());
        return;
    }
    for (std::size_t i = 0; i < mean_us.size(); ++i) {
        const double log_ratio =
            log_ratio_of_age_[static_cast<std::size_t>(tick - state.programmed_tick[first + i])];
        const auto factor = static_cast<float>(math::exp(-exponent_of_device_[first + i] * log_ratio));
        mean_us[i] = state.conductance_us[first + i] * factor;
        sigma_us[i] = read_sigma_g_ * mean_us[i] + read_sigma_0_us_;
    }
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
