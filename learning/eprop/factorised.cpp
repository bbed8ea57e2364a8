#include "learning/eprop/factorised.hpp"

#include <hwy/cache_control.h>

#include <algorithm>

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
std::size_t columns_in_cache(std::size_t rows, std::size_t neurons) {
    const std::size_t fit = std::max(kCacheBytes / (rows * sizeof(Real)), kLeastColumns);
    return std::min(fit, neurons + kLeastColumns - 1) / kLeastColumns * kLeastColumns;
}

}  // namespace

template <class Real>
ReversePopulation<Real>::ReversePopulation(const LearningPopulation<Real>& population)
    : p_(population),
      c_(population),
      d_(population.size),
      regularizer_(population.size),
      mu_(population.size),
      d_current_(c_.receptors.size()),
      filtered_(population.sources.size()),
      feeds_(population.sources.size()) {
    for (const LearnedProjection& projection : p_.projections) {
        rows_ += projection.rows;
    }
    for (std::size_t r = 0; r < c_.receptors.size(); ++r) {
        if (c_.receptors[r].has_current) {
            d_current_[r].resize(p_.size);
        }
    }
    if (!p_.eligibility.spiking) {
        ones_.assign(p_.size, Real{1});
    }
    if (!c_.is_read_only && rows_ > 0) {
        columns_at_once_ = columns_in_cache<Real>(rows_, p_.size);
        block_.resize(rows_ * columns_at_once_);
    }
}

template <class Real>
void ReversePopulation<Real>::filter_errors(const Tape<Real>& tape) {
    const std::size_t steps = tape.steps;
    for (std::size_t s = 0; s < p_.sources.size(); ++s) {
        const ErrorSource& source = p_.sources[s];
        std::vector<Real>& filtered = filtered_[s];
        filtered.resize(steps * source.size);
        for (std::size_t t = steps; t-- > 0;) {
            for (std::size_t k = 0; k < source.size; ++k) {
                const Real later = t + 1 < steps ? filtered[(t + 1) * source.size + k] : Real{0};
                filtered[t * source.size + k] =
                    p_.eligibility_gain * source.error(tape, t, k) + p_.eligibility_decay * later;
            }
        }
    }
    if (!p_.objective) {
        return;
    }
    const std::vector<Real>& error = tape.objectives[*p_.objective].error;
    own_.resize(steps * p_.size);
    for (std::size_t at = own_.size(); at-- > 0;) {
        const Real later = at + p_.size < own_.size() ? own_[at + p_.size] : Real{0};
        own_[at] = p_.eligibility_gain * error[at] + p_.eligibility_decay * later;
    }
}

template <class Real>
void ReversePopulation<Real>::begin_regularizer(const Tape<Real>& tape,
                                                const RateRegularizer<Real>& regularizer) {
    const std::size_t n = p_.size, steps = tape.steps;
    const PopulationTape<Real>& population = tape.populations[p_.population];
    std::fill(regularizer_.begin(), regularizer_.end(), Real{0});
    if (!p_.regularized) {
        return;
    }
    if (regularizer.form == RegularizerForm::per_trial) {
        const auto duration = static_cast<Real>(steps);
        for (std::size_t j = 0; j < n; ++j) {
            const Real rate = static_cast<Real>(population.spike_count[j]) / duration;
            regularizer_[j] = regularizer.strength * (rate - regularizer.target_per_step) / duration;
        }
        return;
    }
    rate_.assign(n, Real{0});
    pull_.resize(steps * n);
    for (std::size_t t = 0; t < steps; ++t) {
        advance_running_rate<Real>(regularizer, population.events().at(t), rate_,
                                   std::span(pull_).subspan(t * n, n));
    }
}

template <class Real>
void ReversePopulation<Real>::compute(const Tape<Real>& tape, std::span<const std::vector<Real>> feedback,
                                      const RateRegularizer<Real>& regularizer, Gradients<Real>& out) {
    const std::size_t n = p_.size;
    for (auto* state : {&d_, &mu_}) {
        std::fill(state->begin(), state->end(), Real{0});
    }
    for (std::vector<Real>& d : d_current_) {
        std::fill(d.begin(), d.end(), Real{0});
    }
    for (const LearnedProjection& projection : p_.projections) {
        out[index_of(projection.id)].resize(std::size_t{projection.rows} * projection.columns);
    }
    if (c_.is_read_only) {
        compute_read_only(tape, out);
    } else if (rows_ > 0) {
        filter_errors(tape);
        begin_regularizer(tape, regularizer);
        for (std::size_t first = 0; first < n; first += columns_at_once_) {
            compute_columns(tape, feedback, regularizer, first, std::min(columns_at_once_, n - first), out);
        }
    }
    for (const LearnedProjection& projection : p_.projections) {
        for (std::size_t j = 0; !projection.self && j < n; ++j) {
            out[index_of(projection.id)][j * n + j] = Real{0};
        }
    }
}

template <class Real>
void ReversePopulation<Real>::compute_columns(const Tape<Real>& tape,
                                              std::span<const std::vector<Real>> feedback,
                                              const RateRegularizer<Real>& regularizer, std::size_t first,
                                              std::size_t count, Gradients<Real>& out) {
    const std::size_t n = p_.size;
    const bool running = p_.regularized && regularizer.form == RegularizerForm::running_average;
    const std::span pull = std::span(regularizer_).subspan(first, count);
    const std::vector<Real>& slopes = tape.populations[p_.population].pseudo_derivative;
    std::fill(block_.begin(), block_.end(), Real{0});
    currents_.clear();
    for (std::size_t r = 0; r < c_.receptors.size(); ++r) {
        if (c_.receptors[r].has_current) {
            currents_.push_back({.gain = c_.gain.data() + first,
                                 .decay = c_.receptors[r].decay.data() + first,
                                 .d = d_current_[r].data() + first});
        }
    }
    for (std::size_t t = tape.steps; t-- > 0;) {
        if (running) {
            for (std::size_t j = 0; j < count; ++j) {
                pull[j] =
                    (Real{1} - regularizer.decay) * pull_[t * n + first + j] + regularizer.decay * pull[j];
            }
        }
        if (ones_.empty() && t >= kStepsAhead) {  // a stride that hardware does not foresee
            for (std::size_t j = 0; j < count; j += kCacheLineBytes / sizeof(Real)) {
                hwy::Prefetch(&slopes[(t - kStepsAhead) * n + first + j]);
            }
        }
        for (std::size_t s = 0; s < feeds_.size(); ++s) {
            const std::size_t size = p_.sources[s].size;
            feeds_[s] = {.filtered_error = std::span<const Real>(filtered_[s]).subspan(t * size, size),
                         .feedback = feedback[s].data() + first};
        }
        arrived_.clear();
        Real* rows = block_.data();
        for (const LearnedProjection& projection : p_.projections) {
            const std::vector<Real>& current = d_current_[projection.receptor];
            EventRows<Real> arrived{.events = projection.arriving(tape, t),
                                    .values = projection.arriving_values(tape, t),
                                    .d = (current.empty() ? d_ : current).data() + first,
                                    .rows = rows};
            arrived_.push_back(arrived);
            if (projection.bias_arrives(t)) {
                static constexpr std::uint32_t kFirstRow = 0;
                arrived.events = std::span(&kFirstRow, 1);
                arrived.values = {};
                arrived.rows = rows + projection.bias_row() * columns_at_once_;
                arrived_.push_back(arrived);
            }
            rows += projection.rows * columns_at_once_;
        }
        const ReverseStep<Real> step{.psi = ones_.empty() ? std::span(slopes).subspan(t * n + first, count)
                                                          : std::span<const Real>(ones_).first(count),
                                     .sources = feeds_,
                                     .feedback_stride = n,
                                     .gradient_stride = columns_at_once_,
                                     .own = p_.objective
                                                ? std::span<const Real>(own_).subspan(t * n + first, count)
                                                : std::span<const Real>(),
                                     .regularizer = pull,
                                     .alpha = c_.alpha[0],
                                     .d = std::span(d_).subspan(first, count),
                                     .currents = currents_,
                                     .arrived = arrived_};
        if (c_.adaptive || !c_.alike) {
            reverse_step(
                AdaptiveReverseStep<Real>{.base = step,
                                          .alpha_of = std::span<const Real>(c_.alpha).subspan(first, count),
                                          .beta = std::span<const Real>(c_.beta).subspan(first, count),
                                          .rho = p_.eligibility.rho,
                                          .mu = std::span(mu_).subspan(first, count)});
        } else {
            reverse_step(step);
        }
    }
    take_columns(first, count, out);
}

template <class Real>
void ReversePopulation<Real>::take_columns(std::size_t first, std::size_t count, Gradients<Real>& out) const {
    const Real* from = block_.data();
    for (const LearnedProjection& projection : p_.projections) {
        const Real* gain = gain_of(projection).data() + first;
        Real* to = out[index_of(projection.id)].data() + first;
        for (std::size_t row = 0; row < projection.rows; ++row) {
            for (std::size_t j = 0; j < count; ++j) {
                to[j] = from[j] * gain[j];
            }
            from += columns_at_once_;
            to += p_.size;
        }
    }
}

template <class Real>
void ReversePopulation<Real>::compute_read_only(const Tape<Real>& tape, Gradients<Real>& out) {
    const std::size_t n = p_.size;
    const std::vector<Real>& error = tape.objectives[*p_.objective].error;
    for (const LearnedProjection& projection : p_.projections) {
        std::vector<Real>& gradient = out[index_of(projection.id)];
        std::fill(gradient.begin(), gradient.end(), Real{0});
    }
    for (std::size_t t = tape.steps; t-- > 0;) {
        for (std::size_t k = 0; k < n; ++k) {
            d_[k] = error[t * n + k] + c_.alpha[k] * d_[k];
        }
        for (std::size_t r = 0; r < d_current_.size(); ++r) {
            for (std::size_t k = 0; k < d_current_[r].size(); ++k) {
                d_current_[r][k] = c_.gain[k] * d_[k] + c_.receptors[r].decay[k] * d_current_[r][k];
            }
        }
        for (const LearnedProjection& projection : p_.projections) {
            const std::vector<Real>& current = d_current_[projection.receptor];
            const Real* d = (current.empty() ? d_ : current).data();
            Real* gradient = out[index_of(projection.id)].data();
            const std::span<const std::uint32_t> events = projection.arriving(tape, t);
            const std::span<const Real> values = projection.arriving_values(tape, t);
            for (std::size_t e = 0; e < events.size(); ++e) {
                Real* row = gradient + events[e] * n;
                for (std::size_t k = 0; k < n; ++k) {
                    row[k] += values.empty() ? d[k] : values[e] * d[k];
                }
            }
            for (std::size_t k = 0; projection.bias_arrives(t) && k < n; ++k) {
                gradient[projection.bias_row() * n + k] += d[k];
            }
        }
    }
    for (const LearnedProjection& projection : p_.projections) {
        const std::vector<Real>& gain = gain_of(projection);
        std::vector<Real>& gradient = out[index_of(projection.id)];
        for (std::size_t at = 0; at < gradient.size(); ++at) {
            gradient[at] *= gain[at % n];
        }
    }
}

template class ReversePopulation<float>;
template class ReversePopulation<double>;

}  // namespace memprop::learning
