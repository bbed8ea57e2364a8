#include "learning/eprop/synapse_traces.hpp"

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"

namespace memprop::learning {

template <class Real>
SynapseTraces<Real>::SynapseTraces(const LearningPopulation<Real>& population,
                                   const LearnedProjection& projection)
    : c_(population),
      rho_(population.eligibility.rho),
      kappa_(population.eligibility_decay),
      gain_(population.eligibility_gain),
      n_(population.size),
      receptor_(projection.receptor),
      current_(c_.receptors[receptor_].has_current),
      one_trace_(c_.one_trace(receptor_)),
      bias_row_(projection.bias_row()),
      awake_(projection.rows) {
    const std::size_t synapses = std::size_t{projection.rows} * n_;
    zb_.resize(one_trace_ ? projection.rows : synapses);
    i_.resize(current_ ? zb_.size() : 0);
    if (!c_.is_read_only) {
        for (auto* values : {&eb_, &er_, &eps_}) {
            values->resize(synapses);
        }
    }
}

template <class Real>
void SynapseTraces<Real>::clear() {
    for (auto* values : {&zb_, &i_, &eb_, &er_, &eps_}) {
        std::fill(values->begin(), values->end(), Real{0});
    }
    std::fill(awake_.begin(), awake_.end(), 0U);
}

template <class Real>
void SynapseTraces<Real>::arrive(std::size_t i, Real value) {
    awake_[i] = 1;
    std::vector<Real>& to = current_ ? i_ : zb_;
    const AlignedVector<Real>& gain = current_ ? c_.receptors[receptor_].gain : c_.gain;
    if (one_trace_) {
        to[i] += value * gain[0];
        return;
    }
    for (std::size_t j = 0; j < n_; ++j) {
        to[i * n_ + j] += value * gain[j];
    }
}

template <class Real>
void SynapseTraces<Real>::filter_events(std::span<const std::uint32_t> events, std::span<const Real> values,
                                        bool bias) {
    const auto decay = [&](std::vector<Real>& traces, const AlignedVector<Real>& keep) {
        if (one_trace_) {
            for (Real& trace : traces) {
                trace *= keep[0];
            }
            return;
        }
        for (std::size_t at = 0; at < traces.size(); at += n_) {
            for (std::size_t j = 0; j < n_; ++j) {
                traces[at + j] *= keep[j];
            }
        }
    };
    decay(zb_, c_.alpha);
    if (current_) {
        decay(i_, c_.receptors[receptor_].decay);
    }
    for (std::size_t e = 0; e < events.size(); ++e) {
        arrive(events[e], values.empty() ? Real{1} : values[e]);
    }
    if (bias) {
        arrive(bias_row_, Real{1});
    }
    for (std::size_t at = 0; current_ && at < zb_.size(); ++at) {
        zb_[at] += c_.gain[one_trace_ ? 0 : at % n_] * i_[at];
    }
}

template <class Real>
void SynapseTraces<Real>::learn(const RateRegularizer<Real>& regularizer, std::size_t i,
                                std::span<const Real> psi, std::span<const Real> signal,
                                std::span<const Real> pull, std::span<Real> gradient) {
    if (c_.is_read_only) {
        for (std::size_t k = 0; k < n_; ++k) {
            gradient[k] += signal[k] * zb_[one_trace_ ? i : i * n_ + k];
        }
        return;
    }
    const auto row = [&](std::vector<Real>& values) { return std::span(values).subspan(i * n_, n_); };
    const bool running = regularizer.form == RegularizerForm::running_average;
    if (!c_.adaptive && one_trace_ && !running) {
        online_row(OnlineRow<Real>{.psi = psi,
                                   .signal = signal,
                                   .zb = zb_[i],
                                   .kappa = kappa_,
                                   .gain = gain_,
                                   .eb = row(eb_),
                                   .sum_e = row(er_),
                                   .gradient = gradient});
        return;
    }
    online_row(AdaptiveOnlineRow<Real>{
        .psi = psi,
        .signal = signal,
        .pull = pull,
        .zb = one_trace_ ? std::span<const Real>(&zb_[i], 1) : std::span<const Real>(row(zb_)),
        .beta = c_.beta,
        .rho = rho_,
        .kappa = kappa_,
        .gain = gain_,
        .er_keep = running ? regularizer.decay : Real{1},
        .er_gain = running ? Real{1} - regularizer.decay : Real{1},
        .eps = row(eps_),
        .eb = row(eb_),
        .er = row(er_),
        .gradient = gradient});
}

template <class Real>
void SynapseTraces<Real>::learn_all(std::span<const Real> error, std::span<Real> gradient) const {
    const Real* __restrict zb = zb_.data();
    Real* __restrict to = gradient.data();
    if (n_ == 1) {  // a loop over rows that the compiler vectorises
        const Real signal = error[0];
        for (std::size_t i = 0; i < awake_.size(); ++i) {
            to[i] += signal * zb[i];
        }
        return;
    }
    for (std::size_t i = 0; i < awake_.size(); ++i) {
        for (std::size_t k = 0; k < n_; ++k) {
            to[i * n_ + k] += error[k] * zb[one_trace_ ? i : i * n_ + k];
        }
    }
}

template <class Real>
void SynapseTraces<Real>::decay(const RateRegularizer<Real>& regularizer, std::size_t i) {
    if (c_.is_read_only) {
        return;
    }
    const bool running = regularizer.form == RegularizerForm::running_average;
    for (std::size_t at = i * n_; at < (i + 1) * n_; ++at) {
        eb_[at] *= kappa_;
        if (running) {
            er_[at] *= regularizer.decay;
        }
        eps_[at] *= rho_;
    }
}

template <class Real>
void SynapseTraces<Real>::serialize(StateArchive& archive) {
    archive("zb", zb_);
    if (current_) {
        archive("current", i_);
    }
    if (!c_.is_read_only) {
        archive("eb", eb_);
        archive("er", er_);
        archive("eps", eps_);
    }
    archive("awake", awake_);
}

template class SynapseTraces<float>;
template class SynapseTraces<double>;

}  // namespace memprop::learning
