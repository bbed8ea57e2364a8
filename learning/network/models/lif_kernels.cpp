#include "learning/network/models/lif_kernels.hpp"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/network/models/lif_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::network::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A plain loop: Highway compiles it once per instruction set and the compiler vectorises it.
template <class Real>
HWY_INLINE void StepLif(Real alpha, Real gain, Real threshold, Real dampening, std::int32_t silent_steps,
                        std::size_t count, const Real* HWY_RESTRICT input, Real* HWY_RESTRICT membrane,
                        Real* HWY_RESTRICT spike, std::int32_t* HWY_RESTRICT silent, Real* HWY_RESTRICT psi) {
    const Real height = dampening / threshold;
    for (std::size_t j = 0; j < count; ++j) {
        const Real v = alpha * membrane[j] + gain * input[j] - threshold * spike[j];
        const Real above = v - threshold;
        const Real distance = (above < Real{0} ? -above : above) / threshold;
        const Real slope = Real{1} - distance;
        const bool awake = silent[j] == 0;
        const bool fires = awake & (v >= threshold);
        const Real linear = height * (((slope > Real{0}) & awake) ? slope : Real{0});
        membrane[j] = v;
        psi[j] = linear;
        spike[j] = fires ? Real{1} : Real{0};
        silent[j] = fires ? silent_steps : silent[j] - (awake ? 0 : 1);
    }
}

/// What StepNeurons works with; the loop takes it apart, so that the compiler knows what cannot overlap.
template <class Real>
struct NeuronConstants {
    Real threshold, rho, reset_value, height, slope;
    Real least;  ///< v - A from which a neuron fires
    std::int32_t silent_steps;
};

/// Spikes of any neuron. With a piecewise linear pseudo-derivative psi is complete; else it holds v - A,
/// and kRefractory for silent neurons. kOwn: neurons differ in thresholds, resets, leaks and psi. No
/// branches, or the loop would not be vectorised.
template <ResetKind kReset, bool kPiecewiseLinear, bool kOwn, class Real>
HWY_INLINE void StepNeurons(NeuronConstants<Real> c, std::size_t count, const Real* HWY_RESTRICT input,
                            const Real* HWY_RESTRICT beta, const Real* HWY_RESTRICT alpha,
                            const Real* HWY_RESTRICT gain, const Real* HWY_RESTRICT own_threshold,
                            const Real* HWY_RESTRICT own_reset, const Real* HWY_RESTRICT own_leak,
                            const Real* HWY_RESTRICT own_height, const Real* HWY_RESTRICT own_slope,
                            Real* HWY_RESTRICT membrane, Real* HWY_RESTRICT spike,
                            Real* HWY_RESTRICT adaptation, std::int32_t* HWY_RESTRICT silent,
                            Real* HWY_RESTRICT psi) {
    for (std::size_t j = 0; j < count; ++j) {
        const Real threshold = kOwn ? own_threshold[j] : c.threshold;
        const Real reset_value = kOwn ? own_reset[j] : c.reset_value;
        const Real height = kOwn ? own_height[j] : c.height, slope = kOwn ? own_slope[j] : c.slope;
        const Real before = membrane[j], fired = spike[j];
        const std::int32_t left = silent[j];
        const bool awake = left == 0;
        const Real moved = alpha[j] * before + gain[j] * input[j];
        const Real pulled = kReset == ResetKind::subtract_next ? moved - threshold * fired : moved;
        const Real leaked = kOwn ? pulled + own_leak[j] : pulled;
        const Real v = kReset == ResetKind::to_value ? (awake ? leaked : before) : leaked;
        const Real b = c.rho * adaptation[j] + fired;
        const Real above = v - (threshold + beta[j] * b);
        const bool fires = awake & (above >= c.least);
        const Real lowered = v - threshold;
        const Real rest = Real{1} - slope * (above < Real{0} ? -above : above);
        const Real linear = height * (((rest > Real{0}) & awake) ? rest : Real{0});
        adaptation[j] = b;
        membrane[j] = kReset == ResetKind::subtract_next ? v
                      : kReset == ResetKind::subtract    ? (fires ? lowered : v)
                                                         : (fires ? reset_value : v);
        psi[j] = kPiecewiseLinear ? linear : (awake ? above : kRefractory<Real>);
        spike[j] = fires ? Real{1} : Real{0};
        silent[j] = fires ? c.silent_steps : left - (awake ? 0 : 1);
    }
}

template <ResetKind kReset, bool kPiecewiseLinear, bool kOwn, class Real>
HWY_INLINE void StepSlice(const LifConstants<Real>& p, const Real* input, const NeuronSlice<Real>& s,
                          std::size_t count, Real* psi) {
    StepNeurons<kReset, kPiecewiseLinear, kOwn, Real>(
        {.threshold = p.threshold,
         .rho = p.rho,
         .reset_value = p.reset_value,
         .height = p.pseudo.height,
         .slope = p.pseudo.slope,
         .least = p.fires_at_threshold ? Real{0} : std::numeric_limits<Real>::denorm_min(),
         .silent_steps = p.silent_steps},
        count, input, s.beta.data(), s.alpha.data(), s.gain.data(), s.own.threshold.data(),
        s.own.reset.data(), s.own.leak.data(), s.own.height.data(), s.own.slope.data(), s.membrane.data(),
        s.spike.data(), s.adaptation.data(), s.silent.data(), psi);
}

template <bool kPiecewiseLinear, bool kOwn, class Real>
HWY_INLINE void StepNeuronsOf(const LifConstants<Real>& p, const Real* input, const NeuronSlice<Real>& s,
                              std::size_t count, Real* psi) {
    switch (p.reset) {
        case ResetKind::subtract_next:
            return StepSlice<ResetKind::subtract_next, kPiecewiseLinear, kOwn>(p, input, s, count, psi);
        case ResetKind::subtract:
            return StepSlice<ResetKind::subtract, kPiecewiseLinear, kOwn>(p, input, s, count, psi);
        case ResetKind::to_value:
            return StepSlice<ResetKind::to_value, kPiecewiseLinear, kOwn>(p, input, s, count, psi);
        case ResetKind::subtract_carry:
            return;  // not here: lif_neurons.hpp
    }
}

template <class Real>
HWY_INLINE void StepNeuronsAny(const LifConstants<Real>& p, const Real* input, const NeuronSlice<Real>& s,
                               std::size_t count, Real* psi) {
    const bool own = !s.own.threshold.empty();
    if (p.pseudo.kind == PseudoDerivative::piecewise_linear) {
        own ? StepNeuronsOf<true, true>(p, input, s, count, psi)
            : StepNeuronsOf<true, false>(p, input, s, count, psi);
    } else {
        own ? StepNeuronsOf<false, true>(p, input, s, count, psi)
            : StepNeuronsOf<false, false>(p, input, s, count, psi);
    }
}

/// Vectors without a spike are passed over where compressing one is dear; else there are no branches, because
/// when a neuron spikes cannot be foreseen.
constexpr bool kPassesOver = HWY_MAX_BYTES < 64;
template <class Real>
HWY_INLINE std::size_t ListSpikes(std::span<const Real> spike, std::uint32_t* index) {
    std::size_t j = 0, count = 0;
    if constexpr (sizeof(Real) == sizeof(*index)) {
        const hn::ScalableTag<Real> tag;
        const hn::RebindToUnsigned<decltype(tag)> unsigned_tag;
        const auto lanes = hn::Set(unsigned_tag, static_cast<std::uint32_t>(hn::Lanes(tag)));
        auto neurons = hn::Iota(unsigned_tag, 0);
        for (; j + hn::Lanes(tag) <= spike.size(); j += hn::Lanes(tag)) {
            const auto fired = hn::Ne(hn::LoadU(tag, spike.data() + j), hn::Zero(tag));
            if (!kPassesOver || !hn::AllFalse(tag, fired)) {
                const auto listed = hn::Compress(neurons, hn::RebindMask(unsigned_tag, fired));
                hn::StoreU(listed, unsigned_tag, index + count);
                count += hn::CountTrue(tag, fired);
            }
            neurons = hn::Add(neurons, lanes);
        }
    }
    for (; j < spike.size(); ++j) {
        index[count] = static_cast<std::uint32_t>(j);
        count += spike[j] != Real{0} ? 1 : 0;
    }
    return count;
}

std::size_t ListSpikesFloat(std::span<const float> spike, std::uint32_t* index) {
    return ListSpikes(spike, index);
}

std::size_t ListSpikesDouble(std::span<const double> spike, std::uint32_t* index) {
    return ListSpikes(spike, index);
}

void StepNeuronsFloat(const LifConstants<float>& p, const float* input, const NeuronSlice<float>& s,
                      std::size_t count, float* psi) {
    StepNeuronsAny(p, input, s, count, psi);
}

void StepNeuronsDouble(const LifConstants<double>& p, const double* input, const NeuronSlice<double>& s,
                       std::size_t count, double* psi) {
    StepNeuronsAny(p, input, s, count, psi);
}

void StepLifFloat(const LifConstants<float>& p, const float* input, std::size_t count, float* membrane,
                  float* spike, std::int32_t* silent, float* psi) {
    StepLif<float>(p.alpha, p.input_gain, p.threshold, p.dampening, p.silent_steps, count, input, membrane,
                   spike, silent, psi);
}

void StepLifDouble(const LifConstants<double>& p, const double* input, std::size_t count, double* membrane,
                   double* spike, std::int32_t* silent, double* psi) {
    StepLif<double>(p.alpha, p.input_gain, p.threshold, p.dampening, p.silent_steps, count, input, membrane,
                    spike, silent, psi);
}

}  // namespace memprop::network::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::network {

HWY_EXPORT(StepLifFloat);
HWY_EXPORT(StepLifDouble);
HWY_EXPORT(StepNeuronsFloat);
HWY_EXPORT(StepNeuronsDouble);
HWY_EXPORT(ListSpikesFloat);
HWY_EXPORT(ListSpikesDouble);

std::size_t list_spikes(std::span<const float> spike, std::span<std::uint32_t> index) {
    return HWY_DYNAMIC_DISPATCH(ListSpikesFloat)(spike, index.data());
}

std::size_t list_spikes(std::span<const double> spike, std::span<std::uint32_t> index) {
    return HWY_DYNAMIC_DISPATCH(ListSpikesDouble)(spike, index.data());
}

void step_lif(const LifConstants<float>& c, std::span<const float> input, const LifSlice<float>& state,
              std::span<float> psi) {
    HWY_DYNAMIC_DISPATCH(StepLifFloat)
    (c, input.data(), psi.size(), state.membrane.data(), state.spike.data(), state.silent.data(), psi.data());
}

void step_lif(const LifConstants<double>& c, std::span<const double> input, const LifSlice<double>& state,
              std::span<double> psi) {
    HWY_DYNAMIC_DISPATCH(StepLifDouble)
    (c, input.data(), psi.size(), state.membrane.data(), state.spike.data(), state.silent.data(), psi.data());
}

void step_neurons(const LifConstants<float>& c, std::span<const float> input, const NeuronSlice<float>& state,
                  std::span<float> psi) {
    HWY_DYNAMIC_DISPATCH(StepNeuronsFloat)(c, input.data(), state, psi.size(), psi.data());
    if (c.pseudo.kind == PseudoDerivative::piecewise_linear) {
        return;
    }
    if (state.own.threshold.empty()) {
        apply_pseudo_derivative(c.pseudo, psi);
        return;
    }
    PseudoDerivativeParameters<float> own = c.pseudo;
    for (std::size_t j = 0; j < psi.size(); ++j) {
        own.height = state.own.height[j];
        own.slope = state.own.slope[j];
        apply_pseudo_derivative(own, psi.subspan(j, 1));
    }
}

void step_neurons(const LifConstants<double>& c, std::span<const double> input,
                  const NeuronSlice<double>& state, std::span<double> psi) {
    HWY_DYNAMIC_DISPATCH(StepNeuronsDouble)(c, input.data(), state, psi.size(), psi.data());
    if (c.pseudo.kind == PseudoDerivative::piecewise_linear) {
        return;
    }
    if (state.own.threshold.empty()) {
        apply_pseudo_derivative(c.pseudo, psi);
        return;
    }
    PseudoDerivativeParameters<double> own = c.pseudo;
    for (std::size_t j = 0; j < psi.size(); ++j) {
        own.height = state.own.height[j];
        own.slope = state.own.slope[j];
        apply_pseudo_derivative(own, psi.subspan(j, 1));
    }
}

}  // namespace memprop::network
#endif  // HWY_ONCE
