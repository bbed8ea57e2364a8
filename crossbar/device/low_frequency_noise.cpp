#include "crossbar/device/low_frequency_noise.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/device/low_frequency_noise.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/base/float_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

constexpr float kSmallestState = 1e-3F;  // G / g_max below which relative amplitudes grow no further

void ApplyNoise(const float* HWY_RESTRICT relative, float per_g_max, float exponent, std::size_t count,
                float* HWY_RESTRICT mean) {
    using memprop::HWY_NAMESPACE::ExpFloat;
    using memprop::HWY_NAMESPACE::LogFloat;
    if (exponent == 0.0F) {
        for (std::size_t i = 0; i < count; ++i) {
            const float g = mean[i] * (1.0F + relative[i]);
            mean[i] = g > 0.0F ? g : 0.0F;
        }
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const float state = mean[i] * per_g_max;
        const float amplitude =
            ExpFloat(-exponent * LogFloat(state > kSmallestState ? state : kSmallestState));
        const float g = mean[i] * (1.0F + amplitude * relative[i]);
        mean[i] = g > 0.0F ? g : 0.0F;
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>

#include "crossbar/base/math.hpp"

namespace memprop::crossbar {

HWY_EXPORT(ApplyNoise);

namespace {

/// What a draw decides; its step. Processes have the steps from `process` on.
enum class Draw : std::uint32_t { amplitude = 0, capture, emission, has_trap, trapped, process = 16 };

}  // namespace

LowFrequencyNoise::LowFrequencyNoise(const LowFrequencyConfig& config, double g_max_us, std::size_t devices,
                                     double tick_seconds, std::uint64_t seed, std::uint8_t array)
    : config_(config), per_g_max_(static_cast<float>(1.0 / g_max_us)), seed_(seed), array_(array) {
    const bool flicker = config.one_over_f > 0.0, telegraph = config.telegraph_fraction > 0.0;
    if (!flicker && !telegraph) {
        return;
    }
    relative_.assign(devices, 0.0F);
    draws_.resize(devices);
    if (flicker) {
        double variance = 0.0, tau = 1.0;
        for (std::size_t k = 0; k < kProcesses; ++k, tau *= 4.0) {
            const double keep = math::exp(-1.0 / tau);
            const double own = math::exp((config.one_over_f_exponent - 1.0) * math::log(tau));
            keep_.push_back(static_cast<float>(keep));
            kick_.push_back(static_cast<float>(std::sqrt(1.0 - keep * keep)));
            weight_.push_back(static_cast<float>(std::sqrt(own)));
            variance += own;
        }
        for (float& w : weight_) {
            w *= static_cast<float>(config.one_over_f / std::sqrt(variance));
        }
        processes_.resize(kProcesses * devices);
        for (std::size_t k = 0; k < kProcesses; ++k) {
            fill_normals({.seed = seed,
                          .stream = Stream::low_frequency_noise,
                          .array = array,
                          .step = static_cast<std::uint32_t>(Draw::process) + static_cast<std::uint32_t>(k)},
                         0, std::span(processes_).subspan(k * devices, devices));
        }
    }
    if (telegraph) {
        draw_traps(tick_seconds);
    }
}

void LowFrequencyNoise::draw_traps(double tick_seconds) {
    const std::size_t devices = relative_.size();
    const auto key = [&](Draw what) -> DrawKey {
        return {.seed = seed_,
                .stream = Stream::low_frequency_noise,
                .array = array_,
                .step = static_cast<std::uint32_t>(what)};
    };
    const auto log_normal = [&](Draw what, double median, double spread, std::size_t d) {
        return median * math::exp(spread * double(random_normal(key(what), static_cast<std::uint32_t>(d))));
    };
    trapped_.assign(devices, 0);
    for (auto* values : {&amplitude_, &capture_, &emission_}) {
        values->assign(devices, 0.0F);
    }
    for (std::size_t d = 0; d < devices; ++d) {
        const auto index = static_cast<std::uint32_t>(d);
        if (double(random_uniform(key(Draw::has_trap), index)) >= config_.telegraph_fraction) {
            continue;
        }
        const double a =
            log_normal(Draw::amplitude, config_.telegraph_amplitude, config_.telegraph_amplitude_spread, d);
        const double capture_seconds =
            log_normal(Draw::capture, config_.telegraph_capture_seconds, config_.telegraph_time_spread, d);
        const double emission_seconds =
            log_normal(Draw::emission, config_.telegraph_emission_seconds, config_.telegraph_time_spread, d);
        const double rate = 1.0 / capture_seconds + 1.0 / emission_seconds;
        const double moved = 1.0 - math::exp(-std::min(rate * tick_seconds, 700.0));
        const double occupied = 1.0 / (capture_seconds * rate);
        amplitude_[d] = static_cast<float>(std::min(a, 1.0));
        capture_[d] = static_cast<float>(occupied * moved);
        emission_[d] = static_cast<float>((1.0 - occupied) * moved);
        trapped_[d] = double(random_uniform(key(Draw::trapped), index)) < occupied ? 1 : 0;
    }
}

void LowFrequencyNoise::step() {
    const std::size_t devices = relative_.size();
    DrawKey key{.seed = seed_,
                .stream = Stream::low_frequency_noise,
                .array = array_,
                .event = static_cast<std::uint32_t>(++tick_)};
    for (std::size_t k = 0; k < keep_.size(); ++k) {
        key.step = static_cast<std::uint32_t>(Draw::process) + static_cast<std::uint32_t>(k);
        fill_normals(key, 0, draws_);
        float* const y = processes_.data() + k * devices;
        for (std::size_t d = 0; d < devices; ++d) {
            y[d] = keep_[k] * y[d] + kick_[k] * draws_[d];
        }
    }
    if (!trapped_.empty()) {
        key.step = static_cast<std::uint32_t>(Draw::trapped);
        fill_uniforms(key, 0, draws_);
        for (std::size_t d = 0; d < devices; ++d) {
            const bool switches = draws_[d] < (trapped_[d] != 0 ? emission_[d] : capture_[d]);
            trapped_[d] ^= switches ? 1U : 0U;
        }
    }
}

void LowFrequencyNoise::combine() {
    const std::size_t devices = relative_.size();
    std::fill(relative_.begin(), relative_.end(), 0.0F);
    for (std::size_t k = 0; k < keep_.size(); ++k) {
        const float* const y = processes_.data() + k * devices;
        for (std::size_t d = 0; d < devices; ++d) {
            relative_[d] += weight_[k] * y[d];
        }
    }
    for (std::size_t d = 0; d < trapped_.size(); ++d) {
        relative_[d] -= trapped_[d] != 0 ? amplitude_[d] : 0.0F;
    }
    combined_ = true;
}

void LowFrequencyNoise::advance_to(std::int32_t tick) {
    if (none() || (combined_ && tick_ >= static_cast<std::uint64_t>(tick))) {
        return;
    }
    while (tick_ < static_cast<std::uint64_t>(tick)) {
        step();
    }
    combine();
}

void LowFrequencyNoise::apply(std::uint32_t first, std::span<float> mean_us) const {
    HWY_DYNAMIC_DISPATCH(ApplyNoise)
    (relative_.data() + first, per_g_max_, static_cast<float>(config_.state_exponent), mean_us.size(),
     mean_us.data());
}

void LowFrequencyNoise::serialize(StateArchive& archive) {
    if (none()) {
        return;
    }
    archive("low_frequency_tick", tick_);
    if (!processes_.empty()) {
        archive("low_frequency_processes", processes_);
    }
    if (!trapped_.empty()) {
        archive("low_frequency_trapped", trapped_);
    }
    combined_ = false;
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
