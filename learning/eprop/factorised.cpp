#include "learning/eprop/factorised.hpp"

#include <hwy/cache_control.h>

#include <algorithm>

#include "learning/eprop/running_rate.hpp"
#include "learning/network/connect/sparse_sums.hpp"

namespace memprop::learning {
namespace {

constexpr std::size_t kCacheBytes = 512U << 10U;  // half of a common second-level cache
constexpr std::size_t kCacheLineBytes = 64;
constexpr std::size_t kStepsAhead = 8;  // of pseudo-derivatives that are prefetched

std::size_t padded(std::size_t columns) {
    return (columns + kPaddedColumns - 1) / kPaddedColumns * kPaddedColumns;
}

/// Spikes add to rows all over the gradients, so these are made in blocks of columns that stay in the cache
/// for the whole trial. Results do not depend on it.
template <class Real>
std::size_t columns_in_cache(std::size_t rows, std::size_t neurons) {
    const std::size_t fit = std::max(kCacheBytes / (rows * sizeof(Real)), kPaddedColumns);
    return std::min(fit / kPaddedColumns * kPaddedColumns, padded(neurons));
}

/// Of few neurons: nothing is padded.
template <class Real>
void add_events(const EventRows<Real>& a, std::size_t n) {
    const Real* __restrict d = a.d;
    Real* __restrict rows = a.rows;
    if (!a.values.empty()) {
        for (std::size_t e = 0; e < a.events.size(); ++e) {
            for (std::size_t k = 0; k < n; ++k) {
                rows[a.events[e] * n + k] += a.values[e] * d[k];
            }
        }
        return;
    }
    for (const std::uint32_t i : a.events) {
        for (std::size_t k = 0; k < n; ++k) {
            rows[i * n + k] += d[k];
        }
    }
}

constexpr std::uint32_t kFirstRow = 0;

}  // namespace

template <class Real>
ReversePopulation<Real>::ReversePopulation(const LearningPopulation<Real>& population)
    : p_(population),
      c_(population),
      d_(padded(population.size)),
      regularizer_(population.size),
      mu_(population.size),
      d_current_(c_.receptors.size()),
      filtered_(population.sources.size()) {
    for (const LearnedProjection& projection : p_.projections) {
        has_lists_ = has_lists_ || projection.sparse != nullptr;
        rows_ += projection.sparse == nullptr ? projection.rows : 0;
    }
    for (std::size_t r = 0; r < c_.receptors.size(); ++r) {
        if (c_.receptors[r].has_current) {
            d_current_[r].resize(padded(p_.size));
        }
    }
    if (!p_.eligibility.spiking) {
        ones_.assign(p_.size, Real{1});
    }
    if (!c_.is_read_only && !p_.projections.empty()) {
        columns_at_once_ = has_lists_ ? padded(p_.size) : columns_in_cache<Real>(rows_, p_.size);
        block_.resize(rows_ * columns_at_once_);
    }
}

template <class Real>
void ReversePopulation<Real>::filter_errors(const Tape<Real>& tape, std::size_t t) {
    const Real gain = p_.eligibility_gain, decay = p_.eligibility_decay;
    const bool last = t + 1 == tape.steps;
    for (std::size_t s = 0; s < p_.sources.size(); ++s) {
        const ErrorSource& source = p_.sources[s];
        Real* now = filtered_[s].data() + t * source.size;
        for (std::size_t k = 0; k < source.size; ++k) {
            now[k] = gain * source.error(tape, t, k) + decay * (last ? Real{0} : now[source.size + k]);
        }
    }
    if (p_.objective) {
        const Real* error = tape.objectives[*p_.objective].error.data() + t * p_.size;
        Real* now = own_.data() + t * p_.size;
        for (std::size_t j = 0; j < p_.size; ++j) {
            now[j] = gain * error[j] + decay * (last ? Real{0} : now[p_.size + j]);
        }
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
        for (std::size_t j = 0; j < n; ++j) {
            regularizer_[j] = trial_rate_error(regularizer, population.spike_count[j], steps);
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
    for (AlignedVector<Real>& d : d_current_) {
        std::fill(d.begin(), d.end(), Real{0});
    }
    arrivals_.clear();
    for (const LearnedProjection& projection : p_.projections) {
        std::vector<Real>& gradient = out[index_of(projection.id)];
        if (projection.sparse != nullptr) {
            gradient.assign(projection.sparse->column.size(), Real{0});
        } else {
            gradient.resize(std::size_t{projection.rows} * projection.columns);
        }
        arrivals_.emplace_back(tape, projection);
    }
    if (c_.is_read_only) {
        compute_read_only(tape, out);
    } else if (!p_.projections.empty()) {
        for (std::size_t s = 0; s < p_.sources.size(); ++s) {
            filtered_[s].resize(tape.steps * p_.sources[s].size);
        }
        own_.resize(p_.objective ? tape.steps * n : 0);
        begin_regularizer(tape, regularizer);
        for (std::size_t first = 0; first < n; first += columns_at_once_) {
            compute_columns(tape, feedback, regularizer, first, std::min(columns_at_once_, n - first), out);
        }
    }
    scale_synapses(out);
    for (const LearnedProjection& projection : p_.projections) {
        const bool has_diagonal = !projection.self && projection.sparse == nullptr;
        for (std::size_t j = 0; has_diagonal && j < n; ++j) {
            out[index_of(projection.id)][j * n + j] = Real{0};
        }
    }
}

/// What of a step over the neurons from `first` on does not depend on the step.
template <class Real>
ReverseStep<Real> ReversePopulation<Real>::begin_columns(std::size_t first, std::size_t count) {
    std::fill(block_.begin(), block_.end(), Real{0});
    feeds_.resize(p_.sources.size());
    currents_.clear();
    for (std::size_t r = 0; r < c_.receptors.size(); ++r) {
        if (c_.receptors[r].has_current) {
            currents_.push_back({.gain = c_.gain.data() + first,
                                 .decay = c_.receptors[r].decay.data() + first,
                                 .d = d_current_[r].data() + first});
        }
    }
    arrived_.clear();
    Real* rows = block_.data();
    for (const LearnedProjection& projection : p_.projections) {
        if (projection.sparse != nullptr) {
            continue;
        }
        const Real* d = d_of(projection).data() + first;
        arrived_.push_back({.events = {}, .values = {}, .d = d, .rows = rows});
        if (projection.bias) {
            arrived_.push_back({.events = {},
                                .values = {},
                                .d = d,
                                .rows = rows + projection.bias_row() * columns_at_once_});
        }
        rows += projection.rows * columns_at_once_;
    }
    const bool own_alpha = c_.adaptive || !c_.alike;
    return {.count = count,
            .psi = ones_.data(),
            .sources = feeds_,
            .feedback_stride = p_.size,
            .gradient_stride = columns_at_once_,
            .own = nullptr,
            .regularizer = regularizer_.data() + first,
            .d = d_.data() + first,
            .alpha = c_.alpha[0],
            .alpha_of = own_alpha ? c_.alpha.data() + first : nullptr,
            .beta = c_.beta.data() + first,
            .rho = p_.eligibility.rho,
            .mu = mu_.data() + first,
            .currents = currents_,
            .arrived = arrived_};
}

template <class Real>
void ReversePopulation<Real>::compute_columns(const Tape<Real>& tape,
                                              std::span<const std::vector<Real>> feedback,
                                              const RateRegularizer<Real>& regularizer, std::size_t first,
                                              std::size_t count, Gradients<Real>& out) {
    const std::size_t n = p_.size;
    const bool running = p_.regularized && regularizer.form == RegularizerForm::running_average;
    const bool spiking = p_.eligibility.spiking;
    const std::span pull = std::span(regularizer_).subspan(first, count);
    const std::vector<Real>& slopes = tape.populations[p_.population].pseudo_derivative;
    ReverseStep<Real> step = begin_columns(first, count);
    for (std::size_t s = 0; s < feeds_.size(); ++s) {
        feeds_[s].feedback = feedback[s].data() + first;
    }
    for (std::size_t t = tape.steps; t-- > 0;) {
        if (first == 0) {
            filter_errors(tape, t);
        }
        if (running) {
            for (std::size_t j = 0; j < count; ++j) {
                pull[j] =
                    (Real{1} - regularizer.decay) * pull_[t * n + first + j] + regularizer.decay * pull[j];
            }
        }
        if (spiking && t >= kStepsAhead) {  // a stride that hardware does not foresee
            for (std::size_t j = 0; j < count; j += kCacheLineBytes / sizeof(Real)) {
                hwy::Prefetch(&slopes[(t - kStepsAhead) * n + first + j]);
            }
        }
        for (std::size_t s = 0; s < feeds_.size(); ++s) {
            const std::size_t size = p_.sources[s].size;
            feeds_[s].filtered_error = {filtered_[s].data() + t * size, size};
        }
        EventRows<Real>* arrived = arrived_.data();
        for (std::size_t w = 0; w < arrivals_.size(); ++w) {
            if (p_.projections[w].sparse != nullptr) {
                continue;
            }
            arrived->events = arrivals_[w].at(t);
            arrived->values = arrivals_[w].values_at(t);
            ++arrived;
            if (p_.projections[w].bias) {
                arrived->events = {&kFirstRow, p_.projections[w].bias_arrives(t) ? 1U : 0U};
                ++arrived;
            }
        }
        step.psi = spiking ? slopes.data() + t * n + first : step.psi;
        step.own = p_.objective ? own_.data() + t * n + first : nullptr;
        reverse_step(step);
        for (std::size_t w = 0; has_lists_ && w < arrivals_.size(); ++w) {
            add_to_synapses(w, t, out);
        }
    }
    take_columns(first, count, out);
}

template <class Real>
void ReversePopulation<Real>::take_columns(std::size_t first, std::size_t count, Gradients<Real>& out) const {
    const Real* from = block_.data();
    for (const LearnedProjection& projection : p_.projections) {
        if (projection.sparse != nullptr) {
            continue;
        }
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
void ReversePopulation<Real>::add_to_synapses(std::size_t w, std::size_t t, Gradients<Real>& out) const {
    const LearnedProjection& projection = p_.projections[w];
    if (projection.sparse == nullptr) {
        return;
    }
    const network::SynapseLists lists(*projection.sparse);
    const Real* d = d_of(projection).data();
    Real* gradient = out[index_of(projection.id)].data();
    const std::span<const Real> values = arrivals_[w].values_at(t);
    std::size_t e = 0;
    for (const std::uint32_t i : arrivals_[w].at(t)) {
        const Real value = values.empty() ? Real{1} : values[e++];
        lists.for_each(i, [&](std::uint64_t s, std::uint32_t j) { gradient[s] += value * d[j]; });
    }
    if (projection.bias_arrives(t)) {
        lists.for_each(projection.bias_row(), [&](std::uint64_t s, std::uint32_t j) { gradient[s] += d[j]; });
    }
}

template <class Real>
void ReversePopulation<Real>::scale_synapses(Gradients<Real>& out) const {
    for (const LearnedProjection& projection : p_.projections) {
        if (projection.sparse == nullptr) {
            continue;
        }
        const network::SynapseLists lists(*projection.sparse);
        const AlignedVector<Real>& gain = gain_of(projection);
        std::vector<Real>& gradient = out[index_of(projection.id)];
        for (std::uint32_t row = 0; row < projection.rows; ++row) {
            lists.for_each(row, [&](std::uint64_t s, std::uint32_t j) {
                gradient[s] = !projection.self && j == row ? Real{0} : gradient[s] * gain[j];
            });
        }
    }
}

template <class Real>
void ReversePopulation<Real>::compute_read_only(const Tape<Real>& tape, Gradients<Real>& out) {
    const std::size_t n = p_.size;
    const std::vector<Real>& error = tape.objectives[*p_.objective].error;
    arrived_.clear();
    for (const LearnedProjection& projection : p_.projections) {
        std::vector<Real>& gradient = out[index_of(projection.id)];
        std::fill(gradient.begin(), gradient.end(), Real{0});
        arrived_.push_back(
            {.events = {}, .values = {}, .d = d_of(projection).data(), .rows = gradient.data()});
    }
    const Real* alpha = c_.alpha.data();
    Real* d = d_.data();
    for (std::size_t t = tape.steps; t-- > 0;) {
        const Real* now = error.data() + t * n;
        for (std::size_t k = 0; k < n; ++k) {
            d[k] = now[k] + alpha[k] * d[k];
        }
        for (std::size_t r = 0; r < d_current_.size(); ++r) {
            for (std::size_t k = 0; c_.receptors[r].has_current && k < n; ++k) {
                d_current_[r][k] = c_.gain[k] * d[k] + c_.receptors[r].decay[k] * d_current_[r][k];
            }
        }
        for (std::size_t w = 0; w < arrivals_.size(); ++w) {
            const LearnedProjection& projection = p_.projections[w];
            if (projection.sparse != nullptr) {
                add_to_synapses(w, t, out);
                continue;
            }
            EventRows<Real> to = arrived_[w];
            to.events = arrivals_[w].at(t);
            to.values = arrivals_[w].values_at(t);
            add_events(to, n);
            if (projection.bias_arrives(t)) {
                add_events<Real>({.events = {&kFirstRow, 1},
                                  .values = {},
                                  .d = to.d,
                                  .rows = to.rows + projection.bias_row() * n},
                                 n);
            }
        }
    }
    for (const LearnedProjection& projection : p_.projections) {
        const AlignedVector<Real>& gain = gain_of(projection);
        std::vector<Real>& gradient = out[index_of(projection.id)];
        for (std::size_t row = 0; projection.sparse == nullptr && row < projection.rows; ++row) {
            for (std::size_t k = 0; k < n; ++k) {
                gradient[row * n + k] *= gain[k];
            }
        }
    }
}

template class ReversePopulation<float>;
template class ReversePopulation<double>;

}  // namespace memprop::learning
