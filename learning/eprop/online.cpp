#include "learning/eprop/online.hpp"

#include <algorithm>

#include "learning/eprop/arrivals.hpp"
#include "learning/eprop/factorised.hpp"
#include "learning/eprop/learning_signal.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {

template <class Real>
void EventTimes<Real>::fill(const Tape<Real>& tape, const LearnedProjection& projection) {
    constexpr Real kOne{1};
    const Arrivals<Real> arrivals(tape, projection);
    const auto for_each_event = [&](std::size_t t, auto&& f) {
        const std::span<const std::uint32_t> events = arrivals.at(t);
        const std::span<const Real> given = arrivals.values_at(t);
        for (std::size_t e = 0; e < events.size(); ++e) {
            f(events[e], given.empty() ? kOne : given[e]);
        }
        if (projection.bias_arrives(t)) {
            f(projection.bias_row(), kOne);
        }
    };
    const bool graded = arrivals.graded();
    first.assign(projection.rows + std::size_t{1}, 0U);
    for (std::size_t t = 0; t < tape.steps; ++t) {
        for_each_event(t, [&](std::uint32_t i, Real) { ++first[i]; });
    }
    std::uint32_t end = 0;
    for (std::uint32_t& count : first) {
        end += count;
        count = end;  // where the neuron's steps end, and begin once they are filled in from behind
    }
    steps.resize(end);
    values.resize(graded ? end : 0);
    for (std::size_t t = tape.steps; t-- > 0;) {
        for_each_event(t, [&](std::uint32_t i, Real value) {
            steps[--first[i]] = static_cast<std::uint32_t>(t);
            if (graded) {
                values[first[i]] = value;
            }
        });
    }
}

template <class Real>
OnlinePopulation<Real>::OnlinePopulation(const LearningPopulation<Real>& population)
    : p_(population),
      c_(population),
      times_(population.projections.size()),
      late_(population.projections.size()),
      rate_(population.size) {
    for (const LearnedProjection& projection : p_.projections) {
        if (c_.is_read_only) {
            read_.emplace_back(p_, projection);
        }
    }
}

template <class Real>
void OnlinePopulation<Real>::compute_signals(const Tape<Real>& tape,
                                             std::span<const std::vector<Real>> feedback,
                                             const RateRegularizer<Real>& regularizer) {
    const std::size_t n = p_.size, steps = tape.steps;
    const bool running = p_.regularized && regularizer.form == RegularizerForm::running_average;
    signal_.assign(steps * n, Real{0});
    pull_.resize(running ? steps * n : 0);
    std::fill(rate_.begin(), rate_.end(), Real{0});
    for (std::size_t t = 0; t < steps; ++t) {
        const std::span<Real> signal = std::span(signal_).subspan(t * n, n);
        for (std::size_t s = 0; s < p_.sources.size(); ++s) {
            for (std::size_t k = 0; k < p_.sources[s].size; ++k) {
                add_feedback(p_.sources[s].error(tape, t, k), feedback[s].data() + k * n, signal);
            }
        }
        for (std::size_t j = 0; p_.objective && j < n; ++j) {
            signal[j] += tape.objectives[*p_.objective].error[t * n + j];
        }
        if (running) {
            advance_running_rate<Real>(regularizer, tape.populations[p_.population].events().at(t), rate_,
                                       std::span(pull_).subspan(t * n, n));
        }
    }
}

template <class Real>
TrialColumns<Real> OnlinePopulation<Real>::pack(const Tape<Real>& tape,
                                                const RateRegularizer<Real>& regularizer, std::size_t first,
                                                std::size_t count) {
    const std::size_t n = p_.size, steps = tape.steps;
    const PopulationTape<Real>& population = tape.populations[p_.population];
    const bool running = p_.regularized && regularizer.form == RegularizerForm::running_average;
    const auto take = [&](const auto& from, std::size_t at, Real* to) {
        std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at + first), count, to);
    };
    const std::size_t rows = running ? 3 : 2;
    steps_.assign(steps * rows * kTrialColumns, Real{0});
    for (std::size_t t = 0; t < steps; ++t) {
        Real* to = steps_.data() + t * rows * kTrialColumns;
        if (p_.eligibility.spiking) {
            take(population.pseudo_derivative, t * n, to);
        } else {
            std::fill_n(to, count, Real{1});
        }
        take(signal_, t * n, to + kTrialColumns);
        if (running) {
            take(pull_, t * n, to + 2 * kTrialColumns);
        }
    }
    take(c_.beta, 0, beta_.data());
    take(c_.alpha, 0, alpha_of_.data());
    take(c_.gain, 0, gain_of_.data());
    for (std::size_t j = 0; p_.regularized && !running && j < count; ++j) {
        rate_error_[j] = trial_rate_error(regularizer, population.spike_count[first + j], steps);
    }
    return {.steps = steps_.data(),
            .step_count = steps,
            .beta = c_.adaptive ? beta_.data() : nullptr,
            .alpha_of = c_.alike ? nullptr : alpha_of_.data(),
            .gain_of = c_.alike ? nullptr : gain_of_.data(),
            .decay_of = nullptr,
            .current_of = nullptr,
            .rate_error = running ? nullptr : rate_error_.data(),
            .alpha = c_.alpha[0],
            .gain_in = c_.gain[0],
            .rho = p_.eligibility.rho,
            .kappa = p_.eligibility_decay,
            .gain = p_.eligibility_gain,
            .er_keep = regularizer.decay,
            .er_gain = Real{1} - regularizer.decay};
}

template <class Real>
TrialColumns<Real> OnlinePopulation<Real>::at_receptor(TrialColumns<Real> columns, std::size_t receptor,
                                                       std::size_t first, std::size_t count) {
    const auto& r = c_.receptors[receptor];
    if (r.has_current) {
        const auto at = static_cast<std::ptrdiff_t>(first);
        std::copy_n(r.decay.begin() + at, count, decay_of_.begin());
        std::copy_n(r.gain.begin() + at, count, current_of_.begin());
        columns.decay_of = decay_of_.data();
        columns.current_of = current_of_.data();
        columns.alpha_of = alpha_of_.data();
        columns.gain_of = gain_of_.data();
    }
    return columns;
}

template <class Real>
void OnlinePopulation<Real>::compute_columns(const TrialColumns<Real>& columns, std::size_t projection,
                                             std::size_t first, std::size_t count,
                                             std::vector<Real>& gradient) {
    const EventTimes<Real>& times = times_[projection];
    const std::size_t pre = p_.projections[projection].rows;
    earned_.assign(pre * kTrialColumns, Real{0});
    rows_.clear();
    for (std::size_t i = 0; i < pre; ++i) {
        if (const auto events = times.of(i); !events.empty()) {
            rows_.push_back({.spikes = events,
                             .values = times.values_of(i),
                             .without_last_error = late_[projection][i],
                             .gradient = earned_.data() + i * kTrialColumns});
        }
    }
    compute_trial(columns, rows_);
    for (std::size_t i = 0; i < pre; ++i) {
        std::copy_n(earned_.begin() + static_cast<std::ptrdiff_t>(i * kTrialColumns), count,
                    gradient.begin() + static_cast<std::ptrdiff_t>(i * p_.size + first));
    }
}

template <class Real>
void OnlinePopulation<Real>::compute_read_only(const Tape<Real>& tape, Gradients<Real>& out) {
    const std::span<const Real> error = tape.objectives[*p_.objective].error;
    for (std::size_t w = 0; w < read_.size(); ++w) {
        const LearnedProjection& projection = p_.projections[w];
        std::vector<Real>& gradient = out[index_of(projection.id)];
        std::fill(gradient.begin(), gradient.end(), Real{0});
        const Arrivals<Real> arrivals(tape, projection);
        read_[w].clear();
        for (std::size_t t = 0; t < tape.steps; ++t) {
            read_[w].filter_events(arrivals.at(t), arrivals.values_at(t), projection.bias_arrives(t));
            read_[w].learn_all(error.subspan(t * p_.size, p_.size), gradient);
        }
    }
}

template <class Real>
void OnlinePopulation<Real>::compute(const Tape<Real>& tape, std::span<const std::vector<Real>> feedback,
                                     const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.size;
    for (const LearnedProjection& projection : p_.projections) {
        out[index_of(projection.id)].resize(std::size_t{projection.rows} * projection.columns);
    }
    if (c_.is_read_only) {
        compute_read_only(tape, out);
    } else {
        compute_signals(tape, feedback, regularizer);
        for (std::size_t w = 0; w < times_.size(); ++w) {
            const LearnedProjection& projection = p_.projections[w];
            times_[w].fill(tape, projection);
            late_[w].assign(projection.rows, false);
            for (const std::uint32_t i : tape.populations[projection.from].late) {
                late_[w][i] = true;
            }
        }
        for (std::size_t first = 0; first < n; first += kTrialColumns) {
            const std::size_t count = std::min(kTrialColumns, n - first);
            const TrialColumns<Real> columns = pack(tape, regularizer, first, count);
            for (std::size_t w = 0; w < times_.size(); ++w) {
                const LearnedProjection& projection = p_.projections[w];
                compute_columns(at_receptor(columns, projection.receptor, first, count), w, first, count,
                                out[index_of(projection.id)]);
            }
        }
    }
    for (const LearnedProjection& projection : p_.projections) {
        for (std::size_t j = 0; !projection.self && j < n; ++j) {
            out[index_of(projection.id)][j * n + j] = Real{0};
        }
    }
}

template struct EventTimes<float>;
template struct EventTimes<double>;
template class OnlinePopulation<float>;
template class OnlinePopulation<double>;

template <class Real>
std::unique_ptr<Gradient<Real>> make_gradient(GradientForm form, const EpropPlan<Real>& plan) {
    if (form == GradientForm::online) {
        return std::make_unique<OnlineGradient<Real>>(plan);
    }
    return std::make_unique<FactorisedGradient<Real>>(plan);
}

template std::unique_ptr<Gradient<float>> make_gradient(GradientForm, const EpropPlan<float>&);
template std::unique_ptr<Gradient<double>> make_gradient(GradientForm, const EpropPlan<double>&);

}  // namespace memprop::learning
