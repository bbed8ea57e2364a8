#include "crossbar/device/pulsed_device.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"

namespace memprop::crossbar {
namespace {

/// What a number that differs from device to device is for; the step of its draw.
enum class Spread : std::uint32_t {
    gain = 1,
    up_down,
    w_max,
    w_min,
    gamma_up,
    gamma_down,
    lifetime,
    diffusion,
};

constexpr double kSmallestRange = 1e-6;  // of a device, relative to the nominal range
constexpr double kSmallestSlope = 1e-3;  // of a device with a reference, relative to its nominal slope

bool has_slopes(PulsedLaw law) {
    return law == PulsedLaw::linear_step || law == PulsedLaw::soft_bounds ||
           law == PulsedLaw::soft_bounds_reference;
}

StepLaw kernel_law(PulsedLaw law) {
    switch (law) {
        case PulsedLaw::exp_step:
            return StepLaw::exp;
        case PulsedLaw::pow_step:
            return StepLaw::power;
        case PulsedLaw::piecewise_step:
            return StepLaw::piecewise;
        default:
            return StepLaw::linear;
    }
}

/// The nodes, their last one twice, so that interpolation may look one further.
std::vector<float> to_nodes(const std::vector<double>& factors, std::size_t count) {
    std::vector<float> nodes(factors.begin(), factors.end());
    nodes.resize(count + 1, nodes.back());
    return nodes;
}

/// A device whose mean up step vanishes where it rests, or half way up if it is one-sided: names the
/// parameter that makes it do so.
[[noreturn]] void refuse_step(const PulsedConfig& config, PulsedLaw law) {
    constexpr std::string_view rule = "the mean up step at w = 0 (one_sided: half way up) must be above 0";
    if (config.up_down <= -1.0) {
        throw InputError("crossbar.pulsed.up_down", config.up_down, rule);
    }
    if (law == PulsedLaw::exp_step) {
        throw InputError("crossbar.pulsed.exp_a_up", config.exp_a_up, rule);
    }
    if (law == PulsedLaw::piecewise_step) {
        const std::string factors = fmt::format("[{}]", fmt::join(config.piecewise_up, ", "));
        throw InputError("crossbar.pulsed.piecewise_up", factors, rule);
    }
    throw InputError("crossbar.pulsed.gamma_up", config.gamma_up, rule);
}

}  // namespace

PulsedDevice::PulsedDevice(const CrossbarConfig& config, PulsedLaw law)
    : config_(config.pulsed),
      write_noise_scale_(config.write_noise_scale),
      law_(law),
      g_min_us_(static_cast<float>(config.pulsed.g_min_us)),
      g_max_us_(static_cast<float>(config.g_max_us)),
      us_per_weight_((config.g_max_us - config.pulsed.g_min_us) /
                     (config.pulsed.w_max - config.pulsed.w_min)),
      g_zero_us_(static_cast<float>(config.pulsed.g_min_us - config.pulsed.w_min * us_per_weight_)),
      write_noise_us_(static_cast<float>(config.write_noise_scale * config.pulsed.write_noise_std *
                                         config.pulsed.dw_min * us_per_weight_)),
      reset_sigma_us_(
          static_cast<float>(config.write_noise_scale * config.pulsed.reset_std * us_per_weight_)),
      reference_sigma_us_(static_cast<float>(config.pulsed.reference_std * us_per_weight_)),
      dw_min_std_(config.write_noise_scale * config.pulsed.dw_min_std) {
    if (!(config_.g_min_us < config.g_max_us)) {
        throw InputError("crossbar.pulsed.g_min_us", config_.g_min_us,
                         fmt::format("must be below crossbar.g_max_us = {}", config.g_max_us));
    }
    if (law == PulsedLaw::soft_bounds || law == PulsedLaw::soft_bounds_reference) {
        config_.gamma_up = config_.gamma_down = 1.0;
    }
    if (law == PulsedLaw::soft_bounds) {
        config_.gamma_up_dtod = config_.gamma_down_dtod = 0.0;
    }
    if (has_slopes(law) && !config_.one_sided && config_.gamma_down > 0.0 && !(config_.w_min < 0.0)) {
        throw InputError("crossbar.pulsed.w_min", config_.w_min,
                         "must be below 0: the slope of down steps refers to it");
    }
    if (config_.subtract_symmetry_point && law != PulsedLaw::soft_bounds_reference) {
        throw InputError("crossbar.pulsed.subtract_symmetry_point", true,
                         fmt::format("only soft_bounds_reference has it, not {}", config.device));
    }
    if (has_auxiliary() && relaxes()) {
        throw InputError("crossbar.pulsed.write_noise_std", config_.write_noise_std,
                         "must be 0 for a device that decays or diffuses");
    }
    if (law == PulsedLaw::piecewise_step && config_.piecewise_up.size() != config_.piecewise_down.size()) {
        throw InputError(
            "crossbar.pulsed.piecewise_down", fmt::format("[{} numbers]", config_.piecewise_down.size()),
            fmt::format("must have as many numbers as piecewise_up: {}", config_.piecewise_up.size()));
    }
    const std::size_t nodes = std::max<std::size_t>(config_.piecewise_up.size(), 2);
    nodes_up_ = to_nodes(config_.piecewise_up, nodes);
    nodes_down_ = to_nodes(config_.piecewise_down, nodes);
    const float typical = config_.one_sided ? 0.5F * (g_min_us_ + g_max_us_) : g_zero_us_;
    nominal_step_us_ = expected_step(typical, 0.0F).mean_us;
    if (!(nominal_step_us_ > 0.0)) {
        refuse_step(config_, law);
    }
}

DeviceTraits PulsedDevice::traits() const {
    return {
        .g_max = true,
        .write_noise = config_.dw_min_std > 0.0 || config_.write_noise_std > 0.0 || config_.reset_std > 0.0};
}

std::string_view PulsedDevice::unused_pulsed_key(std::string_view name) const {
    using Law = PulsedLaw;
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    const bool downwards = !config_.one_sided || config_.subtract_symmetry_point;
    const bool exponent = law_ == Law::exp_step || law_ == Law::pow_step;
    if (is({"exp_a_up", "exp_a_down", "exp_scale", "exp_offset", "dw_min_std_add", "dw_min_std_slope"}) &&
        law_ != Law::exp_step) {
        return "has no exponential steps";
    }
    if (is({"piecewise_up", "piecewise_down"}) && law_ != Law::piecewise_step) {
        return "has no piecewise steps";
    }
    if (is({"mult_noise", "mean_bound_reference"}) && !has_slopes(law_)) {
        return "has no steps that fall linearly";
    }
    if (is({"gamma_up", "gamma_down"}) && law_ != Law::linear_step && !exponent) {
        return "has a step law without gamma";
    }
    if (is({"gamma_up_dtod", "gamma_down_dtod"}) && law_ != Law::linear_step &&
        law_ != Law::soft_bounds_reference && !exponent) {
        return "has a step law without a spread of gamma";
    }
    if (is({"reference_mean", "reference_std"}) && law_ != Law::soft_bounds_reference) {
        return "has references at w = 0";
    }
    if (is({"reference_mean", "reference_std"}) && config_.one_sided) {
        return "is one-sided and has no reference devices";
    }
    if (is({"gamma_down", "gamma_down_dtod", "exp_a_down", "piecewise_down"}) && !downwards) {
        return "is one-sided: no pulse goes down";
    }
    if (name == "gamma_up_dtod" && exponent && config_.gamma_up == 0.0) {
        return "has gamma_up = 0, which has no spread";
    }
    if (name == "gamma_down_dtod" && exponent && config_.gamma_down == 0.0) {
        return "has gamma_down = 0, which has no spread";
    }
    if (is({"mult_noise", "dw_min_std_add", "dw_min_std_slope"}) && config_.dw_min_std == 0.0) {
        return "has dw_min_std = 0: steps have no noise";
    }
    if (is({"dw_min_std", "write_noise_std", "reset_std"}) && write_noise_scale_ == 0.0) {
        return "has its noise of writes off: crossbar.write_noise_scale = 0";
    }
    if (name == "dw_min_dtod_log_normal" && config_.dw_min_dtod == 0.0) {
        return "has dw_min_dtod = 0: steps have no spread";
    }
    if (name == "lifetime_dtod" && config_.lifetime_intervals == 0.0) {
        return "does not decay: lifetime_intervals = 0";
    }
    if (name == "diffusion_dtod" && config_.diffusion == 0.0) {
        return "does not diffuse: diffusion = 0";
    }
    return {};
}

void PulsedDevice::draw_spread(std::size_t devices, std::uint64_t seed, std::uint8_t array) {
    seed_ = seed;
    array_ = array;
    std::array<std::vector<float>, 9> normals;
    const auto draw = [&](Spread what) -> const std::vector<float>& {
        auto& n = normals[static_cast<std::size_t>(what)];
        n.resize(devices);
        fill_normals({.seed = seed,
                      .stream = Stream::device_spread,
                      .array = array,
                      .step = static_cast<std::uint32_t>(what)},
                     0, n);
        return n;
    };
    const auto& gain = draw(Spread::gain);
    const auto& asymmetry = draw(Spread::up_down);
    const auto& upper = draw(Spread::w_max);
    const auto& lower = draw(Spread::w_min);
    for (auto* values : {&low_, &high_, &step_up_, &step_down_}) {
        values->resize(devices);
    }
    // Of soft_bounds_reference the slopes have a spread, and with them the bounds at which steps vanish.
    const auto reach = [&](Spread what, double dtod) {
        std::vector<double> factors(devices, 1.0);
        if (law_ == PulsedLaw::soft_bounds_reference && dtod > 0.0) {
            const auto& n = draw(what);
            for (std::size_t i = 0; i < devices; ++i) {
                factors[i] = 1.0 / std::max(std::abs(1.0 + dtod * double(n[i])), kSmallestSlope);
            }
        }
        return factors;
    };
    const auto reach_up = reach(Spread::gamma_up, config_.gamma_up_dtod);
    const auto reach_down = reach(Spread::gamma_down, config_.gamma_down_dtod);
    const double loss_up = std::max(0.0, -config_.up_down), loss_down = std::max(0.0, config_.up_down);
    for (std::size_t i = 0; i < devices; ++i) {
        const double high =
            std::abs(config_.w_max * (1.0 + config_.w_max_dtod * double(upper[i]))) * reach_up[i];
        const double low =
            -std::abs(config_.w_min * (1.0 + config_.w_min_dtod * double(lower[i]))) * reach_down[i];
        high_[i] = static_cast<float>(double(g_zero_us_) + high * us_per_weight_);
        low_[i] = static_cast<float>(std::max(0.0, double(g_zero_us_) + low * us_per_weight_));
        const double spread = config_.dw_min_dtod * double(gain[i]);
        const double g = config_.dw_min_dtod_log_normal ? math::exp(spread) : 1.0 + spread;
        const double r = config_.up_down_dtod * double(asymmetry[i]);
        step_up_[i] = static_cast<float>(config_.dw_min * us_per_weight_ * std::abs(g + r - loss_up));
        step_down_[i] = static_cast<float>(config_.dw_min * us_per_weight_ * std::abs(g - r - loss_down));
    }
    const auto spread_gamma = [&](Spread what, double gamma, double dtod, std::vector<float>& out) {
        out.assign(devices, static_cast<float>(gamma));
        if (dtod > 0.0 && law_ != PulsedLaw::soft_bounds_reference) {
            const auto& n = draw(what);
            const double spread = law_ == PulsedLaw::linear_step ? dtod : gamma * dtod;
            for (std::size_t i = 0; i < devices; ++i) {
                out[i] = static_cast<float>(std::abs(gamma + spread * double(n[i])));
            }
        }
    };
    spread_gamma(Spread::gamma_up, config_.gamma_up, config_.gamma_up_dtod, gamma_up_);
    spread_gamma(Spread::gamma_down, config_.gamma_down, config_.gamma_down_dtod, gamma_down_);
    slope_up_.assign(devices, 0.0F);
    slope_down_.assign(devices, 0.0F);
    position_.assign(devices, 0.0F);
    const double range_us = double(g_max_us_) - double(g_min_us_);
    for (std::size_t i = 0; i < devices; ++i) {
        if (has_slopes(law_)) {
            const bool mean = config_.mean_bound_reference;
            const double to_high = mean ? config_.w_max * us_per_weight_ : double(high_[i] - g_zero_us_);
            const double to_low = mean ? -config_.w_min * us_per_weight_ : double(g_zero_us_ - low_[i]);
            slope_up_[i] = static_cast<float>(-double(step_up_[i]) * double(gamma_up_[i]) /
                                              std::max(to_high, kSmallestRange * range_us));
            slope_down_[i] = static_cast<float>(double(step_down_[i]) * double(gamma_down_[i]) /
                                                std::max(to_low, kSmallestRange * range_us));
        } else {
            const double own = std::max(double(high_[i]) - double(low_[i]), kSmallestRange * range_us);
            position_[i] =
                static_cast<float>((law_ == PulsedLaw::exp_step ? 2.0 * config_.exp_scale : 1.0) / own);
        }
    }
    const auto relative = [&](Spread what, double dtod, std::size_t i) {
        const auto& n = normals[static_cast<std::size_t>(what)];
        return std::max(1.0 + dtod * double(n[i]), 1e-3);  // a lifetime is positive
    };
    if (relaxes()) {
        draw(Spread::lifetime);
        draw(Spread::diffusion);
        keep_.assign(devices, 1.0F);
        diffusion_us_.assign(config_.diffusion > 0.0 ? devices : 0, 0.0F);
        for (std::size_t i = 0; i < devices; ++i) {
            if (config_.lifetime_intervals > 0.0) {
                const double lifetime =
                    config_.lifetime_intervals * relative(Spread::lifetime, config_.lifetime_dtod, i);
                keep_[i] = static_cast<float>(math::exp(-std::min(1.0 / lifetime, 700.0)));
            }
            if (config_.diffusion > 0.0) {
                diffusion_us_[i] = static_cast<float>(config_.diffusion * us_per_weight_ *
                                                      relative(Spread::diffusion, config_.diffusion_dtod, i));
            }
        }
    }
}

StepParameters PulsedDevice::parameters(std::uint32_t first) const {
    const StepLaw law = kernel_law(law_);
    StepParameters p;
    p.law = law;
    p.up = {.step = step_up_.data() + first,
            .slope = slope_up_.data() + first,
            .gamma = gamma_up_.data() + first,
            .exp_a = static_cast<float>(config_.exp_a_up),
            .nodes = nodes_up_.data()};
    p.down = {.step = step_down_.data() + first,
              .slope = slope_down_.data() + first,
              .gamma = gamma_down_.data() + first,
              .exp_a = static_cast<float>(config_.exp_a_down),
              .nodes = nodes_down_.data()};
    p.low = low_.data() + first;
    p.high = high_.data() + first;
    p.position = position_.data() + first;
    p.g_zero_us = g_zero_us_;
    p.exp_offset = static_cast<float>(config_.exp_offset);
    p.segments = static_cast<float>(nodes_up_.size() - 2);
    const bool additive = has_slopes(law_) && !config_.mult_noise;
    (additive ? p.noise_base : p.noise_step) = static_cast<float>(dw_min_std_);
    if (law == StepLaw::exp) {
        p.noise_add_us = static_cast<float>(dw_min_std_ * config_.dw_min_std_add * us_per_weight_);
        p.noise_slope = static_cast<float>(dw_min_std_ * config_.dw_min_std_slope);
    }
    return p;
}

void PulsedDevice::pulse(DeviceState& state, std::uint32_t first, std::span<const std::int16_t> pulses,
                         DrawKey key, std::int32_t tick) const {
    std::vector<float>& changed = has_auxiliary() ? state.auxiliary : state.conductance_us;
    pulse_devices(parameters(first), changed.data() + first, pulses, first, key);
    if (has_auxiliary()) {
        key.stream = Stream::write_noise;
        renew_visible(changed.data() + first, pulses, write_noise_us_, first, key,
                      state.conductance_us.data() + first);
    }
    count_pulses(pulses, tick, state.programmed_tick.data() + first, state.set_pulses.data() + first,
                 state.reset_pulses.data() + first);
}

void PulsedDevice::set(DeviceState& state, std::uint32_t first, std::span<const std::uint16_t> pulses,
                       DrawKey key, std::int32_t tick) const {
    for_signed_chunks(pulses, first, [&](std::uint32_t at, std::span<const std::int16_t> chunk) {
        pulse(state, at, chunk, key, tick);
    });
}

void PulsedDevice::place(DeviceState& state, std::uint32_t device, float conductance_us,
                         std::int32_t tick) const {
    state.conductance_us[device] = std::clamp(conductance_us, low_[device], high_[device]);
    if (has_auxiliary()) {
        state.auxiliary[device] = state.conductance_us[device];
    }
    state.programmed_tick[device] = tick;
}

void PulsedDevice::reset(DeviceState& state, std::uint32_t device, const DrawKey& key,
                         std::int32_t tick) const {
    const float rest = config_.subtract_symmetry_point ? symmetry_point_us(device) : g_zero_us_;
    place(state, device, rest + reset_sigma_us_ * random_normal(key, device), tick);
    if (!bidirectional()) {
        ++state.reset_pulses[device];
    }
}

float PulsedDevice::symmetry_point_us(std::uint32_t device) const {
    const double up = double(step_up_[device]), down = double(step_down_[device]);
    const double fall = double(slope_down_[device]) - double(slope_up_[device]);
    return fall > 0.0 ? static_cast<float>(double(g_zero_us_) + (up - down) / fall) : g_zero_us_;
}

void PulsedDevice::place_reference(DeviceState& state, std::uint32_t device, std::uint32_t partner,
                                   const DrawKey& key, std::int32_t tick) const {
    float reference = config_.subtract_symmetry_point ? symmetry_point_us(partner) : g_zero_us_;
    if (law_ == PulsedLaw::soft_bounds_reference) {
        reference += static_cast<float>(config_.reference_mean * us_per_weight_) +
                     reference_sigma_us_ * random_normal(key, device);
    }
    place(state, device, reference, tick);
}

void PulsedDevice::relax(DeviceState& state, std::int32_t tick) const {
    if (!relaxes()) {
        return;
    }
    std::vector<float>& changed = has_auxiliary() ? state.auxiliary : state.conductance_us;
    for (; state.relaxed_tick < tick; ++state.relaxed_tick) {
        const DrawKey key{.seed = seed_,
                          .stream = Stream::diffusion,
                          .array = array_,
                          .event = static_cast<std::uint32_t>(state.relaxed_tick)};
        crossbar::relax(keep_.data(), diffusion_us_.empty() ? nullptr : diffusion_us_.data(), low_.data(),
                        high_.data(), g_zero_us_, key, changed);
    }
}

void PulsedDevice::observe(const DeviceState& state, std::uint32_t first, std::int32_t,
                           std::span<float> mean_us, std::span<float> sigma_us) const {
    std::copy_n(state.conductance_us.begin() + first, mean_us.size(), mean_us.begin());
    std::fill(sigma_us.begin(), sigma_us.end(), 0.0F);
}

DeviceModel::Step PulsedDevice::expected_step(float conductance_us, float) const {
    const double w = (double(conductance_us) - double(g_zero_us_)) / us_per_weight_;
    const double d = config_.dw_min * (1.0 - std::max(0.0, -config_.up_down));
    const double range = config_.w_max - config_.w_min;
    double step = d;
    double base = d;  // what noise is relative to
    switch (law_) {
        case PulsedLaw::constant_step:
            break;
        case PulsedLaw::linear_step:
        case PulsedLaw::soft_bounds:
        case PulsedLaw::soft_bounds_reference:
            step = d * (1.0 - config_.gamma_up * w / config_.w_max);
            base = config_.mult_noise ? step : d;
            break;
        case PulsedLaw::exp_step: {
            const double z = 2.0 * config_.exp_scale * w / range + config_.exp_offset;
            const double factor = 1.0 - config_.exp_a_up * math::exp(std::min(config_.gamma_up * z, 700.0));
            step = base = d * std::clamp(factor, 0.0, double(kLargestFactor));
            base += config_.dw_min_std_add + config_.dw_min_std_slope * std::abs(w);
            break;
        }
        case PulsedLaw::pow_step: {
            const double rest = std::max((config_.w_max - w) / range, 1e-30);
            step = base = d * math::pow(rest, config_.gamma_up);
            break;
        }
        case PulsedLaw::piecewise_step: {
            const auto last = static_cast<double>(nodes_up_.size() - 2);
            const double at = std::clamp((w - config_.w_min) / range * last, 0.0, last);
            const auto node = static_cast<std::size_t>(at);
            const double left = double(nodes_up_[node]), right = double(nodes_up_[node + 1]);
            step = base = d * (left + (at - std::floor(at)) * (right - left));
            break;
        }
    }
    return {step * us_per_weight_, std::abs(dw_min_std_ * base) * us_per_weight_};
}

}  // namespace memprop::crossbar
