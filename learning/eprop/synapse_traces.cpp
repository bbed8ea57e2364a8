#include "learning/eprop/synapse_traces.hpp"

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"

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

template class SynapseTraces<float>;
template class SynapseTraces<double>;

}  // namespace memprop::learning
