#include "learning/eprop/factorised.hpp"

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"

namespace memprop::learning {

template <class Real>
FactorisedGradient<Real>::FactorisedGradient(const NetworkParameters<Real>& parameters)
    : p_(parameters),
      d_(parameters.recurrent),
      d_out_(parameters.outputs),
      filtered_error_(parameters.outputs),
      regularizer_(parameters.recurrent) {}

template <class Real>
void FactorisedGradient<Real>::compute(const Tape<Real>& tape, std::span<const Real> feedback,
                                       const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent, outputs = p_.outputs, steps = tape.spikes.steps();
    const auto duration = static_cast<Real>(steps);
    for (auto* g : {&out.w_in, &out.w_rec, &out.w_out}) {
        std::fill(g->begin(), g->end(), Real{0});
    }
    for (auto* state : {&d_, &d_out_, &filtered_error_}) {
        std::fill(state->begin(), state->end(), Real{0});
    }
    for (std::size_t j = 0; j < n; ++j) {
        const Real rate = static_cast<Real>(tape.spike_count[j]) / duration;
        regularizer_[j] = regularizer.strength * (rate - regularizer.target_per_step) / duration;
    }
    for (std::size_t t = steps; t-- > 0;) {
        for (std::size_t k = 0; k < outputs; ++k) {
            const Real error = tape.error[t * outputs + k];
            filtered_error_[k] = p_.eligibility_gain * error + p_.eligibility_decay * filtered_error_[k];
            d_out_[k] = error + p_.kappa * d_out_[k];
        }
        reverse_step(ReverseStep<Real>{
            .psi = std::span(tape.pseudo_derivative).subspan(t * n, n),
            .filtered_error = filtered_error_,
            .feedback = feedback,
            .regularizer = regularizer_,
            .alpha = p_.alpha,
            .input_spikes = tape.input->at(t),
            .recurrent_spikes = t == 0 ? std::span<const std::uint32_t>{} : tape.spikes.at(t - 1),
            .d = d_,
            .grad_in = out.w_in.data(),
            .grad_rec = out.w_rec.data()});
        for (const std::uint32_t j : tape.spikes.at(t)) {
            for (std::size_t k = 0; k < outputs; ++k) {
                out.w_out[j * outputs + k] += d_out_[k];
            }
        }
    }
    for (Real& g : out.w_in) {
        g *= p_.input_gain;
    }
    for (Real& g : out.w_rec) {
        g *= p_.input_gain;
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
