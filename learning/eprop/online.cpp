#include "learning/eprop/online.hpp"

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"
#include "learning/eprop/factorised.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {

template <class Real>
SynapseTraces<Real>::SynapseTraces(const NetworkParameters<Real>& p, std::uint32_t pre)
    : n_(p.recurrent),
      simple_(!p.adaptive && p.one_alpha),
      one_alpha_(p.one_alpha),
      zb_(p.one_alpha ? pre : std::size_t{pre} * p.recurrent),
      eb_(std::size_t{pre} * p.recurrent),
      er_(std::size_t{pre} * p.recurrent),
      eps_(std::size_t{pre} * p.recurrent),
      beta_(p.beta),
      awake_(pre) {
    beta_.resize(n_);  // plain LIF neurons have none
}

template <class Real>
void SynapseTraces<Real>::clear() {
    for (auto* values : {&zb_, &eb_, &er_, &eps_}) {
        std::fill(values->begin(), values->end(), Real{0});
    }
    std::fill(awake_.begin(), awake_.end(), 0U);
}

template <class Real>
void SynapseTraces<Real>::filter_spikes(const NetworkParameters<Real>& p,
                                        std::span<const std::uint32_t> spikes) {
    if (one_alpha_) {
        for (Real& zb : zb_) {
            zb *= p.alpha;
        }
    } else {
        for (std::size_t at = 0; at < zb_.size(); at += n_) {
            for (std::size_t j = 0; j < n_; ++j) {
                zb_[at + j] *= p.alpha_of[j];
            }
        }
    }
    for (const std::uint32_t i : spikes) {
        awake_[i] = 1;
        if (one_alpha_) {
            zb_[i] += p.input_gain;
            continue;
        }
        for (std::size_t j = 0; j < n_; ++j) {
            zb_[i * n_ + j] += p.gain_of[j];
        }
    }
}

template <class Real>
void SynapseTraces<Real>::learn(const NetworkParameters<Real>& p, const RateRegularizer<Real>& regularizer,
                                std::size_t i, std::span<const Real> psi, std::span<const Real> signal,
                                std::span<const Real> pull, std::span<Real> gradient) {
    const auto row = [&](std::vector<Real>& values) { return std::span(values).subspan(i * n_, n_); };
    const bool running = regularizer.form == RegularizerForm::running_average;
    if (simple_ && !running) {
        online_row(OnlineRow<Real>{.psi = psi,
                                   .signal = signal,
                                   .zb = zb_[i],
                                   .kappa = p.eligibility_decay,
                                   .gain = p.eligibility_gain,
                                   .eb = row(eb_),
                                   .sum_e = row(er_),
                                   .gradient = gradient});
        return;
    }
    online_row(AdaptiveOnlineRow<Real>{
        .psi = psi,
        .signal = signal,
        .pull = pull,
        .zb = one_alpha_ ? std::span<const Real>(&zb_[i], 1) : std::span<const Real>(row(zb_)),
        .beta = beta_,
        .rho = p.rho,
        .kappa = p.eligibility_decay,
        .gain = p.eligibility_gain,
        .er_keep = running ? regularizer.decay : Real{1},
        .er_gain = running ? Real{1} - regularizer.decay : Real{1},
        .eps = row(eps_),
        .eb = row(eb_),
        .er = row(er_),
        .gradient = gradient});
}

template <class Real>
void SynapseTraces<Real>::decay(const NetworkParameters<Real>& p, const RateRegularizer<Real>& regularizer,
                                std::size_t i) {
    const bool running = regularizer.form == RegularizerForm::running_average;
    for (std::size_t at = i * n_; at < (i + 1) * n_; ++at) {
        eb_[at] *= p.eligibility_decay;
        if (running) {
            er_[at] *= regularizer.decay;
        }
        eps_[at] *= p.rho;
    }
}

template <class Real>
void SynapseTraces<Real>::serialize(StateArchive& archive) {
    archive("zb", zb_);
    archive("eb", eb_);
    archive("er", er_);
    archive("eps", eps_);
    archive("awake", awake_);
}

template <class Real>
OnlineGradient<Real>::OnlineGradient(const NetworkParameters<Real>& parameters)
    : p_(parameters),
      input_(parameters, parameters.inputs),
      recurrent_(parameters, parameters.recurrent),
      signal_(parameters.recurrent),
      no_signal_(parameters.recurrent),
      pull_(parameters.recurrent),
      rate_(parameters.recurrent),
      zo_(parameters.recurrent),
      error_(parameters.outputs) {}

template <class Real>
void OnlineGradient<Real>::step(SynapseTraces<Real>& traces, std::span<const std::uint32_t> spikes,
                                std::span<const Real> psi, const RateRegularizer<Real>& regularizer,
                                std::vector<Real>& gradient) {
    const std::size_t n = p_.recurrent;
    traces.filter_spikes(p_, spikes);
    for (std::size_t i = 0; i < traces.pre(); ++i) {
        if (traces.awake(i)) {
            const bool late = &traces == &input_ && std::find(late_.begin(), late_.end(), i) != late_.end();
            traces.learn(p_, regularizer, i, psi, late ? no_signal_ : signal_, pull_,
                         std::span(gradient).subspan(i * n, n));
        }
    }
}

template <class Real>
void OnlineGradient<Real>::finish(const SynapseTraces<Real>& traces, const Tape<Real>& tape,
                                  const RateRegularizer<Real>& regularizer,
                                  std::vector<Real>& gradient) const {
    const auto duration = static_cast<Real>(tape.spikes.steps());
    const std::span<const Real> sum_e = traces.sum_e();
    for (std::size_t at = 0; at < gradient.size(); ++at) {
        const Real rate = static_cast<Real>(tape.spike_count[at % p_.recurrent]) / duration;
        gradient[at] += regularizer.strength * (rate - regularizer.target_per_step) / duration * sum_e[at];
    }
}

template <class Real>
void OnlineGradient<Real>::compute(const Tape<Real>& tape, std::span<const Real> feedback,
                                   const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent, outputs = p_.outputs, steps = tape.spikes.steps();
    const bool running = regularizer.form == RegularizerForm::running_average;
    input_.clear();
    recurrent_.clear();
    late_.clear();
    for (auto* values : {&out.w_in, &out.w_rec, &out.w_out, &zo_, &rate_, &pull_}) {
        std::fill(values->begin(), values->end(), Real{0});
    }
    for (std::size_t t = 0; t < steps; ++t) {
        for (std::size_t k = 0; k < outputs; ++k) {
            error_[k] = tape.error_of(t, k, outputs, p_.readout_delay);
        }
        for (std::size_t j = 0; j < n; ++j) {
            signal_[j] = Real{0};
            for (std::size_t k = 0; k < outputs; ++k) {
                signal_[j] += error_[k] * feedback[k * n + j];
            }
            zo_[j] *= p_.kappa;
        }
        if (running) {
            advance_running_rate<Real>(regularizer, tape.spikes.at(t), rate_, pull_);
        }
        if (t + 1 == steps) {
            late_ = tape.late_inputs;
        }
        const std::span<const Real> psi = std::span(tape.pseudo_derivative).subspan(t * n, n);
        step(input_, tape.input->at(t), psi, regularizer, out.w_in);
        step(recurrent_, tape.arriving(t), psi, regularizer, out.w_rec);
        for (const std::uint32_t j : tape.spikes.at(t)) {
            zo_[j] += p_.readout_gain;
        }
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t k = 0; k < outputs; ++k) {
                out.w_out[j * outputs + k] += error_[k] * zo_[j];
            }
        }
    }
    if (!running) {
        finish(input_, tape, regularizer, out.w_in);
        finish(recurrent_, tape, regularizer, out.w_rec);
    }
    for (std::size_t j = 0; j < n; ++j) {
        out.w_rec[j * n + j] = Real{0};
    }
}

template class SynapseTraces<float>;
template class SynapseTraces<double>;
template class OnlineGradient<float>;
template class OnlineGradient<double>;

template <class Real>
std::unique_ptr<Gradient<Real>> make_gradient(GradientForm form, const NetworkParameters<Real>& parameters) {
    if (form == GradientForm::online) {
        return std::make_unique<OnlineGradient<Real>>(parameters);
    }
    return std::make_unique<FactorisedGradient<Real>>(parameters);
}

template std::unique_ptr<Gradient<float>> make_gradient(GradientForm, const NetworkParameters<float>&);
template std::unique_ptr<Gradient<double>> make_gradient(GradientForm, const NetworkParameters<double>&);

}  // namespace memprop::learning
