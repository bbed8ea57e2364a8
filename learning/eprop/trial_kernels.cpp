#include "learning/eprop/trial_kernels.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/eprop/trial_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::learning::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Rows and vectors advanced together: their traces fit the registers, hide each other's latencies, and rows
/// share what is read of a step.
constexpr std::size_t kRowsTogether = HWY_MAX_BYTES == 64 ? 2 : 1;
constexpr std::size_t kVectors = 2;

/// How events become zb.
enum class Trace {
    alike,    ///< all neurons have the same decay and gain
    own,      ///< each its own
    current,  ///< each its own, and a synaptic current in between
};

/// kRows presynaptic neurons and kVectors vectors of their synapses from `first` on, over all steps.
template <std::size_t kRows, bool kAdaptive, Trace kTrace, bool kRunning, class Real>
HWY_INLINE void AdvanceTogether(const TrialColumns<Real>& s, const TrialRow<Real>* rows, std::size_t first) {
    const hn::ScalableTag<Real> tag;
    using V = hn::Vec<decltype(tag)>;
    const std::size_t lanes = hn::Lanes(tag);
    constexpr std::size_t kValues = kRunning ? 3 : 2;  // of a step
    const V rho = hn::Set(tag, s.rho), kappa = hn::Set(tag, s.kappa), gain = hn::Set(tag, s.gain);
    const V er_keep = hn::Set(tag, s.er_keep), er_gain = hn::Set(tag, s.er_gain);
    const V alpha = hn::Set(tag, s.alpha), gain_in = hn::Set(tag, s.gain_in);
    // Loops over rows and vectors count to constants: they are unrolled, and the arrays live in registers.
    constexpr bool kOwnAlpha = kTrace != Trace::alike, kCurrent = kTrace == Trace::current;
    constexpr std::size_t kTraces = kOwnAlpha ? kVectors : 1;
    V zb[kRows][kTraces], current[kRows][kTraces];
    V eps[kRows][kVectors], eb[kRows][kVectors], er[kRows][kVectors], gradient[kRows][kVectors];
    std::size_t next[kRows], begin = s.step_count, end = s.step_count;
    for (std::size_t r = 0; r < kRows; ++r) {
        next[r] = 0;
        begin = std::min<std::size_t>(begin, rows[r].spikes.front());
        end = rows[r].without_last_error ? s.step_count - 1 : end;
        for (std::size_t v = 0; v < kTraces; ++v) {
            zb[r][v] = current[r][v] = hn::Zero(tag);
        }
        for (std::size_t v = 0; v < kVectors; ++v) {
            eps[r][v] = eb[r][v] = er[r][v] = gradient[r][v] = hn::Zero(tag);
        }
    }
    const auto decay = [&]() HWY_ATTR __attribute__((always_inline)) {
        for (std::size_t r = 0; r < kRows; ++r) {
            for (std::size_t v = 0; v < kTraces; ++v) {
                zb[r][v] =
                    hn::Mul(zb[r][v], kOwnAlpha ? hn::LoadU(tag, s.alpha_of + first + v * lanes) : alpha);
                if constexpr (kCurrent) {
                    current[r][v] = hn::Mul(current[r][v], hn::LoadU(tag, s.decay_of + first + v * lanes));
                }
            }
        }
    };
    /// Adds the spikes of step t; returns the step of the next one, or `end`.
    const auto arrive = [&](std::size_t t) HWY_ATTR __attribute__((always_inline)) {
        std::size_t soonest = end;
        for (std::size_t r = 0; r < kRows; ++r) {
            V(&to)[kTraces] = kCurrent ? current[r] : zb[r];
            const Real* gain_of = kCurrent ? s.current_of : s.gain_of;
            for (; next[r] < rows[r].spikes.size() && rows[r].spikes[next[r]] == t; ++next[r]) {
                for (std::size_t v = 0; v < kTraces; ++v) {
                    V more = kOwnAlpha ? hn::LoadU(tag, gain_of + first + v * lanes) : gain_in;
                    if (!rows[r].values.empty()) {
                        more = hn::Mul(hn::Set(tag, rows[r].values[next[r]]), more);
                    }
                    to[v] = hn::Add(to[v], more);
                }
            }
            if (next[r] < rows[r].spikes.size()) {
                soonest = std::min<std::size_t>(soonest, rows[r].spikes[next[r]]);
            }
        }
        return soonest;
    };
    /// The membrane takes the current.
    const auto flow = [&]() HWY_ATTR __attribute__((always_inline)) {
        for (std::size_t r = 0; kCurrent && r < kRows; ++r) {
            for (std::size_t v = 0; v < kTraces; ++v) {
                const V gain_of = hn::LoadU(tag, s.gain_of + first + v * lanes);
                zb[r][v] = hn::Add(zb[r][v], hn::Mul(gain_of, current[r][v]));
            }
        }
    };
    const auto learn = [&](std::size_t t, const auto& has_signal) HWY_ATTR __attribute__((always_inline)) {
        const Real* HWY_RESTRICT values = s.steps + t * kValues * kTrialColumns + first;
        for (std::size_t v = 0; v < kVectors; ++v) {
            const V psi = hn::LoadU(tag, values + v * lanes);
            const V signal = hn::LoadU(tag, values + kTrialColumns + v * lanes);
            const V beta = kAdaptive ? hn::LoadU(tag, s.beta + first + v * lanes) : psi;
            const V pull = kRunning ? hn::LoadU(tag, values + 2 * kTrialColumns + v * lanes) : psi;
            for (std::size_t r = 0; r < kRows; ++r) {
                V source = zb[r][kOwnAlpha ? v : 0];
                if constexpr (kAdaptive) {
                    source = hn::Sub(source, hn::Mul(beta, eps[r][v]));
                }
                const V e = hn::Mul(psi, source);
                if constexpr (kAdaptive) {
                    eps[r][v] = hn::Add(hn::Mul(rho, eps[r][v]), e);
                }
                eb[r][v] = hn::Add(hn::Mul(kappa, eb[r][v]), hn::Mul(gain, e));
                V earned = has_signal(r) ? hn::Mul(signal, eb[r][v]) : hn::Zero(tag);
                if constexpr (kRunning) {
                    er[r][v] = hn::Add(hn::Mul(er_keep, er[r][v]), hn::Mul(er_gain, e));
                    earned = hn::Add(earned, hn::Mul(pull, er[r][v]));
                } else {
                    er[r][v] = hn::Add(er[r][v], e);
                }
                gradient[r][v] = hn::Add(gradient[r][v], earned);
            }
        }
    };
    const auto always = [](std::size_t) { return true; };
    for (std::size_t t = begin; t < end;) {
        decay();
        const std::size_t soonest = arrive(t);
        flow();
        learn(t, always);
        for (++t; t < soonest; ++t) {
            decay();
            flow();
            learn(t, always);
        }
    }
    if (end < s.step_count) {
        decay();
        arrive(end);
        flow();
        learn(end, [&](std::size_t r) { return !rows[r].without_last_error; });
    }
    for (std::size_t r = 0; r < kRows; ++r) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            if constexpr (!kRunning) {
                const V rate_error = hn::LoadU(tag, s.rate_error + first + v * lanes);
                gradient[r][v] = hn::Add(gradient[r][v], hn::Mul(rate_error, er[r][v]));
            }
            hn::StoreU(gradient[r][v], tag, rows[r].gradient + first + v * lanes);
        }
    }
}

template <bool kAdaptive, Trace kTrace, bool kRunning, class Real>
HWY_INLINE void ComputeRows(const TrialColumns<Real>& s, std::span<const TrialRow<Real>> rows) {
    const std::size_t step = kVectors * hn::Lanes(hn::ScalableTag<Real>());
    for (std::size_t first = 0; first < kTrialColumns; first += step) {
        std::size_t r = 0;
        for (; r + kRowsTogether <= rows.size(); r += kRowsTogether) {
            AdvanceTogether<kRowsTogether, kAdaptive, kTrace, kRunning>(s, &rows[r], first);
        }
        for (; r < rows.size(); ++r) {
            AdvanceTogether<1, kAdaptive, kTrace, kRunning>(s, &rows[r], first);
        }
    }
}

template <bool kAdaptive, Trace kTrace, class Real>
HWY_INLINE void ComputeRegularised(const TrialColumns<Real>& s, std::span<const TrialRow<Real>> rows) {
    if (s.running()) {
        ComputeRows<kAdaptive, kTrace, true>(s, rows);
    } else {
        ComputeRows<kAdaptive, kTrace, false>(s, rows);
    }
}

template <Trace kTrace, class Real>
HWY_INLINE void ComputeAdapting(const TrialColumns<Real>& s, std::span<const TrialRow<Real>> rows) {
    if (s.beta != nullptr) {
        ComputeRegularised<true, kTrace>(s, rows);
    } else {
        ComputeRegularised<false, kTrace>(s, rows);
    }
}

template <class Real>
HWY_INLINE void ComputeTrial(const TrialColumns<Real>& s, std::span<const TrialRow<Real>> rows) {
    if (s.decay_of != nullptr) {
        ComputeAdapting<Trace::current>(s, rows);
    } else if (s.alpha_of != nullptr) {
        ComputeAdapting<Trace::own>(s, rows);
    } else {
        ComputeAdapting<Trace::alike>(s, rows);
    }
}

void ComputeTrialFloat(const TrialColumns<float>& s, std::span<const TrialRow<float>> rows) {
    ComputeTrial(s, rows);
}
void ComputeTrialDouble(const TrialColumns<double>& s, std::span<const TrialRow<double>> rows) {
    ComputeTrial(s, rows);
}

}  // namespace memprop::learning::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::learning {

HWY_EXPORT(ComputeTrialFloat);
HWY_EXPORT(ComputeTrialDouble);

void compute_trial(const TrialColumns<float>& columns, std::span<const TrialRow<float>> rows) {
    HWY_DYNAMIC_DISPATCH(ComputeTrialFloat)(columns, rows);
}
void compute_trial(const TrialColumns<double>& columns, std::span<const TrialRow<double>> rows) {
    HWY_DYNAMIC_DISPATCH(ComputeTrialDouble)(columns, rows);
}

}  // namespace memprop::learning
#endif  // HWY_ONCE
