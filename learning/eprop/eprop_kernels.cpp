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

/// body(tag, j) for vectors of neurons from j on, then for those left over one by one.
template <class Real, class Body>
HWY_INLINE void ForVectors(std::size_t n, Body&& body) {
    const hn::ScalableTag<Real> whole;
    const hn::CappedTag<Real, 1> single;
    std::size_t j = 0;
    for (; j + hn::Lanes(whole) <= n; j += hn::Lanes(whole)) {
        body(whole, j);
    }
    for (; j < n; ++j) {
        body(single, j);
    }
}

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

/// The same with a factor per row.
template <class Real>
HWY_INLINE void AddScaledToRows(Real* HWY_RESTRICT gradient, std::size_t stride,
                                std::span<const std::uint32_t> rows, const Real* HWY_RESTRICT factor,
                                const Real* HWY_RESTRICT d, std::size_t n) {
    for (std::size_t s = 0; s < rows.size(); ++s) {
        Real* HWY_RESTRICT row = gradient + rows[s] * stride;
        ForVectors<Real>(n, [&](auto tag, std::size_t j) HWY_ATTR {
            const auto more = hn::Mul(hn::Set(tag, factor[s]), hn::LoadU(tag, d + j));
            hn::StoreU(hn::Add(hn::LoadU(tag, row + j), more), tag, row + j);
        });
    }
}

/// What follows once D is known.
template <class Real>
HWY_INLINE void FollowD(const ReverseStep<Real>& s) {
    const std::size_t n = s.psi.size();
    for (const CurrentStep<Real>& current : s.currents) {
        ForVectors<Real>(n, [&](auto tag, std::size_t j) HWY_ATTR {
            const auto own = hn::Mul(hn::LoadU(tag, current.gain + j), hn::LoadU(tag, s.d.data() + j));
            const auto later = hn::Mul(hn::LoadU(tag, current.decay + j), hn::LoadU(tag, current.d + j));
            hn::StoreU(hn::Add(own, later), tag, current.d + j);
        });
    }
    for (const EventRows<Real>& a : s.arrived) {
        if (a.values.empty()) {
            AddToRows(a.rows, s.gradient_stride, a.events, a.d, n);
        } else {
            AddScaledToRows(a.rows, s.gradient_stride, a.events, a.values.data(), a.d, n);
        }
    }
}

/// Learning signals of one vector of neurons from j on, sources and their errors ascending.
template <class Tag, class Real>
HWY_INLINE hn::Vec<Tag> Signals(Tag tag, const ReverseStep<Real>& s, std::size_t j) {
    hn::Vec<Tag> signal = hn::Zero(tag);
    for (const ErrorFeed<Real>& source : s.sources) {
        const Real* feedback = source.feedback + j;
        for (const Real error : source.filtered_error) {
            signal = hn::Add(signal, hn::Mul(hn::Set(tag, error), hn::LoadU(tag, feedback)));
            feedback += s.feedback_stride;
        }
    }
    return s.own.empty() ? signal : hn::Add(signal, hn::LoadU(tag, s.own.data() + j));
}

template <class Real>
HWY_INLINE void Reverse(const ReverseStep<Real>& s) {
    const std::size_t n = s.psi.size();
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT regularizer = s.regularizer.data();
    Real* HWY_RESTRICT d = s.d.data();
    ForVectors<Real>(n, [&](auto tag, std::size_t j) HWY_ATTR {
        const auto pull = hn::Add(Signals(tag, s, j), hn::LoadU(tag, regularizer + j));
        const auto later = hn::Mul(hn::Set(tag, s.alpha), hn::LoadU(tag, d + j));
        hn::StoreU(hn::Add(hn::Mul(hn::LoadU(tag, psi + j), pull), later), tag, d + j);
    });
    FollowD(s);
}

template <class Real>
HWY_INLINE void ReverseAdaptive(const AdaptiveReverseStep<Real>& s) {
    const std::size_t n = s.base.psi.size();
    const Real* HWY_RESTRICT psi = s.base.psi.data();
    const Real* HWY_RESTRICT regularizer = s.base.regularizer.data();
    const Real* HWY_RESTRICT alpha = s.alpha_of.data();
    const Real* HWY_RESTRICT beta = s.beta.data();
    Real* HWY_RESTRICT mu = s.mu.data();
    Real* HWY_RESTRICT d = s.base.d.data();
    ForVectors<Real>(n, [&](auto tag, std::size_t j) HWY_ATTR {
        const auto m = hn::LoadU(tag, mu + j);
        const auto pull = hn::Add(hn::Add(Signals(tag, s.base, j), hn::LoadU(tag, regularizer + j)), m);
        const auto c = hn::Mul(hn::LoadU(tag, psi + j), pull);
        hn::StoreU(hn::Sub(hn::Mul(hn::Set(tag, s.rho), m), hn::Mul(hn::LoadU(tag, beta + j), c)), tag,
                   mu + j);
        hn::StoreU(hn::Add(c, hn::Mul(hn::LoadU(tag, alpha + j), hn::LoadU(tag, d + j))), tag, d + j);
    });
    FollowD(s.base);
}

template <class Real>
HWY_INLINE void Online(const OnlineRow<Real>& s) {
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT signal = s.signal.data();
    Real* HWY_RESTRICT eb = s.eb.data();
    Real* HWY_RESTRICT sum_e = s.sum_e.data();
    Real* HWY_RESTRICT gradient = s.gradient.data();
    ForVectors<Real>(s.psi.size(), [&](auto tag, std::size_t j) HWY_ATTR {
        const auto e = hn::Mul(hn::LoadU(tag, psi + j), hn::Set(tag, s.zb));
        const auto filtered =
            hn::Add(hn::Mul(hn::Set(tag, s.kappa), hn::LoadU(tag, eb + j)), hn::Mul(hn::Set(tag, s.gain), e));
        hn::StoreU(hn::Add(hn::LoadU(tag, sum_e + j), e), tag, sum_e + j);
        hn::StoreU(filtered, tag, eb + j);
        hn::StoreU(hn::Add(hn::LoadU(tag, gradient + j), hn::Mul(hn::LoadU(tag, signal + j), filtered)), tag,
                   gradient + j);
    });
}

template <bool kOneTrace, class Real>
HWY_INLINE void OnlineAdaptive(const AdaptiveOnlineRow<Real>& s) {
    const Real* HWY_RESTRICT psi = s.psi.data();
    const Real* HWY_RESTRICT signal = s.signal.data();
    const Real* HWY_RESTRICT pull = s.pull.data();
    const Real* HWY_RESTRICT zb = s.zb.data();
    const Real* HWY_RESTRICT beta = s.beta.data();
    Real* HWY_RESTRICT eps = s.eps.data();
    Real* HWY_RESTRICT eb = s.eb.data();
    Real* HWY_RESTRICT er = s.er.data();
    Real* HWY_RESTRICT gradient = s.gradient.data();
    ForVectors<Real>(s.psi.size(), [&](auto tag, std::size_t j) HWY_ATTR {
        const auto source = kOneTrace ? hn::Set(tag, zb[0]) : hn::LoadU(tag, zb + j);
        const auto slow = hn::LoadU(tag, eps + j);
        const auto e =
            hn::Mul(hn::LoadU(tag, psi + j), hn::Sub(source, hn::Mul(hn::LoadU(tag, beta + j), slow)));
        const auto filtered =
            hn::Add(hn::Mul(hn::Set(tag, s.kappa), hn::LoadU(tag, eb + j)), hn::Mul(hn::Set(tag, s.gain), e));
        const auto rate = hn::Add(hn::Mul(hn::Set(tag, s.er_keep), hn::LoadU(tag, er + j)),
                                  hn::Mul(hn::Set(tag, s.er_gain), e));
        hn::StoreU(hn::Add(hn::Mul(hn::Set(tag, s.rho), slow), e), tag, eps + j);
        hn::StoreU(filtered, tag, eb + j);
        hn::StoreU(rate, tag, er + j);
        const auto earned =
            hn::Add(hn::Mul(hn::LoadU(tag, signal + j), filtered), hn::Mul(hn::LoadU(tag, pull + j), rate));
        hn::StoreU(hn::Add(hn::LoadU(tag, gradient + j), earned), tag, gradient + j);
    });
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
