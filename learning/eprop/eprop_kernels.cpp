#include "learning/eprop/eprop_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/eprop/eprop_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::learning::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Adds d (n values) to the rows of `gradient` that had a spike. A few vectors of d stay in registers for all
/// rows, so that an addition costs one load and one store; rows are far apart and fetched ahead.
template <class Real>
HWY_INLINE void AddToRows(Real* HWY_RESTRICT gradient, std::size_t stride,
                          std::span<const std::uint32_t> spikes, const Real* HWY_RESTRICT d, std::size_t n) {
    const hn::ScalableTag<Real> tag;
    const std::size_t lanes = hn::Lanes(tag);
    constexpr std::size_t kRowsAhead = 4;
    std::size_t j = 0;
    for (; j + 4 * lanes <= n; j += 4 * lanes) {
        const auto d0 = hn::LoadU(tag, d + j), d1 = hn::LoadU(tag, d + j + lanes);
        const auto d2 = hn::LoadU(tag, d + j + 2 * lanes), d3 = hn::LoadU(tag, d + j + 3 * lanes);
        for (std::size_t s = 0; s < spikes.size(); ++s) {
            if (s + kRowsAhead < spikes.size()) {
                const Real* ahead = gradient + spikes[s + kRowsAhead] * stride + j;
                for (std::size_t v = 0; v < 4; ++v) {
                    hwy::Prefetch(ahead + v * lanes);
                }
            }
            Real* row = gradient + spikes[s] * stride + j;
            hn::StoreU(hn::Add(hn::LoadU(tag, row), d0), tag, row);
            hn::StoreU(hn::Add(hn::LoadU(tag, row + lanes), d1), tag, row + lanes);
            hn::StoreU(hn::Add(hn::LoadU(tag, row + 2 * lanes), d2), tag, row + 2 * lanes);
            hn::StoreU(hn::Add(hn::LoadU(tag, row + 3 * lanes), d3), tag, row + 3 * lanes);
        }
    }
    for (const std::uint32_t i : spikes) {
        Real* HWY_RESTRICT row = gradient + i * stride;
        for (std::size_t k = j; k < n; ++k) {
            row[k] += d[k];
        }
    }
}

template <class Real>
HWY_INLINE void Reverse(const ReverseStep<Real>& s) {
    const std::size_t n = s.psi.size();
    const std::size_t outputs = s.filtered_error.size();
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT regularizer = s.regularizer.data();
    const Real* HWY_RESTRICT feedback = s.feedback;
    const std::size_t stride = s.feedback_stride;
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
                signal += s.filtered_error[k] * feedback[k * stride + j];
            }
            d[j] = psi[j] * (signal + regularizer[j]) + alpha * d[j];
        }
    }
    AddToRows(s.grad_in, s.gradient_stride, s.input_spikes, d, n);
    AddToRows(s.grad_rec, s.gradient_stride, s.recurrent_spikes, d, n);
}

template <class Real>
HWY_INLINE void ReverseAdaptive(const AdaptiveReverseStep<Real>& s) {
    const std::size_t n = s.base.psi.size();
    const std::size_t outputs = s.base.filtered_error.size();
    const Real* HWY_RESTRICT psi = s.base.psi.data();
    const Real* HWY_RESTRICT regularizer = s.base.regularizer.data();
    const Real* HWY_RESTRICT feedback = s.base.feedback;
    const std::size_t stride = s.base.feedback_stride;
    const Real* HWY_RESTRICT alpha = s.alpha_of.data();
    const Real* HWY_RESTRICT beta = s.beta.data();
    Real* HWY_RESTRICT mu = s.mu.data();
    Real* HWY_RESTRICT d = s.base.d.data();
    const Real rho = s.rho;
    const auto advance = [&](std::size_t j, Real signal) HWY_ATTR {
        const Real c = psi[j] * (signal + regularizer[j] + mu[j]);
        mu[j] = rho * mu[j] - beta[j] * c;
        d[j] = c + alpha[j] * d[j];
    };
    if (outputs == 1) {
        const Real error = s.base.filtered_error[0];
        for (std::size_t j = 0; j < n; ++j) {
            advance(j, error * feedback[j]);
        }
    } else if (outputs == 2) {
        const Real first = s.base.filtered_error[0], second = s.base.filtered_error[1];
        for (std::size_t j = 0; j < n; ++j) {
            advance(j, first * feedback[j] + second * feedback[stride + j]);
        }
    } else {
        for (std::size_t j = 0; j < n; ++j) {
            Real signal = 0;
            for (std::size_t k = 0; k < outputs; ++k) {
                signal += s.base.filtered_error[k] * feedback[k * stride + j];
            }
            advance(j, signal);
        }
    }
    AddToRows(s.base.grad_in, s.base.gradient_stride, s.base.input_spikes, d, n);
    AddToRows(s.base.grad_rec, s.base.gradient_stride, s.base.recurrent_spikes, d, n);
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

template <bool kOneTrace, class Real>
HWY_INLINE void OnlineAdaptive(const AdaptiveOnlineRow<Real>& s) {
    const std::size_t n = s.psi.size();
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT signal = s.signal.data();
    const Real* HWY_RESTRICT pull = s.pull.data();
    const Real* HWY_RESTRICT zb = s.zb.data();
    const Real* HWY_RESTRICT beta = s.beta.data();
    Real* HWY_RESTRICT eps = s.eps.data();
    Real* HWY_RESTRICT eb = s.eb.data();
    Real* HWY_RESTRICT er = s.er.data();
    Real* HWY_RESTRICT gradient = s.gradient.data();
    const Real rho = s.rho, kappa = s.kappa, gain = s.gain, er_keep = s.er_keep, er_gain = s.er_gain;
    for (std::size_t j = 0; j < n; ++j) {
        const Real e = psi[j] * (zb[kOneTrace ? 0 : j] - beta[j] * eps[j]);
        eps[j] = rho * eps[j] + e;
        eb[j] = kappa * eb[j] + gain * e;
        er[j] = er_keep * er[j] + er_gain * e;
        gradient[j] += signal[j] * eb[j] + pull[j] * er[j];
    }
}

template <class Real>
HWY_INLINE void OnlineAdaptiveAny(const AdaptiveOnlineRow<Real>& s) {
    if (s.zb.size() == 1) {
        OnlineAdaptive<true>(s);
    } else {
        OnlineAdaptive<false>(s);
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

void AdaptiveReverseFloat(const AdaptiveReverseStep<float>& s) {
    ReverseAdaptive(s);
}
void AdaptiveOnlineFloat(const AdaptiveOnlineRow<float>& s) {
    OnlineAdaptiveAny(s);
}

void AdaptiveReverseDouble(const AdaptiveReverseStep<double>& s) {
    ReverseAdaptive(s);
}
void AdaptiveOnlineDouble(const AdaptiveOnlineRow<double>& s) {
    OnlineAdaptiveAny(s);
}

}  // namespace memprop::learning::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::learning {

HWY_EXPORT(ReverseFloat);
HWY_EXPORT(ReverseDouble);
HWY_EXPORT(OnlineFloat);
HWY_EXPORT(OnlineDouble);
HWY_EXPORT(AdaptiveReverseDouble);
HWY_EXPORT(AdaptiveOnlineDouble);
HWY_EXPORT(AdaptiveReverseFloat);
HWY_EXPORT(AdaptiveOnlineFloat);

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

void reverse_step(const AdaptiveReverseStep<float>& s) {
    HWY_DYNAMIC_DISPATCH(AdaptiveReverseFloat)(s);
}
void online_row(const AdaptiveOnlineRow<float>& s) {
    HWY_DYNAMIC_DISPATCH(AdaptiveOnlineFloat)(s);
}

void reverse_step(const AdaptiveReverseStep<double>& s) {
    HWY_DYNAMIC_DISPATCH(AdaptiveReverseDouble)(s);
}
void online_row(const AdaptiveOnlineRow<double>& s) {
    HWY_DYNAMIC_DISPATCH(AdaptiveOnlineDouble)(s);
}

}  // namespace memprop::learning
#endif  // HWY_ONCE
