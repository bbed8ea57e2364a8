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

/// body(tag, j) for vectors of neurons from j on, then for those left over four at a time and one by one.
template <class Real, class Body>
HWY_INLINE void ForVectors(std::size_t n, Body&& body) {
    const hn::ScalableTag<Real> whole;
    const hn::CappedTag<Real, 4> part;
    const hn::CappedTag<Real, 1> single;
    std::size_t j = 0;
    for (; j + hn::Lanes(whole) <= n; j += hn::Lanes(whole)) {
        body(whole, j);
    }
    for (; j + hn::Lanes(part) <= n; j += hn::Lanes(part)) {
        body(part, j);
    }
    for (; j < n; ++j) {
        body(single, j);
    }
}

/// Adds kVectors vectors of d to the rows that had an event, from column j on. They stay in registers for all
/// rows, so that an addition costs one load and one store; rows are far apart and fetched ahead.
template <std::size_t kVectors, class Real>
HWY_INLINE void AddBlockToRows(Real* rows, std::size_t stride, std::span<const std::uint32_t> events,
                               const Real* d) {
    const hn::ScalableTag<Real> tag;
    const std::size_t lanes = hn::Lanes(tag);
    constexpr std::size_t kRowsAhead = 4;
    hn::Vec<decltype(tag)> more[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
        more[v] = hn::LoadU(tag, d + v * lanes);
    }
    for (std::size_t e = 0; e < events.size(); ++e) {
        if (e + kRowsAhead < events.size()) {
            const Real* ahead = rows + events[e + kRowsAhead] * stride;
            for (std::size_t v = 0; v < kVectors; ++v) {
                hwy::Prefetch(ahead + v * lanes);
            }
        }
        Real* row = rows + events[e] * stride;
        for (std::size_t v = 0; v < kVectors; ++v) {
            hn::StoreU(hn::Add(hn::LoadU(tag, row + v * lanes), more[v]), tag, row + v * lanes);
        }
    }
}

/// n: whole vectors.
template <class Real>
HWY_INLINE void AddToRows(const EventRows<Real>& a, std::size_t stride, std::size_t n) {
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<Real>());
    std::size_t j = 0;
    for (; j + 4 * lanes <= n; j += 4 * lanes) {
        AddBlockToRows<4>(a.rows + j, stride, a.events, a.d + j);
    }
    switch ((n - j) / lanes) {
        case 3:
            return AddBlockToRows<3>(a.rows + j, stride, a.events, a.d + j);
        case 2:
            return AddBlockToRows<2>(a.rows + j, stride, a.events, a.d + j);
        case 1:
            return AddBlockToRows<1>(a.rows + j, stride, a.events, a.d + j);
        default:
            return;
    }
}

/// The same with a factor per event.
template <class Real>
HWY_NOINLINE void AddScaledToRows(const EventRows<Real>& a, std::size_t stride, std::size_t n) {
    const hn::ScalableTag<Real> tag;
    for (std::size_t e = 0; e < a.events.size(); ++e) {
        Real* HWY_RESTRICT row = a.rows + a.events[e] * stride;
        const auto value = hn::Set(tag, a.values[e]);
        for (std::size_t j = 0; j < n; j += hn::Lanes(tag)) {
            const auto more = hn::Mul(value, hn::LoadU(tag, a.d + j));
            hn::StoreU(hn::Add(hn::LoadU(tag, row + j), more), tag, row + j);
        }
    }
}

template <class Real>
HWY_NOINLINE void FollowCurrents(const ReverseStep<Real>& s) {
    for (const CurrentStep<Real>& current : s.currents) {
        ForVectors<Real>(s.count, [&](auto tag, std::size_t j) HWY_ATTR {
            const auto own = hn::Mul(hn::LoadU(tag, current.gain + j), hn::LoadU(tag, s.d + j));
            const auto later = hn::Mul(hn::LoadU(tag, current.decay + j), hn::LoadU(tag, current.d + j));
            hn::StoreU(hn::Add(own, later), tag, current.d + j);
        });
    }
}

/// What follows once D is known.
template <class Real>
HWY_INLINE void FollowD(const ReverseStep<Real>& s) {
    if (!s.currents.empty()) {
        FollowCurrents(s);
    }
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<Real>());
    const std::size_t whole = (s.count + lanes - 1) / lanes * lanes;
    for (const EventRows<Real>& a : s.arrived) {
        if (a.values.empty()) {
            AddToRows(a, s.gradient_stride, whole);
        } else {
            AddScaledToRows(a, s.gradient_stride, whole);
        }
    }
}

/// signal + sum_k error[k] feedback[k stride], k ascending, for one vector of neurons.
template <class Tag, class Real>
HWY_INLINE hn::Vec<Tag> AddSource(Tag tag, hn::Vec<Tag> signal, const Real* error, std::size_t errors,
                                  const Real* feedback, std::size_t stride) {
    for (std::size_t k = 0; k < errors; ++k) {
        signal = hn::Add(signal, hn::Mul(hn::Set(tag, error[k]), hn::LoadU(tag, feedback)));
        feedback += stride;
    }
    return signal;
}

/// Learning signals. kPlain: there is one source, and nothing of the population's own; its values are copied,
/// so that the compiler knows that what the loop stores does not change them.
template <bool kPlain, class Real>
class Signals {
public:
    HWY_INLINE explicit Signals(const ReverseStep<Real>& s)
        : step_(s),
          error_(kPlain ? s.sources[0].filtered_error.data() : nullptr),
          errors_(kPlain ? s.sources[0].filtered_error.size() : 0),
          feedback_(kPlain ? s.sources[0].feedback : nullptr),
          stride_(s.feedback_stride) {}

    /// Of one vector of neurons from j on.
    template <class Tag>
    HWY_INLINE hn::Vec<Tag> At(Tag tag, std::size_t j) const {
        if constexpr (kPlain) {
            return AddSource(tag, hn::Zero(tag), error_, errors_, feedback_ + j, stride_);
        }
        hn::Vec<Tag> signal = hn::Zero(tag);
        for (const ErrorFeed<Real>& source : step_.sources) {
            signal = AddSource(tag, signal, source.filtered_error.data(), source.filtered_error.size(),
                               source.feedback + j, stride_);
        }
        return step_.own == nullptr ? signal : hn::Add(signal, hn::LoadU(tag, step_.own + j));
    }

private:
    const ReverseStep<Real>& step_;
    const Real* error_;
    std::size_t errors_;
    const Real* feedback_;
    std::size_t stride_;
};

template <bool kPlain, class Real>
HWY_INLINE void Reverse(const ReverseStep<Real>& s) {
    const Signals<kPlain, Real> signals(s);
    const Real* HWY_RESTRICT psi = s.psi;
    const Real* HWY_RESTRICT regularizer = s.regularizer;
    Real* HWY_RESTRICT d = s.d;
    ForVectors<Real>(s.count, [&](auto tag, std::size_t j) HWY_ATTR {
        const auto pull = hn::Add(signals.At(tag, j), hn::LoadU(tag, regularizer + j));
        const auto later = hn::Mul(hn::Set(tag, s.alpha), hn::LoadU(tag, d + j));
        hn::StoreU(hn::Add(hn::Mul(hn::LoadU(tag, psi + j), pull), later), tag, d + j);
    });
}

template <bool kPlain, class Real>
HWY_INLINE void ReverseAdaptive(const ReverseStep<Real>& s) {
    const Signals<kPlain, Real> signals(s);
    const Real* HWY_RESTRICT psi = s.psi;
    const Real* HWY_RESTRICT regularizer = s.regularizer;
    const Real* HWY_RESTRICT alpha = s.alpha_of;
    const Real* HWY_RESTRICT beta = s.beta;
    Real* HWY_RESTRICT mu = s.mu;
    Real* HWY_RESTRICT d = s.d;
    ForVectors<Real>(s.count, [&](auto tag, std::size_t j) HWY_ATTR {
        const auto m = hn::LoadU(tag, mu + j);
        const auto pull = hn::Add(hn::Add(signals.At(tag, j), hn::LoadU(tag, regularizer + j)), m);
        const auto c = hn::Mul(hn::LoadU(tag, psi + j), pull);
        hn::StoreU(hn::Sub(hn::Mul(hn::Set(tag, s.rho), m), hn::Mul(hn::LoadU(tag, beta + j), c)), tag,
                   mu + j);
        hn::StoreU(hn::Add(c, hn::Mul(hn::LoadU(tag, alpha + j), hn::LoadU(tag, d + j))), tag, d + j);
    });
}

/// kAdaptive: neurons have decays of their own, or adapt.
template <bool kAdaptive, class Real>
HWY_INLINE void ReverseAny(const ReverseStep<Real>& s) {
    const bool plain = s.sources.size() == 1 && s.own == nullptr;
    if constexpr (kAdaptive) {
        plain ? ReverseAdaptive<true>(s) : ReverseAdaptive<false>(s);
    } else {
        plain ? Reverse<true>(s) : Reverse<false>(s);
    }
    FollowD(s);
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
    ReverseAny<false>(s);
}
void AdaptiveReverseFloat(const ReverseStep<float>& s) {
    ReverseAny<true>(s);
}
void ReverseDouble(const ReverseStep<double>& s) {
    ReverseAny<false>(s);
}
void AdaptiveReverseDouble(const ReverseStep<double>& s) {
    ReverseAny<true>(s);
}
void OnlineFloat(const OnlineRow<float>& s) {
    Online(s);
}
void OnlineDouble(const OnlineRow<double>& s) {
    Online(s);
}

void AdaptiveOnlineFloat(const AdaptiveOnlineRow<float>& s) {
    OnlineAdaptiveAny(s);
}

void AdaptiveOnlineDouble(const AdaptiveOnlineRow<double>& s) {
    OnlineAdaptiveAny(s);
}

}  // namespace memprop::learning::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::learning {

HWY_EXPORT(ReverseFloat);
HWY_EXPORT(AdaptiveReverseFloat);
HWY_EXPORT(ReverseDouble);
HWY_EXPORT(AdaptiveReverseDouble);
HWY_EXPORT(OnlineFloat);
HWY_EXPORT(OnlineDouble);
HWY_EXPORT(AdaptiveOnlineDouble);
HWY_EXPORT(AdaptiveOnlineFloat);

void reverse_step(const ReverseStep<float>& s) {
    if (s.alpha_of == nullptr) {
        HWY_DYNAMIC_DISPATCH(ReverseFloat)(s);
    } else {
        HWY_DYNAMIC_DISPATCH(AdaptiveReverseFloat)(s);
    }
}
void reverse_step(const ReverseStep<double>& s) {
    if (s.alpha_of == nullptr) {
        HWY_DYNAMIC_DISPATCH(ReverseDouble)(s);
    } else {
        HWY_DYNAMIC_DISPATCH(AdaptiveReverseDouble)(s);
    }
}
void online_row(const OnlineRow<float>& s) {
    HWY_DYNAMIC_DISPATCH(OnlineFloat)(s);
}
void online_row(const OnlineRow<double>& s) {
    HWY_DYNAMIC_DISPATCH(OnlineDouble)(s);
}

void online_row(const AdaptiveOnlineRow<float>& s) {
    HWY_DYNAMIC_DISPATCH(AdaptiveOnlineFloat)(s);
}

void online_row(const AdaptiveOnlineRow<double>& s) {
    HWY_DYNAMIC_DISPATCH(AdaptiveOnlineDouble)(s);
}

}  // namespace memprop::learning
#endif  // HWY_ONCE
