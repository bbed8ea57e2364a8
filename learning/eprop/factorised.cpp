#include "learning/eprop/factorised.hpp"

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {

template <class Real>
FactorisedGradient<Real>::FactorisedGradient(const NetworkParameters<Real>& parameters)
    : p_(parameters),
      d_(parameters.recurrent),
      d_out_(parameters.outputs),
      filtered_error_(parameters.outputs),
      regularizer_(parameters.recurrent),
      mu_(parameters.recurrent) {}

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
    const std::size_t n = p_.recurrent, outputs = p_.outputs, steps = tape.spikes.steps();
    const bool running = regularizer.form == RegularizerForm::running_average;
    for (auto* g : {&out.w_in, &out.w_rec, &out.w_out}) {
        std::fill(g->begin(), g->end(), Real{0});
    }
    for (auto* state : {&d_, &d_out_, &filtered_error_, &mu_}) {
        std::fill(state->begin(), state->end(), Real{0});
    }
    begin_regularizer(tape, regularizer);
    for (std::size_t t = steps; t-- > 0;) {
        for (std::size_t k = 0; k < outputs; ++k) {
            const Real error = tape.error_of(t, k, outputs, p_.readout_delay);
            filtered_error_[k] = p_.eligibility_gain * error + p_.eligibility_decay * filtered_error_[k];
            d_out_[k] = error + p_.kappa * d_out_[k];
        }
        if (running) {
            for (std::size_t j = 0; j < n; ++j) {
                regularizer_[j] =
                    (Real{1} - regularizer.decay) * pull_[t * n + j] + regularizer.decay * regularizer_[j];
            }
        }
        const ReverseStep<Real> step{.psi = std::span(tape.pseudo_derivative).subspan(t * n, n),
                                     .filtered_error = filtered_error_,
                                     .feedback = feedback,
                                     .regularizer = regularizer_,
                                     .alpha = p_.alpha,
                                     .input_spikes = tape.input->at(t),
                                     .recurrent_spikes = tape.arriving(t),
                                     .d = d_,
                                     .grad_in = out.w_in.data(),
                                     .grad_rec = out.w_rec.data()};
        if (p_.adaptive || !p_.one_alpha) {
            reverse_step(AdaptiveReverseStep<Real>{
                .base = step, .alpha_of = p_.alpha_of, .beta = p_.beta, .rho = p_.rho, .mu = mu_});
        } else {
            reverse_step(step);
        }
        for (const std::uint32_t j : tape.spikes.at(t)) {
            for (std::size_t k = 0; k < outputs; ++k) {
                out.w_out[j * outputs + k] += d_out_[k];
            }
        }
    }
    scale(out);
}

template <class Real>
void FactorisedGradient<Real>::scale(Gradients<Real>& out) const {
    const std::size_t n = p_.recurrent;
    for (auto* gradient : {&out.w_in, &out.w_rec}) {
        for (std::size_t at = 0; at < gradient->size(); at += n) {
            for (std::size_t j = 0; j < n; ++j) {
                (*gradient)[at + j] *= p_.one_alpha ? p_.input_gain : p_.gain_of[j];
            }
        }
    }
    for (Real& g : out.w_out) {
        g *= p_.readout_gain;
    }
    for (std::size_t j = 0; j < n; ++j) {
        out.w_rec[j * n + j] = Real{0};
    }
}

template class FactorisedGradient<float>;
template class FactorisedGradient<double>;

}  // namespace memprop::learning
