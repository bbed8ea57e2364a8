#include "learning/eprop/online.hpp"

#include <algorithm>

#include "learning/eprop/eprop_kernels.hpp"
#include "learning/eprop/factorised.hpp"

namespace memprop::learning {

template <class Real>
OnlineGradient<Real>::OnlineGradient(const NetworkParameters<Real>& parameters)
    : p_(parameters), signal_(parameters.recurrent), zo_(parameters.recurrent) {
    for (auto [traces, pre] : {std::pair{&input_, p_.inputs}, std::pair{&recurrent_, p_.recurrent}}) {
        traces->zb.resize(pre);
        traces->awake.resize(pre);
        traces->eb.resize(std::size_t{pre} * p_.recurrent);
        traces->sum_e.resize(std::size_t{pre} * p_.recurrent);
    }
}

template <class Real>
void OnlineGradient<Real>::begin(Traces& traces, std::vector<Real>& gradient) const {
    for (auto* values : {&traces.zb, &traces.eb, &traces.sum_e, &gradient}) {
        std::fill(values->begin(), values->end(), Real{0});
    }
    std::fill(traces.awake.begin(), traces.awake.end(), std::uint8_t{0});
}

template <class Real>
void OnlineGradient<Real>::step(Traces& traces, std::span<const std::uint32_t> spikes,
                                std::span<const Real> psi, std::vector<Real>& gradient) const {
    const std::size_t n = p_.recurrent;
    for (Real& zb : traces.zb) {
        zb *= p_.alpha;
    }
    for (const std::uint32_t i : spikes) {
        traces.zb[i] += p_.input_gain;
        traces.awake[i] = 1;
    }
    for (std::size_t i = 0; i < traces.zb.size(); ++i) {
        if (traces.awake[i] != 0) {
            online_row(OnlineRow<Real>{.psi = psi,
                                       .signal = signal_,
                                       .zb = traces.zb[i],
                                       .kappa = p_.eligibility_decay,
                                       .gain = p_.eligibility_gain,
                                       .eb = std::span(traces.eb).subspan(i * n, n),
                                       .sum_e = std::span(traces.sum_e).subspan(i * n, n),
                                       .gradient = std::span(gradient).subspan(i * n, n)});
        }
    }
}

template <class Real>
void OnlineGradient<Real>::finish(const Traces& traces, const Tape<Real>& tape,
                                  const RateRegularizer<Real>& regularizer,
                                  std::vector<Real>& gradient) const {
    const auto duration = static_cast<Real>(tape.spikes.steps());
    for (std::size_t at = 0; at < gradient.size(); ++at) {
        const Real rate = static_cast<Real>(tape.spike_count[at % p_.recurrent]) / duration;
        gradient[at] +=
            regularizer.strength * (rate - regularizer.target_per_step) / duration * traces.sum_e[at];
    }
}

template <class Real>
void OnlineGradient<Real>::compute(const Tape<Real>& tape, std::span<const Real> feedback,
                                   const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent, outputs = p_.outputs;
    begin(input_, out.w_in);
    begin(recurrent_, out.w_rec);
    std::fill(zo_.begin(), zo_.end(), Real{0});
    std::fill(out.w_out.begin(), out.w_out.end(), Real{0});
    for (std::size_t t = 0; t < tape.spikes.steps(); ++t) {
        const std::span<const Real> error = std::span(tape.error).subspan(t * outputs, outputs);
        for (std::size_t j = 0; j < n; ++j) {
            signal_[j] = Real{0};
            for (std::size_t k = 0; k < outputs; ++k) {
                signal_[j] += error[k] * feedback[k * n + j];
            }
            zo_[j] *= p_.kappa;
        }
        const std::span<const Real> psi = std::span(tape.pseudo_derivative).subspan(t * n, n);
        step(input_, tape.input->at(t), psi, out.w_in);
        step(recurrent_, t == 0 ? std::span<const std::uint32_t>{} : tape.spikes.at(t - 1), psi, out.w_rec);
        for (const std::uint32_t j : tape.spikes.at(t)) {
            zo_[j] += p_.readout_gain;
        }
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t k = 0; k < outputs; ++k) {
                out.w_out[j * outputs + k] += error[k] * zo_[j];
            }
        }
    }
    finish(input_, tape, regularizer, out.w_in);
    finish(recurrent_, tape, regularizer, out.w_rec);
    for (std::size_t j = 0; j < n; ++j) {
        out.w_rec[j * n + j] = Real{0};
    }
}

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
