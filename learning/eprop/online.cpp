#include "learning/eprop/online.hpp"

#include <algorithm>
#include <array>

#include "learning/eprop/factorised.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {

template <class Real>
OnlineGradient<Real>::OnlineGradient(const NetworkParameters<Real>& parameters)
    : p_(parameters),
      beta_{},
      alpha_of_{},
      gain_of_{},
      rate_error_{},
      rate_(parameters.recurrent),
      zo_(parameters.recurrent),
      error_(parameters.outputs),
      late_(parameters.inputs) {
    input_.first.resize(parameters.inputs + std::size_t{1});
    recurrent_.first.resize(parameters.recurrent + std::size_t{1});
}

template <class Real>
template <class SpikesAt>
void OnlineGradient<Real>::sort_by_neuron(std::size_t steps, SpikesAt&& spikes_at, SpikeTimes& times) {
    auto& first = times.first;
    std::fill(first.begin(), first.end(), 0U);
    for (std::size_t t = 0; t < steps; ++t) {
        for (const std::uint32_t i : spikes_at(t)) {
            ++first[i];
        }
    }
    std::uint32_t end = 0;
    for (std::uint32_t& count : first) {
        end += count;
        count = end;  // where the neuron's steps end, and begin once they are filled in from behind
    }
    times.steps.resize(end);
    for (std::size_t t = steps; t-- > 0;) {
        for (const std::uint32_t i : spikes_at(t)) {
            times.steps[--first[i]] = static_cast<std::uint32_t>(t);
        }
    }
}

template <class Real>
void OnlineGradient<Real>::compute_signals(const Tape<Real>& tape, std::span<const Real> feedback,
                                           const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent, outputs = p_.outputs, steps = tape.spikes.steps();
    const bool running = regularizer.form == RegularizerForm::running_average;
    signal_.resize(steps * n);
    pull_.resize(running ? steps * n : 0);
    for (auto* values : {&signal_, &out.w_out, &zo_, &rate_}) {
        std::fill(values->begin(), values->end(), Real{0});
    }
    for (std::size_t t = 0; t < steps; ++t) {
        for (std::size_t k = 0; k < outputs; ++k) {
            error_[k] = tape.error_of(t, k, outputs, p_.readout_delay);
        }
        Real* signal = signal_.data() + t * n;
        for (std::size_t k = 0; k < outputs; ++k) {
            const Real error = error_[k];
            const Real* back = feedback.data() + k * n;
            for (std::size_t j = 0; error != Real{0} && j < n; ++j) {
                signal[j] += error * back[j];
            }
        }
        if (running) {
            advance_running_rate<Real>(regularizer, tape.spikes.at(t), rate_,
                                       std::span(pull_).subspan(t * n, n));
        }
        for (Real& zo : zo_) {
            zo *= p_.kappa;
        }
        for (const std::uint32_t j : tape.spikes.at(t)) {
            zo_[j] += p_.readout_gain;
        }
        for (std::size_t j = 0; j < n; ++j) {
            for (std::size_t k = 0; k < outputs; ++k) {
                out.w_out[j * outputs + k] += error_[k] * zo_[j];
            }
        }
    }
}

template <class Real>
TrialColumns<Real> OnlineGradient<Real>::pack(const Tape<Real>& tape,
                                              const RateRegularizer<Real>& regularizer, std::size_t first,
                                              std::size_t count) {
    const std::size_t n = p_.recurrent, steps = tape.spikes.steps();
    const bool running = regularizer.form == RegularizerForm::running_average;
    const auto take = [&](const std::vector<Real>& from, std::size_t at, Real* to) {
        std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at + first), count, to);
    };
    const std::size_t rows = running ? 3 : 2;
    steps_.assign(steps * rows * kTrialColumns, Real{0});
    for (std::size_t t = 0; t < steps; ++t) {
        Real* to = steps_.data() + t * rows * kTrialColumns;
        take(tape.pseudo_derivative, t * n, to);
        take(signal_, t * n, to + kTrialColumns);
        if (running) {
            take(pull_, t * n, to + 2 * kTrialColumns);
        }
    }
    if (p_.adaptive) {
        take(p_.beta, 0, beta_.data());
    }
    if (!p_.one_alpha) {
        take(p_.alpha_of, 0, alpha_of_.data());
        take(p_.gain_of, 0, gain_of_.data());
    }
    const auto duration = static_cast<Real>(steps);
    for (std::size_t j = 0; j < count; ++j) {
        const Real rate = static_cast<Real>(tape.spike_count[first + j]) / duration;
        rate_error_[j] = regularizer.strength * (rate - regularizer.target_per_step) / duration;
    }
    return {.steps = steps_.data(),
            .step_count = steps,
            .beta = p_.adaptive ? beta_.data() : nullptr,
            .alpha_of = p_.one_alpha ? nullptr : alpha_of_.data(),
            .gain_of = p_.one_alpha ? nullptr : gain_of_.data(),
            .rate_error = running ? nullptr : rate_error_.data(),
            .alpha = p_.alpha,
            .gain_in = p_.input_gain,
            .rho = p_.rho,
            .kappa = p_.eligibility_decay,
            .gain = p_.eligibility_gain,
            .er_keep = regularizer.decay,
            .er_gain = Real{1} - regularizer.decay};
}

template <class Real>
void OnlineGradient<Real>::compute_columns(const TrialColumns<Real>& columns, const SpikeTimes& times,
                                           std::size_t first, std::size_t count,
                                           std::vector<Real>& gradient) {
    const std::size_t pre = times.first.size() - 1;
    earned_.assign(pre * kTrialColumns, Real{0});
    rows_.clear();
    for (std::size_t i = 0; i < pre; ++i) {
        if (const auto spikes = times.of(i); !spikes.empty()) {
            rows_.push_back({spikes, &times == &input_ && late_[i], earned_.data() + i * kTrialColumns});
        }
    }
    compute_trial(columns, rows_);
    for (std::size_t i = 0; i < pre; ++i) {
        std::copy_n(earned_.begin() + static_cast<std::ptrdiff_t>(i * kTrialColumns), count,
                    gradient.begin() + static_cast<std::ptrdiff_t>(i * p_.recurrent + first));
    }
}

template <class Real>
void OnlineGradient<Real>::compute(const Tape<Real>& tape, std::span<const Real> feedback,
                                   const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.recurrent, steps = tape.spikes.steps();
    compute_signals(tape, feedback, regularizer, out);
    sort_by_neuron(
        steps, [&](std::size_t t) { return tape.input->at(t); }, input_);
    sort_by_neuron(
        steps, [&](std::size_t t) { return tape.arriving(t); }, recurrent_);
    std::fill(late_.begin(), late_.end(), false);
    for (const std::uint32_t i : tape.late_inputs) {
        late_[i] = true;
    }
    for (std::size_t first = 0; first < n; first += kTrialColumns) {
        const std::size_t count = std::min(kTrialColumns, n - first);
        const TrialColumns<Real> columns = pack(tape, regularizer, first, count);
        compute_columns(columns, input_, first, count, out.w_in);
        compute_columns(columns, recurrent_, first, count, out.w_rec);
    }
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
