#include "learning/eprop/eprop_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/eprop/eprop_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::learning::HWY_NAMESPACE {

template <class Real>
HWY_INLINE void AddTo(Real* HWY_RESTRICT row, const Real* HWY_RESTRICT d, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) {
        row[j] += d[j];
    }
}

template <class Real>
HWY_INLINE void Reverse(const ReverseStep<Real>& s) {
    const std::size_t n = s.psi.size();
    const std::size_t outputs = s.filtered_error.size();
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT regularizer = s.regularizer.data();
    const Real* HWY_RESTRICT feedback = s.feedback.data();
    Real* HWY_RESTRICT d = s.d.data();
    const Real alpha = s.alpha;
    if (outputs == 1) {
        const Real error = s.filtered_error[0];
        for (std::size_t j = 0; j < n; ++j) {
            d[j] = psi[j] * (error * feedback[j] + regularizer[j]) + alpha * d[j];
        }
    } else {
        for (std::size_t j = 0; j < n; ++j) {
            Real signal = 0;
            for (std::size_t k = 0; k < outputs; ++k) {
                signal += s.filtered_error[k] * feedback[k * n + j];
            }
            d[j] = psi[j] * (signal + regularizer[j]) + alpha * d[j];
        }
    }
    for (const std::uint32_t i : s.input_spikes) {
        AddTo(s.grad_in + i * n, d, n);
    }
    for (const std::uint32_t i : s.recurrent_spikes) {
        AddTo(s.grad_rec + i * n, d, n);
    }
}

template <class Real>
HWY_INLINE void Online(const OnlineRow<Real>& s) {
    const std::size_t n = s.psi.size();
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT signal = s.signal.data();
    Real* HWY_RESTRICT eb = s.eb.data();
    Real* HWY_RESTRICT sum_e = s.sum_e.data();
    Real* HWY_RESTRICT gradient = s.gradient.data();
    const Real zb = s.zb, kappa = s.kappa, gain = s.gain;
    for (std::size_t j = 0; j < n; ++j) {
        const Real e = psi[j] * zb;
        sum_e[j] += e;
        eb[j] = kappa * eb[j] + gain * e;
        gradient[j] += signal[j] * eb[j];
    }
}

void ReverseFloat(const ReverseStep<float>& s) {
    Reverse(s);
}
void ReverseDouble(const ReverseStep<double>& s) {
    Reverse(s);
}
void OnlineFloat(const OnlineRow<float>& s) {
    Online(s);
}
void OnlineDouble(const OnlineRow<double>& s) {
    Online(s);
}

}  // namespace memprop::learning::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::learning {

HWY_EXPORT(ReverseFloat);
HWY_EXPORT(ReverseDouble);
HWY_EXPORT(OnlineFloat);
HWY_EXPORT(OnlineDouble);

void reverse_step(const ReverseStep<float>& s) {
    HWY_DYNAMIC_DISPATCH(ReverseFloat)(s);
}
void reverse_step(const ReverseStep<double>& s) {
    HWY_DYNAMIC_DISPATCH(ReverseDouble)(s);
}
void online_row(const OnlineRow<float>& s) {
    HWY_DYNAMIC_DISPATCH(OnlineFloat)(s);
}
void online_row(const OnlineRow<double>& s) {
    HWY_DYNAMIC_DISPATCH(OnlineDouble)(s);
}

}  // namespace memprop::learning
#endif  // HWY_ONCE
