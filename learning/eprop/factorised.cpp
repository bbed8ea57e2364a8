#include "learning/eprop/factorised.hpp"

#include <hwy/cache_control.h>

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {
namespace {

constexpr std::size_t kCacheBytes = 512U << 10U;  // half of a common second-level cache
constexpr std::size_t kLeastColumns = 64;         // whole cache lines
constexpr std::size_t kCacheLineBytes = 64;
constexpr std::size_t kStepsAhead = 8;  // of pseudo-derivatives that are prefetched

/// Spikes add to rows all over the gradients, so these are made in blocks of columns that stay in the cache
/// for the whole trial. Results do not depend on it.
template <class Real>
std::size_t columns_in_cache(const NetworkParameters<Real>& p) {
    const std::size_t bytes_of_column = (std::size_t{p.inputs} + p.recurrent) * sizeof(Real);
    const std::size_t fit = std::max(kCacheBytes / bytes_of_column, kLeastColumns);
    const std::size_t columns = std::min<std::size_t>(fit, p.recurrent + kLeastColumns - 1);
    return columns / kLeastColumns * kLeastColumns;
}

}  // namespace

template <class Real>
FactorisedGradient<Real>::FactorisedGradient(const NetworkParameters<Real>& parameters)
    : p_(parameters),
      columns_at_once_(columns_in_cache<Real>(parameters)),
      block_((std::size_t{parameters.inputs} + parameters.recurrent) * columns_at_once_),
      d_(parameters.recurrent),
      d_out_(parameters.outputs),
      regularizer_(parameters.recurrent),
      mu_(parameters.recurrent),
      gain_(parameters.one_alpha ? std::vector<Real>(parameters.recurrent, parameters.input_gain)
                                 : parameters.gain_of) {}

template <class Real>
void FactorisedGradient<Real>::begin_regularizer(const Tape<Real>& tape,
                                                 const RateRegularizer<Real>& regularizer) {
    const std::size_t n = p_.recurrent, steps = tape.spikes.steps();
    if (regularizer.form == RegularizerForm::per_trial) {
        const auto duration = static_cast<Real>(steps);
        for (std::size_t j = 0; j < n; ++j) {
            const Real rate = static_cast<Real>(tape.spike_count[j]) / duration;
            regularizer_[j] = regularizer.strength * (rate - regularizer.target_per_step) / duration;
        }
        return;
    }
    std::fill(regularizer_.begin(), regularizer_.end(), Real{0});
    rate_.assign(n, Real{0});
    pull_.resize(steps * n);
    for (std::size_t t = 0; t < steps; ++t) {
        advance_running_rate<Real>(regularizer, tape.spikes.at(t), rate_, std::span(pull_).subspan(t * n, n));
    }
}

template <class Real>
void FactorisedGradient<Real>::compute(const Tape<Real>& tape, std::span<const Real> feedback,
                                       const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent;
    for (auto* state : {&d_, &d_out_, &mu_}) {
        std::fill(state->begin(), state->end(), Real{0});
    }
    begin_regularizer(tape, regularizer);
    compute_readout(tape, out);
    for (std::size_t first = 0; first < n; first += columns_at_once_) {
        compute_columns(tape, feedback, regularizer, first, std::min(columns_at_once_, n - first), out);
    }
    for (std::size_t j = 0; j < n; ++j) {
        out.w_rec[j * n + j] = Real{0};
    }
}

template <class Real>
void FactorisedGradient<Real>::compute_readout(const Tape<Real>& tape, Gradients<Real>& out) {
    const std::size_t outputs = p_.outputs, steps = tape.spikes.steps();
    filtered_error_.resize(steps * outputs);
    std::fill(out.w_out.begin(), out.w_out.end(), Real{0});
    for (std::size_t t = steps; t-- > 0;) {
        for (std::size_t k = 0; k < outputs; ++k) {
            const Real error = tape.error_of(t, k, outputs, p_.readout_delay);
            const Real later = t + 1 < steps ? filtered_error_[(t + 1) * outputs + k] : Real{0};
            filtered_error_[t * outputs + k] = p_.eligibility_gain * error + p_.eligibility_decay * later;
            d_out_[k] = error + p_.kappa * d_out_[k];
        }
        for (const std::uint32_t j : tape.spikes.at(t)) {
            for (std::size_t k = 0; k < outputs; ++k) {
                out.w_out[j * outputs + k] += d_out_[k];
            }
        }
    }
    for (Real& g : out.w_out) {
        g *= p_.readout_gain;
    }
}

template <class Real>
void FactorisedGradient<Real>::compute_columns(const Tape<Real>& tape, std::span<const Real> feedback,
                                               const RateRegularizer<Real>& regularizer, std::size_t first,
                                               std::size_t count, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent, outputs = p_.outputs;
    const std::span pull = std::span(regularizer_).subspan(first, count);
    std::fill(block_.begin(), block_.end(), Real{0});
    for (std::size_t t = tape.spikes.steps(); t-- > 0;) {
        if (regularizer.form == RegularizerForm::running_average) {
            for (std::size_t j = 0; j < count; ++j) {
                pull[j] =
                    (Real{1} - regularizer.decay) * pull_[t * n + first + j] + regularizer.decay * pull[j];
            }
        }
        if (t >= kStepsAhead) {  // a stride that hardware does not foresee
            for (std::size_t j = 0; j < count; j += kCacheLineBytes / sizeof(Real)) {
                hwy::Prefetch(&tape.pseudo_derivative[(t - kStepsAhead) * n + first + j]);
            }
        }
        const ReverseStep<Real> step{
            .psi = std::span(tape.pseudo_derivative).subspan(t * n + first, count),
            .filtered_error = std::span<const Real>(filtered_error_).subspan(t * outputs, outputs),
            .feedback = feedback.data() + first,
            .feedback_stride = n,
            .gradient_stride = columns_at_once_,
            .regularizer = pull,
            .alpha = p_.alpha,
            .input_spikes = tape.input->at(t),
            .recurrent_spikes = tape.arriving(t),
            .d = std::span(d_).subspan(first, count),
            .grad_in = block_.data(),
            .grad_rec = block_.data() + p_.inputs * columns_at_once_};
        if (p_.adaptive || !p_.one_alpha) {
            reverse_step(AdaptiveReverseStep<Real>{
                .base = step,
                .alpha_of = std::span<const Real>(p_.alpha_of).subspan(first, count),
                .beta = std::span<const Real>(p_.beta).subspan(first, count),
                .rho = p_.rho,
                .mu = std::span(mu_).subspan(first, count)});
        } else {
            reverse_step(step);
        }
    }
    const Real* gain = gain_.data() + first;
    for (std::size_t row = 0; row < std::size_t{p_.inputs} + n; ++row) {
        const Real* from = block_.data() + row * columns_at_once_;
        Real* to =
            (row < p_.inputs ? out.w_in.data() + row * n : out.w_rec.data() + (row - p_.inputs) * n) + first;
        for (std::size_t j = 0; j < count; ++j) {
            to[j] = from[j] * gain[j];
        }
    }
}

template class FactorisedGradient<float>;
template class FactorisedGradient<double>;

}  // namespace memprop::learning
