#include "crossbar/device/pulsed_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/device/pulsed_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/base/float_math-inl.hpp"
#include "crossbar/device/pulse_chunks-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

using memprop::HWY_NAMESPACE::ExpFloat;
using memprop::HWY_NAMESPACE::ExpVector;
using memprop::HWY_NAMESPACE::LogFloat;
using memprop::HWY_NAMESPACE::LogVector;
using memprop::HWY_NAMESPACE::PhiloxKey;
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;
using Rising = hn::Mask<Tag>;

// Of two parameters of device i on, that of the direction of its pulses.
HWY_INLINE Vec Pick(Rising rising, const float* up, const float* down, std::size_t i) {
    const Tag d;
    return hn::IfThenElse(rising, hn::LoadU(d, up + i), hn::LoadU(d, down + i));
}

// Standard deviation of a step of those laws that do not bring their own.
struct CommonNoise {
    const float *HWY_RESTRICT base_up, *HWY_RESTRICT base_down;
    float of_step, of_base, add, slope, zero;
    explicit CommonNoise(const StepParameters& p)
        : base_up(p.up.step),
          base_down(p.down.step),
          of_step(p.noise_step),
          of_base(p.noise_base),
          add(p.noise_add_us),
          slope(p.noise_slope),
          zero(p.g_zero_us) {}
    HWY_INLINE float sigma(std::size_t i, float g, float step, bool rising) const {
        const float distance = g - zero;
        const float away = distance < 0.0F ? -distance : distance;
        return of_step * step + of_base * (rising ? base_up[i] : base_down[i]) + add + slope * away;
    }
    HWY_INLINE Vec sigma(std::size_t i, Vec g, Vec step, Rising rising) const {
        const Tag d;
        const Vec distance = hn::Sub(g, hn::Set(d, zero));
        const Vec away = hn::Abs(distance);
        const Vec base = hn::Mul(hn::Set(d, of_base), Pick(rising, base_up, base_down, i));
        const Vec constant = hn::Add(hn::Add(hn::Mul(hn::Set(d, of_step), step), base), hn::Set(d, add));
        return hn::Add(constant, hn::Mul(hn::Set(d, slope), away));
    }
};

// The laws: mean step of device i at conductance g, up or down. Both sides are loaded and one is taken, so
// that neighbouring devices may be pulsed in opposite directions.
struct LinearLaw {
    const float *HWY_RESTRICT up, *HWY_RESTRICT down, *HWY_RESTRICT slope_up, *HWY_RESTRICT slope_down;
    float g_zero, of_step, of_base;
    explicit LinearLaw(const StepParameters& p)
        : up(p.up.step),
          down(p.down.step),
          slope_up(p.up.slope),
          slope_down(p.down.slope),
          g_zero(p.g_zero_us),
          of_step(p.noise_step),
          of_base(p.noise_base) {}
    HWY_INLINE float operator()(std::size_t i, float g, bool rising) const {
        const float step = rising ? up[i] : down[i];
        const float gradient = rising ? slope_up[i] : slope_down[i];
        return step + gradient * (g - g_zero);
    }
    HWY_INLINE float sigma(std::size_t i, float, float step, bool rising) const {
        return of_step * step + of_base * (rising ? up[i] : down[i]);
    }
    HWY_INLINE Vec operator()(std::size_t i, Vec g, Rising rising) const {
        const Vec gradient = Pick(rising, slope_up, slope_down, i);
        return hn::Add(Pick(rising, up, down, i), hn::Mul(gradient, hn::Sub(g, hn::Set(Tag(), g_zero))));
    }
    HWY_INLINE Vec sigma(std::size_t i, Vec, Vec step, Rising rising) const {
        const Tag d;
        return hn::Add(hn::Mul(hn::Set(d, of_step), step),
                       hn::Mul(hn::Set(d, of_base), Pick(rising, up, down, i)));
    }
};

struct ExpLaw : CommonNoise {
    const float *HWY_RESTRICT up, *HWY_RESTRICT down, *HWY_RESTRICT gamma_up, *HWY_RESTRICT gamma_down,
        *HWY_RESTRICT position;
    float a_up, a_down, offset, g_zero;
    explicit ExpLaw(const StepParameters& p)
        : CommonNoise(p),
          up(p.up.step),
          down(p.down.step),
          gamma_up(p.up.gamma),
          gamma_down(p.down.gamma),
          position(p.position),
          a_up(p.up.exp_a),
          a_down(p.down.exp_a),
          offset(p.exp_offset),
          g_zero(p.g_zero_us) {}
    HWY_INLINE float operator()(std::size_t i, float g, bool rising) const {
        const float z = position[i] * (g - g_zero) + offset;
        const float exponent = rising ? gamma_up[i] * z : -(gamma_down[i] * z);
        const float factor = 1.0F - (rising ? a_up : a_down) * ExpFloat(exponent);
        const float positive = factor > 0.0F ? factor : 0.0F;
        return (rising ? up[i] : down[i]) * (positive < kLargestFactor ? positive : kLargestFactor);
    }
    HWY_INLINE Vec operator()(std::size_t i, Vec g, Rising rising) const {
        const Tag d;
        const Vec z =
            hn::Add(hn::Mul(hn::LoadU(d, position + i), hn::Sub(g, hn::Set(d, g_zero))), hn::Set(d, offset));
        const Vec product = hn::Mul(Pick(rising, gamma_up, gamma_down, i), z);
        const Vec exponent = hn::IfThenElse(rising, product, hn::Neg(product));
        const Vec a = hn::IfThenElse(rising, hn::Set(d, a_up), hn::Set(d, a_down));
        const Vec factor = hn::Sub(hn::Set(d, 1.0F), hn::Mul(a, ExpVector(exponent)));
        const Vec positive = hn::IfThenElseZero(hn::Gt(factor, hn::Zero(d)), factor);
        const Vec most = hn::Set(d, kLargestFactor);
        return hn::Mul(Pick(rising, up, down, i), hn::IfThenElse(hn::Lt(positive, most), positive, most));
    }
};

struct PowerLaw : CommonNoise {
    const float *HWY_RESTRICT up, *HWY_RESTRICT down, *HWY_RESTRICT gamma_up, *HWY_RESTRICT gamma_down,
        *HWY_RESTRICT position, *HWY_RESTRICT low, *HWY_RESTRICT high;
    explicit PowerLaw(const StepParameters& p)
        : CommonNoise(p),
          up(p.up.step),
          down(p.down.step),
          gamma_up(p.up.gamma),
          gamma_down(p.down.gamma),
          position(p.position),
          low(p.low),
          high(p.high) {}
    HWY_INLINE float operator()(std::size_t i, float g, bool rising) const {
        const float rest = (rising ? high[i] - g : g - low[i]) * position[i];
        const float log_rest = LogFloat(rest > 1e-30F ? rest : 1e-30F);
        const float gamma = rising ? gamma_up[i] : gamma_down[i];
        const float factor = ExpFloat(gamma * log_rest);
        return (rising ? up[i] : down[i]) * (factor < kLargestFactor ? factor : kLargestFactor);
    }
    HWY_INLINE Vec operator()(std::size_t i, Vec g, Rising rising) const {
        const Tag d;
        const Vec room =
            hn::IfThenElse(rising, hn::Sub(hn::LoadU(d, high + i), g), hn::Sub(g, hn::LoadU(d, low + i)));
        const Vec rest = hn::Mul(room, hn::LoadU(d, position + i)), least = hn::Set(d, 1e-30F);
        const Vec log_rest = LogVector(hn::IfThenElse(hn::Gt(rest, least), rest, least));
        const Vec factor = ExpVector(hn::Mul(Pick(rising, gamma_up, gamma_down, i), log_rest));
        const Vec most = hn::Set(d, kLargestFactor);
        return hn::Mul(Pick(rising, up, down, i), hn::IfThenElse(hn::Lt(factor, most), factor, most));
    }
};

struct PiecewiseLaw : CommonNoise {
    const float *HWY_RESTRICT up, *HWY_RESTRICT down, *HWY_RESTRICT nodes_up, *HWY_RESTRICT nodes_down,
        *HWY_RESTRICT position, *HWY_RESTRICT low;
    float segments;
    explicit PiecewiseLaw(const StepParameters& p)
        : CommonNoise(p),
          up(p.up.step),
          down(p.down.step),
          nodes_up(p.up.nodes),
          nodes_down(p.down.nodes),
          position(p.position),
          low(p.low),
          segments(p.segments) {}
    HWY_INLINE float operator()(std::size_t i, float g, bool rising) const {
        const float at = (g - low[i]) * position[i] * segments;
        const float inside = at < 0.0F ? 0.0F : (at > segments ? segments : at);
        const auto node = static_cast<std::int32_t>(inside);
        const float part = inside - static_cast<float>(node);
        const float* nodes = rising ? nodes_up : nodes_down;
        return (rising ? up[i] : down[i]) * (nodes[node] + part * (nodes[node + 1] - nodes[node]));
    }
    HWY_INLINE Vec operator()(std::size_t i, Vec g, Rising rising) const {
        const Tag d;
        const hn::RebindToSigned<Tag> di;
        const Vec most = hn::Set(d, segments), zero_part = hn::Zero(d);
        const Vec at = hn::Mul(hn::Mul(hn::Sub(g, hn::LoadU(d, low + i)), hn::LoadU(d, position + i)), most);
        const Vec inside =
            hn::IfThenElse(hn::Lt(at, zero_part), zero_part, hn::IfThenElse(hn::Gt(at, most), most, at));
        const auto node = hn::ConvertTo(di, inside), next = hn::Add(node, hn::Set(di, 1));
        const Vec part = hn::Sub(inside, hn::ConvertTo(d, node));
        const auto value = [&](auto index) HWY_ATTR {
            return hn::IfThenElse(rising, hn::GatherIndex(d, nodes_up, index),
                                  hn::GatherIndex(d, nodes_down, index));
        };
        const Vec left = value(node);
        const Vec step = hn::Add(left, hn::Mul(part, hn::Sub(value(next), left)));
        return hn::Mul(Pick(rising, up, down, i), step);
    }
};

struct TableLaw {
    const float *HWY_RESTRICT up, *HWY_RESTRICT down, *HWY_RESTRICT sigma_up, *HWY_RESTRICT sigma_down;
    const std::int32_t* HWY_RESTRICT first_node;
    float low, per_us, segments;
    explicit TableLaw(const StepParameters& p)
        : up(p.up.nodes),
          down(p.down.nodes),
          sigma_up(p.up.sigma_nodes),
          sigma_down(p.down.sigma_nodes),
          first_node(p.first_node),
          low(p.table_low_us),
          per_us(p.nodes_per_us),
          segments(p.segments) {}
    HWY_INLINE float interpolate(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::size_t i,
                                 float g, bool first) const {
        const float at = (g - low) * per_us;
        const float inside = at < 0.0F ? 0.0F : (at > segments ? segments : at);
        const auto below = static_cast<std::int32_t>(inside);
        const float part = inside - static_cast<float>(below);
        const std::int32_t node = first_node[i] + below;
        const float left = first ? a[node] : b[node];
        const float right = first ? a[node + 1] : b[node + 1];
        return left + part * (right - left);
    }
    HWY_INLINE Vec interpolate(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::size_t i, Vec g,
                               Rising first) const {
        const Tag d;
        const hn::RebindToSigned<Tag> di;
        const Vec most = hn::Set(d, segments), zero = hn::Zero(d);
        const Vec at = hn::Mul(hn::Sub(g, hn::Set(d, low)), hn::Set(d, per_us));
        const Vec inside = hn::IfThenElse(hn::Lt(at, zero), zero, hn::IfThenElse(hn::Gt(at, most), most, at));
        const auto below = hn::ConvertTo(di, inside);
        const Vec part = hn::Sub(inside, hn::ConvertTo(d, below));
        const auto node = hn::Add(below, hn::LoadU(di, first_node + i)), next = hn::Add(node, hn::Set(di, 1));
        const auto value = [&](auto index) HWY_ATTR {
            return hn::IfThenElse(first, hn::GatherIndex(d, a, index), hn::GatherIndex(d, b, index));
        };
        const Vec left = value(node);
        return hn::Add(left, hn::Mul(part, hn::Sub(value(next), left)));
    }
    HWY_INLINE float operator()(std::size_t i, float g, bool rising) const {
        return interpolate(up, down, i, g, rising);
    }
    HWY_INLINE float sigma(std::size_t i, float g, float, bool rising) const {
        return interpolate(sigma_up, sigma_down, i, g, rising);
    }
    HWY_INLINE Vec operator()(std::size_t i, Vec g, Rising rising) const {
        return interpolate(up, down, i, g, rising);
    }
    HWY_INLINE Vec sigma(std::size_t i, Vec g, Vec, Rising rising) const {
        return interpolate(sigma_up, sigma_down, i, g, rising);
    }
};

// Pulse k of n devices: whole vectors, and the same operations one by one for the rest. `law` is a copy,
// whose pointers stay in registers.
template <class Law>
HWY_INLINE void PulseRange(const Law law, const float* HWY_RESTRICT low, const float* HWY_RESTRICT high,
                           float* HWY_RESTRICT g, const std::int16_t* HWY_RESTRICT pulses,
                           const float* HWY_RESTRICT noise, std::size_t begin, std::size_t n,
                           std::int32_t k) {
    const Tag d;
    const hn::RebindToSigned<Tag> di;
    const hn::Rebind<std::int16_t, Tag> d16;
    const std::size_t lanes = hn::Lanes(d);
    const auto done = hn::Set(di, k);
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const std::size_t at = begin + i;
        const auto wanted = hn::PromoteTo(di, hn::LoadU(d16, pulses + at));
        const Rising rising = hn::RebindMask(d, hn::Gt(wanted, hn::Zero(di)));
        const Vec now = hn::LoadU(d, g + at);
        const Vec step = law(at, now, rising);
        const Vec change = hn::Add(step, hn::Mul(law.sigma(at, now, step, rising), hn::LoadU(d, noise + i)));
        const Vec next = hn::IfThenElse(rising, hn::Add(now, change), hn::Sub(now, change));
        const Vec lowest = hn::LoadU(d, low + at), highest = hn::LoadU(d, high + at);
        const Vec above = hn::IfThenElse(hn::Lt(next, lowest), lowest, next);
        const Vec clipped = hn::IfThenElse(hn::Gt(above, highest), highest, above);
        const auto hit = hn::RebindMask(d, hn::Gt(hn::Abs(wanted), done));
        hn::StoreU(hn::IfThenElse(hit, clipped, now), d, g + at);
    }
    for (; i < n; ++i) {
        const std::size_t at = begin + i;
        const std::int32_t wanted = pulses[at];
        const bool rising = wanted > 0;
        const float now = g[at];
        const float step = law(at, now, rising);
        const float change = step + law.sigma(at, now, step, rising) * noise[i];
        const float next = rising ? now + change : now - change;
        const float above = next < low[at] ? low[at] : next;
        const float clipped = above > high[at] ? high[at] : above;
        g[at] = (rising ? wanted : -wanted) > k ? clipped : now;
    }
}

template <class Law>
HWY_INLINE void PulseLoop(const StepParameters& p, const Law law, float* HWY_RESTRICT g,
                          const std::int16_t* HWY_RESTRICT pulses, std::size_t count, std::uint32_t first,
                          DrawKey key) {
    const auto most = [&](std::size_t begin, std::size_t n) HWY_ATTR {
        std::int32_t largest = 0;
        for (std::size_t i = begin; i < begin + n; ++i) {
            const std::int32_t wanted = pulses[i] < 0 ? -pulses[i] : pulses[i];
            largest = std::max(largest, wanted);
        }
        return static_cast<std::uint32_t>(largest);
    };
    ForPulses(count, most, [&](std::size_t begin, std::size_t n, std::uint32_t k) HWY_ATTR {
        HWY_ALIGN float noise[kGroup];
        key.step = k;
        WriteNormals(key, first + static_cast<std::uint32_t>(begin), n, noise);
        PulseRange(law, p.low, p.high, g, pulses, noise, begin, n, static_cast<std::int32_t>(k));
    });
}

void PulseDevices(const StepParameters& p, float* HWY_RESTRICT g, const std::int16_t* HWY_RESTRICT pulses,
                  std::size_t count, std::uint32_t first, const DrawKey& key) {
    switch (p.law) {
        case StepLaw::linear:
            return PulseLoop(p, LinearLaw(p), g, pulses, count, first, key);
        case StepLaw::exp:
            return PulseLoop(p, ExpLaw(p), g, pulses, count, first, key);
        case StepLaw::power:
            return PulseLoop(p, PowerLaw(p), g, pulses, count, first, key);
        case StepLaw::piecewise:
            return PulseLoop(p, PiecewiseLaw(p), g, pulses, count, first, key);
        case StepLaw::table:
            return PulseLoop(p, TableLaw(p), g, pulses, count, first, key);
    }
}

void CountPulses(const std::int16_t* HWY_RESTRICT pulses, std::size_t count, std::int32_t tick,
                 std::int32_t* HWY_RESTRICT programmed, std::uint32_t* HWY_RESTRICT set_pulses,
                 std::uint32_t* HWY_RESTRICT reset_pulses) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t wanted = pulses[i];
        programmed[i] = wanted != 0 ? tick : programmed[i];
        set_pulses[i] += static_cast<std::uint32_t>(wanted > 0 ? wanted : 0);
        reset_pulses[i] += static_cast<std::uint32_t>(wanted < 0 ? -wanted : 0);
    }
}

void RenewVisible(const float* HWY_RESTRICT hidden, const std::int16_t* HWY_RESTRICT pulses, float sigma,
                  std::size_t count, std::uint32_t first, const DrawKey& key, float* HWY_RESTRICT visible) {
    const PhiloxKey keys(key);
    const auto any = [&](std::size_t begin, std::size_t n) HWY_ATTR {
        std::int32_t found = 0;
        for (std::size_t i = begin; i < begin + n; ++i) {
            found |= pulses[i];
        }
        return std::uint32_t{found != 0};
    };
    ForPulses(count, any, [&](std::size_t begin, std::size_t n, std::uint32_t) HWY_ATTR {
        HWY_ALIGN float noise[kGroup];
        WriteNormals(keys, first + static_cast<std::uint32_t>(begin), n, noise);
        for (std::size_t i = 0; i < n; ++i) {
            const float seen = hidden[begin + i] + sigma * noise[i];
            const float clipped = seen < 0.0F ? 0.0F : seen;
            visible[begin + i] = pulses[begin + i] != 0 ? clipped : visible[begin + i];
        }
    });
}

void Relax(const float* HWY_RESTRICT keep, const float* HWY_RESTRICT diffusion, const float* HWY_RESTRICT low,
           const float* HWY_RESTRICT high, float target, const DrawKey& key, std::size_t count,
           float* HWY_RESTRICT g) {
    const PhiloxKey keys(key);
    for (std::size_t begin = 0; begin < count; begin += kGroup) {
        const std::size_t n = std::min(kGroup, count - begin);
        HWY_ALIGN float noise[kGroup] = {};
        if (diffusion != nullptr) {
            WriteNormals(keys, static_cast<std::uint32_t>(begin), n, noise);
            for (std::size_t i = 0; i < n; ++i) {
                noise[i] *= diffusion[begin + i];
            }
        }
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t at = begin + i;
            const float next = (target + (g[at] - target) * keep[at]) + noise[i];
            const float above = next < low[at] ? low[at] : next;
            g[at] = above > high[at] ? high[at] : above;
        }
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::crossbar {

HWY_EXPORT(PulseDevices);
HWY_EXPORT(CountPulses);
HWY_EXPORT(RenewVisible);
HWY_EXPORT(Relax);

void pulse_devices(const StepParameters& parameters, float* g, std::span<const std::int16_t> pulses,
                   std::uint32_t first, DrawKey key) {
    HWY_DYNAMIC_DISPATCH(PulseDevices)(parameters, g, pulses.data(), pulses.size(), first, key);
}

void count_pulses(std::span<const std::int16_t> pulses, std::int32_t tick, std::int32_t* programmed,
                  std::uint32_t* set_pulses, std::uint32_t* reset_pulses) {
    HWY_DYNAMIC_DISPATCH(CountPulses)
    (pulses.data(), pulses.size(), tick, programmed, set_pulses, reset_pulses);
}

void renew_visible(const float* hidden, std::span<const std::int16_t> pulses, float sigma_us,
                   std::uint32_t first, const DrawKey& key, float* visible) {
    HWY_DYNAMIC_DISPATCH(RenewVisible)
    (hidden, pulses.data(), sigma_us, pulses.size(), first, key, visible);
}

void relax(const float* keep, const float* diffusion, const float* low, const float* high, float target_us,
           const DrawKey& key, std::span<float> g) {
    HWY_DYNAMIC_DISPATCH(Relax)(keep, diffusion, low, high, target_us, key, g.size(), g.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
