#include "learning/eprop/slice_learner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "crossbar/base/error.hpp"
#include "learning/eprop/learning_signal.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {
namespace {

void require(bool holds, const char* message) {
    if (!holds) {
        throw std::logic_error(message);
    }
}

}  // namespace

template <class Real>
SliceLearner<Real>::SliceLearner(const LearningPopulation<Real>& population, network::Slice slice,
                                 const RateRegularizer<Real>& regularizer)
    : slice_(slice),
      p_(slice_of(population, slice)),
      regularizer_(regularizer),
      running_(p_.regularized && regularizer.form == RegularizerForm::running_average),
      is_read_only_(EligibilityCoefficients<Real>(p_).is_read_only),
      counters_(kCounters),
      signal_(p_.size),
      none_(p_.size) {
    regularizer_.form = running_ ? RegularizerForm::running_average : RegularizerForm::per_trial;
    for (const ErrorSource& source : p_.sources) {
        depth_ = std::max<std::size_t>(depth_, source.delay + std::size_t{1});
    }
    for (const ErrorSource& source : p_.sources) {
        feedback_.emplace_back(std::size_t{source.size} * p_.size);
        errors_.emplace_back(depth_ * source.size);
    }
    for (const LearnedProjection& projection : p_.projections) {
        if (projection.sparse != nullptr) {
            throw InputError(fmt::format("projection {}", index_of(projection.id)), "sparse",
                             "must be a matrix: lists of synapses have no online gradient");
        }
        const Waiting waiting{.rows = std::vector<std::uint32_t>(projection.rows),
                              .values = std::vector<Real>(projection.rows)};
        projections_.push_back({.traces = SynapseTraces<Real>(p_, projection),
                                .gradient = std::vector<Real>(std::size_t{projection.rows} * p_.size),
                                .waiting = std::vector<Waiting>(depth_, waiting),
                                .count = std::vector<std::uint32_t>(depth_),
                                .late = std::vector<std::uint32_t>(projection.rows)});
    }
    own_.resize(p_.objective ? depth_ * p_.size : 0);
    psi_.assign(is_read_only_ ? 0 : depth_ * p_.size, Real{1});
    pull_.resize(is_read_only_ ? 0 : depth_ * p_.size);
    rate_.resize(running_ ? p_.size : 0);
    spike_count_.resize(p_.regularized && !running_ ? p_.size : 0);
}

template <class Real>
void SliceLearner<Real>::begin_trial() {
    for (Projection& projection : projections_) {
        projection.traces.clear();
        std::fill(projection.gradient.begin(), projection.gradient.end(), Real{0});
        std::fill(projection.count.begin(), projection.count.end(), 0U);
    }
    std::fill(rate_.begin(), rate_.end(), Real{0});
    std::fill(spike_count_.begin(), spike_count_.end(), 0U);
    std::fill(counters_.begin(), counters_.end(), 0U);
}

template <class Real>
void SliceLearner<Real>::keep(Projection& projection, const SliceEvents<Real>& events) {
    const std::size_t to = slot(counter(kRecorded)), count = events.rows.size();
    Waiting& waiting = projection.waiting[to];
    if (count > waiting.rows.size()) {
        waiting.rows.resize(count);
        waiting.values.resize(count);
    }
    std::copy(events.rows.begin(), events.rows.end(), waiting.rows.begin());
    if (events.values.empty()) {
        std::fill_n(waiting.values.begin(), count, Real{1});
    } else {
        require(events.values.size() == count, "events of a slice: a value for each, or none");
        std::copy(events.values.begin(), events.values.end(), waiting.values.begin());
    }
    projection.count[to] = static_cast<std::uint32_t>(count);
}

/// Only the last step of a trial is such: one list of rows is enough.
template <class Real>
void SliceLearner<Real>::note_late(std::span<const SliceEvents<Real>> arriving) {
    if (std::all_of(arriving.begin(), arriving.end(),
                    [](const auto& events) { return events.late.empty(); })) {
        return;
    }
    for (std::size_t w = 0; w < projections_.size(); ++w) {
        std::vector<std::uint32_t>& late = projections_[w].late;
        std::fill(late.begin(), late.end(), 0U);
        for (const std::uint32_t row : arriving[w].late) {
            late.at(row) = 1;
        }
    }
    counter(kLateStep) = counter(kRecorded) + 1;
}

/// Memory can be written from outside.
template <class Real>
void SliceLearner<Real>::check_steps() const {
    const std::uint32_t recorded = counters_[kRecorded], told = counters_[kTold],
                        learned = counters_[kLearned];
    if (learned > told || told > recorded || recorded - learned > depth_) {
        throw InputError("steps of a slice",
                         fmt::format("{} recorded, {} told, {} learned", recorded, told, learned),
                         fmt::format("must descend, and at most {} wait", depth_));
    }
}

template <class Real>
void SliceLearner<Real>::record(const SliceStep<Real>& step) {
    check_steps();
    const std::size_t now = counter(kRecorded);
    require(now == counter(kTold), "a slice learns: the errors of the last step are still awaited");
    require(step.arriving.size() == projections_.size(), "a step of a slice has events for every projection");
    for (std::size_t w = 0; w < projections_.size(); ++w) {
        keep(projections_[w], step.arriving[w]);
    }
    note_late(step.arriving);
    if (p_.eligibility.spiking && !is_read_only_) {
        require(step.psi.size() == p_.size, "a step of a slice has a pseudo-derivative for every neuron");
        std::copy(step.psi.begin(), step.psi.end(), at(psi_, now).begin());
    }
    if (running_) {
        advance_running_rate<Real>(regularizer_, step.spikes, rate_, at(pull_, now));
    } else if (p_.regularized) {
        for (const std::uint32_t j : step.spikes) {
            ++spike_count_.at(j);
        }
    }
    ++counter(kRecorded);
}

template <class Real>
void SliceLearner<Real>::learn(const SliceErrors<Real>& errors) {
    check_steps();
    const std::size_t now = counter(kTold);
    require(now + 1 == counter(kRecorded), "a slice learns: errors of a step that has not been recorded");
    require(errors.sources.size() == errors_.size(), "a slice learns: errors from every source");
    for (std::size_t s = 0; s < errors_.size(); ++s) {
        const std::size_t size = p_.sources[s].size;
        require(errors.sources[s].size() == size, "a slice learns: an error of every readout");
        std::copy(errors.sources[s].begin(), errors.sources[s].end(),
                  errors_[s].begin() + static_cast<std::ptrdiff_t>(slot(now) * size));
    }
    if (p_.objective) {
        require(errors.own.size() == p_.size, "a slice learns: an error of every neuron that is read");
        std::copy(errors.own.begin(), errors.own.end(), at(own_, now).begin());
    }
    ++counter(kTold);
    if (counter(kTold) - counter(kLearned) >= depth_) {
        learn_from(counter(kLearned)++);
    }
}

template <class Real>
void SliceLearner<Real>::compute_signal(std::size_t step) {
    std::fill(signal_.begin(), signal_.end(), Real{0});
    for (std::size_t s = 0; s < errors_.size(); ++s) {
        const ErrorSource& source = p_.sources[s];
        const std::size_t of = step + source.delay;
        for (std::size_t k = 0; of < counter(kTold) && k < source.size; ++k) {
            add_feedback(errors_[s][slot(of) * source.size + k], feedback_[s].data() + k * p_.size,
                         std::span(signal_));
        }
    }
    const std::span<const Real> own = p_.objective ? at(own_, step) : std::span<Real>();
    for (std::size_t j = 0; j < own.size(); ++j) {
        signal_[j] += own[j];
    }
}

template <class Real>
void SliceLearner<Real>::learn_projection(std::size_t w, std::size_t step) {
    Projection& projection = projections_[w];
    const Waiting& waiting = projection.waiting[slot(step)];
    const std::uint32_t count = projection.count[slot(step)], rows = p_.projections[w].rows;
    if (count > waiting.rows.size()) {
        throw InputError("waiting events", count, fmt::format("must be at most {}", waiting.rows.size()));
    }
    const auto events = std::span(waiting.rows).first(count);
    const auto out = std::find_if(events.begin(), events.end(), [&](std::uint32_t i) { return i >= rows; });
    if (out != events.end()) {
        throw InputError("row of an event", *out, fmt::format("must be below {}", rows));
    }
    projection.traces.filter_events(events, std::span(waiting.values).first(count),
                                    p_.projections[w].bias_arrives(step));
    if (is_read_only_) {
        projection.traces.learn_all(signal_, projection.gradient);
        return;
    }
    const bool some_late = counter(kLateStep) == step + 1;
    for (std::uint32_t i = 0; i < rows; ++i) {
        if (projection.traces.awake(i)) {
            const bool misses = some_late && projection.late[i] != 0;
            projection.traces.learn(
                regularizer_, i, at(psi_, step), misses ? none_ : signal_, at(pull_, step),
                std::span(projection.gradient).subspan(std::size_t{i} * p_.size, p_.size));
        }
    }
}

template <class Real>
void SliceLearner<Real>::learn_from(std::size_t step) {
    compute_signal(step);
    for (std::size_t w = 0; w < projections_.size(); ++w) {
        learn_projection(w, step);
    }
}

template <class Real>
void SliceLearner<Real>::end_trial() {
    check_steps();
    require(counter(kRecorded) == counter(kTold), "a slice learns: the errors of the last step are missing");
    while (counter(kLearned) < counter(kRecorded)) {
        learn_from(counter(kLearned)++);
    }
    std::fill(signal_.begin(), signal_.end(), Real{0});  // now the rate errors
    for (std::size_t j = 0; j < spike_count_.size(); ++j) {
        signal_[j] = trial_rate_error(regularizer_, spike_count_[j], counter(kRecorded));
    }
    for (std::size_t w = 0; w < projections_.size(); ++w) {
        std::vector<Real>& gradient = projections_[w].gradient;
        const std::span<const Real> sum_e = projections_[w].traces.sum_e();
        for (std::size_t at = 0; !spike_count_.empty() && at < gradient.size(); ++at) {
            gradient[at] += signal_[at % p_.size] * sum_e[at];
        }
        for (std::size_t j = 0; !p_.projections[w].self && j < p_.size; ++j) {
            gradient[(slice_.first + j) * p_.size + j] = Real{0};
        }
    }
}

template <class Real>
void SliceLearner<Real>::serialize(StateArchive& archive) {
    archive("steps", counters_);
    for (std::size_t s = 0; s < errors_.size(); ++s) {
        archive.enter("source" + std::to_string(s));
        archive("feedback", feedback_[s]);
        archive("errors", errors_[s]);
        archive.leave();
    }
    archive("own_errors", own_);
    archive("psi", psi_);
    archive("pull", pull_);
    archive("rate", rate_);
    archive("spike_count", spike_count_);
    for (std::size_t w = 0; w < projections_.size(); ++w) {
        Projection& projection = projections_[w];
        archive.enter("projection" + std::to_string(w));
        projection.traces.serialize(archive);
        archive("gradient", projection.gradient);
        archive("late", projection.late);
        archive("events", projection.count);
        for (std::size_t at = 0; at < depth_; ++at) {
            archive.enter("waiting" + std::to_string(at));
            archive("rows", projection.waiting[at].rows);
            archive("values", projection.waiting[at].values);
            archive.leave();
        }
        archive.leave();
    }
}

template <class Real>
std::vector<SliceMemory> SliceLearner<Real>::memories() {
    MemoryList list;
    serialize(list);
    return list.take();
}

template class SliceLearner<float>;
template class SliceLearner<double>;

}  // namespace memprop::learning
