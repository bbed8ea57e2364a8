#include "learning/network/neuron_kernels.hpp"

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

}  // namespace memprop::learning
#endif  // HWY_ONCE
