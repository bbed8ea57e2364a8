#include "learning/network/neuron_kernels.hpp"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/network/neuron_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::learning::HWY_NAMESPACE {

// A plain loop: Highway compiles it once per instruction set and the compiler vectorises it.
template <class Real>
HWY_INLINE void StepLif(Real alpha, Real gain, Real threshold, Real dampening, std::int32_t silent_steps,
                        std::size_t count, const Real* HWY_RESTRICT from_input,
                        const Real* HWY_RESTRICT from_recurrent, Real* HWY_RESTRICT membrane,
                        Real* HWY_RESTRICT spike, std::int32_t* HWY_RESTRICT silent, Real* HWY_RESTRICT psi) {
    const Real height = dampening / threshold;
    for (std::size_t j = 0; j < count; ++j) {
        const Real v =
            alpha * membrane[j] + gain * (from_input[j] + from_recurrent[j]) - threshold * spike[j];
        const Real above = v - threshold;
        const Real distance = (above < Real{0} ? -above : above) / threshold;
        const Real slope = Real{1} - distance;
        const bool awake = silent[j] == 0;
        const bool fires = awake && v >= threshold;
        membrane[j] = v;
        psi[j] = awake && slope > Real{0} ? height * slope : Real{0};
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
/// and kRefractory for silent neurons. No branches, or the loop would not be vectorised.
template <ResetKind kReset, bool kPiecewiseLinear, class Real>
HWY_INLINE void StepNeurons(NeuronConstants<Real> c, std::size_t count, const Real* HWY_RESTRICT from_input,
                            const Real* HWY_RESTRICT from_recurrent, const Real* HWY_RESTRICT beta,
                            const Real* HWY_RESTRICT alpha, const Real* HWY_RESTRICT gain,
                            Real* HWY_RESTRICT membrane, Real* HWY_RESTRICT spike,
                            Real* HWY_RESTRICT adaptation, std::int32_t* HWY_RESTRICT silent,
                            Real* HWY_RESTRICT psi) {
    for (std::size_t j = 0; j < count; ++j) {
        const Real before = membrane[j], fired = spike[j];
        const std::int32_t left = silent[j];
        const bool awake = left == 0;
        const Real moved = alpha[j] * before + gain[j] * (from_input[j] + from_recurrent[j]);
        const Real v = kReset == ResetKind::subtract_next ? moved - c.threshold * fired
                       : kReset == ResetKind::to_value    ? (awake ? moved : before)
                                                          : moved;
        const Real b = c.rho * adaptation[j] + fired;
        const Real above = v - (c.threshold + beta[j] * b);
        const bool fires = awake & (above >= c.least);
        const Real lowered = v - c.threshold;
        const Real rest = Real{1} - c.slope * (above < Real{0} ? -above : above);
        const Real linear = c.height * (rest > Real{0} ? rest : Real{0});
        adaptation[j] = b;
        membrane[j] = kReset == ResetKind::subtract_next ? v
                      : kReset == ResetKind::subtract    ? (fires ? lowered : v)
                                                         : (fires ? c.reset_value : v);
        psi[j] = kPiecewiseLinear ? (awake ? linear : Real{0}) : (awake ? above : kRefractory<Real>);
        spike[j] = fires ? Real{1} : Real{0};
        silent[j] = fires ? c.silent_steps : left - (awake ? 0 : 1);
    }
}

template <ResetKind kReset, bool kPiecewiseLinear, class Real>
HWY_INLINE void StepSlice(const NetworkParameters<Real>& p, const Real* from_input,
                          const Real* from_recurrent, const NeuronSlice<Real>& s, std::size_t count,
                          Real* psi) {
    StepNeurons<kReset, kPiecewiseLinear, Real>(
        {.threshold = p.threshold,
         .rho = p.rho,
         .reset_value = p.reset_value,
         .height = p.pseudo.height,
         .slope = p.pseudo.slope,
         .least = p.fires_at_threshold ? Real{0} : std::numeric_limits<Real>::denorm_min(),
         .silent_steps = p.silent_steps},
        count, from_input, from_recurrent, s.beta.data(), s.alpha.data(), s.gain.data(), s.membrane.data(),
        s.spike.data(), s.adaptation.data(), s.silent.data(), psi);
}

template <bool kPiecewiseLinear, class Real>
HWY_INLINE void StepNeuronsOf(const NetworkParameters<Real>& p, const Real* from_input,
                              const Real* from_recurrent, const NeuronSlice<Real>& s, std::size_t count,
                              Real* psi) {
    switch (p.reset) {
        case ResetKind::subtract_next:
            return StepSlice<ResetKind::subtract_next, kPiecewiseLinear>(p, from_input, from_recurrent, s,
                                                                         count, psi);
        case ResetKind::subtract:
            return StepSlice<ResetKind::subtract, kPiecewiseLinear>(p, from_input, from_recurrent, s, count,
                                                                    psi);
        case ResetKind::to_value:
            return StepSlice<ResetKind::to_value, kPiecewiseLinear>(p, from_input, from_recurrent, s, count,
                                                                    psi);
    }
}

template <class Real>
HWY_INLINE void StepNeuronsAny(const NetworkParameters<Real>& p, const Real* from_input,
                               const Real* from_recurrent, const NeuronSlice<Real>& s, std::size_t count,
                               Real* psi) {
    if (p.pseudo.kind == PseudoDerivative::piecewise_linear) {
        StepNeuronsOf<true>(p, from_input, from_recurrent, s, count, psi);
    } else {
        StepNeuronsOf<false>(p, from_input, from_recurrent, s, count, psi);
    }
}

void StepNeuronsFloat(const NetworkParameters<float>& p, const float* from_input, const float* from_recurrent,
                      const NeuronSlice<float>& s, std::size_t count, float* psi) {
    StepNeuronsAny(p, from_input, from_recurrent, s, count, psi);
}

void StepNeuronsDouble(const NetworkParameters<double>& p, const double* from_input,
                       const double* from_recurrent, const NeuronSlice<double>& s, std::size_t count,
                       double* psi) {
    StepNeuronsAny(p, from_input, from_recurrent, s, count, psi);
}

void StepLifFloat(const NetworkParameters<float>& p, const float* from_input, const float* from_recurrent,
                  std::size_t count, float* membrane, float* spike, std::int32_t* silent, float* psi) {
    StepLif<float>(p.alpha, p.input_gain, p.threshold, p.dampening, p.silent_steps, count, from_input,
                   from_recurrent, membrane, spike, silent, psi);
}

void StepLifDouble(const NetworkParameters<double>& p, const double* from_input, const double* from_recurrent,
                   std::size_t count, double* membrane, double* spike, std::int32_t* silent, double* psi) {
    StepLif<double>(p.alpha, p.input_gain, p.threshold, p.dampening, p.silent_steps, count, from_input,
                    from_recurrent, membrane, spike, silent, psi);
}

}  // namespace memprop::learning::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::learning {

HWY_EXPORT(StepLifFloat);
HWY_EXPORT(StepLifDouble);
HWY_EXPORT(StepNeuronsFloat);
HWY_EXPORT(StepNeuronsDouble);

void step_lif(const NetworkParameters<float>& p, std::span<const float> from_input,
              std::span<const float> from_recurrent, LifSlice<float> state, std::span<float> psi) {
    HWY_DYNAMIC_DISPATCH(StepLifFloat)
    (p, from_input.data(), from_recurrent.data(), psi.size(), state.membrane.data(), state.spike.data(),
     state.silent.data(), psi.data());
}

void step_lif(const NetworkParameters<double>& p, std::span<const double> from_input,
              std::span<const double> from_recurrent, LifSlice<double> state, std::span<double> psi) {
    HWY_DYNAMIC_DISPATCH(StepLifDouble)
    (p, from_input.data(), from_recurrent.data(), psi.size(), state.membrane.data(), state.spike.data(),
     state.silent.data(), psi.data());
}

void step_neurons(const NetworkParameters<float>& p, std::span<const float> from_input,
                  std::span<const float> from_recurrent, NeuronSlice<float> state, std::span<float> psi) {
    HWY_DYNAMIC_DISPATCH(StepNeuronsFloat)
    (p, from_input.data(), from_recurrent.data(), state, psi.size(), psi.data());
    if (p.pseudo.kind != PseudoDerivative::piecewise_linear) {
        apply_pseudo_derivative(p.pseudo, psi);
    }
}

void step_neurons(const NetworkParameters<double>& p, std::span<const double> from_input,
                  std::span<const double> from_recurrent, NeuronSlice<double> state, std::span<double> psi) {
    HWY_DYNAMIC_DISPATCH(StepNeuronsDouble)
    (p, from_input.data(), from_recurrent.data(), state, psi.size(), psi.data());
    if (p.pseudo.kind != PseudoDerivative::piecewise_linear) {
        apply_pseudo_derivative(p.pseudo, psi);
    }
}

}  // namespace memprop::learning
#endif  // HWY_ONCE
