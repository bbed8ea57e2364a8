#include "learning/eprop/step_learner.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "crossbar/base/error.hpp"
#include "learning/eprop/running_rate.hpp"

namespace memprop::learning {
namespace {

/// Sums that wait for a delay behind their weights were made when their events set out: synapses onto a
/// population that is read learn from the events of that step.
template <class Real>
std::uint32_t shift_of(const LearningPopulation<Real>& population) {
    const auto& projections = population.projections;
    if (!EligibilityCoefficients<Real>(population).is_read_only || projections.empty()) {
        return 0;
    }
    const std::uint32_t delay = projections.front().delay;
    const bool all = std::all_of(projections.begin(), projections.end(), [&](const LearnedProjection& p) {
        return !p.counts_carried && p.delay == delay;
    });
    return all ? delay : 0;
}

}  // namespace

template <class Real>
StepLearner<Real>::StepLearner(const RuleContext<Real>& context)
    : keeps_state_(context.keeps_state),
      feedback_(*context.feedback),
      regularizer_(context.regularizer),
      every_(static_cast<std::uint64_t>(context.learning.update_every_steps)),
      cutoff_(static_cast<std::uint64_t>(context.learning.trace_cutoff_steps)),
      start_(static_cast<std::uint64_t>(context.learning.optimizer_start)),
      optimizers_(context.optimizers.begin(), context.optimizers.end()),
      write_(context.write),
      changes_(context.all_projections) {
    for (const LearningPopulation<Real>& population : *context.plan) {
        const std::uint32_t shift = shift_of(population);
        depth_ = std::max<std::size_t>(depth_, shift + std::size_t{1});
        for (const ErrorSource& source : population.sources) {
            depth_ = std::max<std::size_t>(depth_, source.delay + std::size_t{1});
        }
        for (LearnedProjection projection : population.projections) {
            projection.delay -= shift;
            const auto synapses =
                std::find_if(context.projections.begin(), context.projections.end(),
                             [&](const RuleProjection& p) { return p.id == projection.id; });
            learned_.push_back({.population = populations_.size(),
                                .projection = projection,
                                .synapses = *synapses,
                                .traces = SynapseTraces<Real>(population, projection)});
            Learned& learned = learned_.back();
            learned.sum.resize(std::size_t{projection.rows} * projection.columns);
            learned.change.resize(learned.sum.size());
            learned.last_spike.resize(projection.rows);
            learned.spikes_next.resize(projection.rows);
            optimizers_[index_of(projection.id)]->count_rows(projection.rows);
        }
        populations_.push_back({.plan = population,
                                .shift = shift,
                                .is_read = population.objective && !population.eligibility.spiking,
                                .rate = std::vector<Real>(population.size)});
    }
    queue_.push_back(empty_step());  // the step before the run: synapses of step 1's spikes count it
}

template <class Real>
typename StepLearner<Real>::Step StepLearner<Real>::empty_step() {
    Step step;
    if (!spare_.empty()) {
        step = std::move(spare_.back());
        spare_.pop_back();
    }
    step.populations.resize(populations_.size());
    step.arriving.resize(learned_.size());
    for (std::size_t p = 0; p < populations_.size(); ++p) {
        PopulationStep& population = step.populations[p];
        for (auto* values : {&population.psi, &population.signal, &population.pull}) {
            values->assign(populations_[p].plan.size, Real{0});
        }
    }
    for (ArrivingEvents& arriving : step.arriving) {
        arriving.events.clear();
        arriving.values.clear();
    }
    return step;
}

template <class Real>
void StepLearner<Real>::begin_trial() {
    if (keeps_state_ || steps_ == 0) {
        return;
    }
    for (Learned& learned : learned_) {
        learned.traces.clear();
        std::fill(learned.last_spike.begin(), learned.last_spike.end(), 0U);
    }
    for (Population& population : populations_) {
        std::fill(population.rate.begin(), population.rate.end(), Real{0});
    }
}

template <class Real>
void StepLearner<Real>::before_step(const Tape<Real>&, std::size_t) {
    if (queue_.size() >= depth_) {
        learn_from_oldest();
    }
}

template <class Real>
void StepLearner<Real>::copy_events(const Tape<Real>& tape, std::size_t t, Step& step) {
    for (std::size_t w = 0; w < learned_.size(); ++w) {
        const LearnedProjection& projection = learned_[w].projection;
        const Arrivals<Real> arrivals(tape, projection);
        const auto events = arrivals.at(t);
        const auto values = arrivals.values_at(t);
        ArrivingEvents& to = step.arriving[w];
        to.events.assign(events.begin(), events.end());
        to.values.assign(values.begin(), values.end());
        if (first_event_ == 0 && !to.events.empty()) {
            first_event_ = steps_;
        }
        if (projection.bias_arrives(t)) {
            if (arrivals.graded()) {
                to.values.resize(to.events.size(), Real{1});
                to.values.push_back(Real{1});
            }
            to.events.push_back(projection.bias_row());
        }
    }
}

template <class Real>
void StepLearner<Real>::after_step(const Tape<Real>& tape, std::size_t t) {
    ++steps_;
    Step step = empty_step();
    copy_events(tape, t, step);
    for (std::size_t p = 0; p < populations_.size(); ++p) {
        Population& population = populations_[p];
        const PopulationTape<Real>& own = tape.populations[population.plan.population];
        const std::size_t n = population.plan.size;
        if (population.plan.eligibility.spiking) {
            std::copy_n(own.pseudo_derivative.begin() + static_cast<std::ptrdiff_t>(t * n), n,
                        step.populations[p].psi.begin());
        } else {
            std::fill(step.populations[p].psi.begin(), step.populations[p].psi.end(), Real{1});
        }
        if (population.plan.regularized && regularizer_.form == RegularizerForm::running_average) {
            advance_running_rate<Real>(regularizer_, own.events().at(t), population.rate,
                                       step.populations[p].pull);
        }
    }
    queue_.push_back(std::move(step));
    give_errors(tape, t);
}

template <class Real>
void StepLearner<Real>::give_errors(const Tape<Real>& tape, std::size_t t) {
    for (std::size_t p = 0; p < populations_.size(); ++p) {
        const LearningPopulation<Real>& plan = populations_[p].plan;
        const std::size_t n = plan.size;
        const auto signal_of = [&](std::size_t delay) {
            return std::span(queue_[queue_.size() - 1 - delay].populations[p].signal);
        };
        for (std::size_t s = 0; s < plan.sources.size(); ++s) {
            const ErrorSource& source = plan.sources[s];
            if (queue_.size() <= source.delay) {
                continue;
            }
            const std::span<Real> signal = signal_of(source.delay);
            const Real* error = tape.objectives[source.objective].error.data() + t * source.size;
            const Real* back = feedback_[p][s].data();
            for (std::size_t j = 0; j < n; ++j) {
                for (std::size_t k = 0; k < source.size; ++k) {
                    signal[j] += error[k] * back[k * n + j];
                }
            }
        }
        if (plan.objective && queue_.size() > populations_[p].shift) {
            const std::span<Real> signal = signal_of(populations_[p].shift);
            for (std::size_t j = 0; j < n; ++j) {
                signal[j] += tape.objectives[*plan.objective].error[t * n + j];
            }
        }
    }
}

template <class Real>
void StepLearner<Real>::end_trial(const Tape<Real>&, Gradients<Real>&) {
    while (!keeps_state_ && !queue_.empty()) {
        learn_from_oldest();
    }
}

template <class Real>
void StepLearner<Real>::learn_from_oldest() {
    const Step& step = queue_.front();
    for (std::size_t w = 0; w < learned_.size(); ++w) {
        const ArrivingEvents& now = step.arriving[w];
        note_spikes(learned_[w], now.events,
                    queue_.size() > 1 ? std::span<const std::uint32_t>(queue_[1].arriving[w].events)
                                      : std::span<const std::uint32_t>());
        learned_[w].traces.filter_events(now.events, now.values, false);
        learn(learned_[w], step.populations[learned_[w].population]);
    }
    write();
    ++updates_;
    spare_.push_back(std::move(queue_.front()));
    queue_.erase(queue_.begin());
}

template <class Real>
void StepLearner<Real>::write() {
    bool any = false;
    for (Learned& learned : learned_) {
        if (learned.changed) {
            for (std::size_t at = 0; learned.synapses.connected != nullptr && at < learned.change.size();
                 ++at) {
                if ((*learned.synapses.connected)[at] == 0) {
                    learned.change[at] = Real{0};
                }
            }
            changes_[index_of(learned.projection.id)] = learned.change;
            any = true;
        }
    }
    if (!any) {
        return;
    }
    write_(changes_, static_cast<std::uint32_t>(updates_));
    for (Learned& learned : learned_) {
        if (learned.changed) {
            std::fill(learned.change.begin(), learned.change.end(), Real{0});
            changes_[index_of(learned.projection.id)] = {};
            learned.changed = false;
        }
    }
}

template <class Real>
void StepLearner<Real>::note_spikes(Learned& learned, std::span<const std::uint32_t> now,
                                    std::span<const std::uint32_t> next) {
    for (const std::uint32_t i : now) {
        learned.last_spike[i] = static_cast<std::uint32_t>(oldest());
    }
    std::fill(learned.spikes_next.begin(), learned.spikes_next.end(), std::uint8_t{0});
    for (const std::uint32_t i : next) {
        learned.spikes_next[i] = 1;
    }
}

template <class Real>
bool StepLearner<Real>::learns(const Learned& learned, std::uint32_t pre) const {
    const std::uint64_t last = learned.last_spike[pre];
    return learned.spikes_next[pre] != 0 || (last > 0 && (cutoff_ == 0 || oldest() - last + 2 <= cutoff_));
}

template <class Real>
void StepLearner<Real>::learn(Learned& learned, const PopulationStep& step) {
    const std::size_t n = learned.projection.columns;
    for (std::uint32_t i = 0; i < learned.projection.rows; ++i) {
        if (!learns(learned, i)) {
            if (learned.traces.awake(i)) {
                learned.traces.decay(regularizer_, i);
            }
            continue;
        }
        if (learned.traces.awake(i)) {
            learned.traces.learn(regularizer_, i, step.psi, step.signal, step.pull,
                                 std::span(learned.sum).subspan(i * n, n));
            if (!learned.projection.self && i < n) {
                learned.sum[i * n + i] = Real{0};
            }
        }
        update_row(learned, i);
    }
}

template <class Real>
void StepLearner<Real>::update_row(Learned& learned, std::uint32_t pre) {
    if (first_event_ == 0) {
        return;
    }
    // Readouts compute a step after the neurons, which shows in the count.
    const std::uint64_t count =
        oldest() + start_ - first_event_ + (populations_[learned.population].is_read ? 1 : 0);
    const std::uint64_t updates = count / every_;
    Optimizer<Real>& optimizer = *optimizers_[index_of(learned.projection.id)];
    if (optimizer.row_updates(pre) >= updates) {
        return;
    }
    const std::size_t size = learned.projection.columns, first = pre * size;
    const std::span<Real> sum = std::span(learned.sum).subspan(first, size);
    const std::span<Real> change = std::span(learned.change).subspan(first, size);
    for (std::size_t i = 0; i < size; ++i) {
        change[i] = sum[i] / static_cast<Real>(every_);
        sum[i] = Real{0};
    }
    optimizer.step_row(change, first, pre, updates);
    learned.changed = true;
}

template <class Real>
void StepLearner<Real>::serialize(StateArchive& archive) {
    archive("steps", steps_);
    archive("first_event", first_event_);
    archive("updates", updates_);
    for (std::size_t p = 0; p < populations_.size(); ++p) {
        archive.enter("population" + std::to_string(p));
        archive("rate", populations_[p].rate);
        archive.leave();
    }
    for (std::size_t w = 0; w < learned_.size(); ++w) {
        archive.enter("projection" + std::to_string(w));
        learned_[w].traces.serialize(archive);
        archive("sum", learned_[w].sum);
        archive("last_spike", learned_[w].last_spike);
        archive.leave();
    }
    std::uint64_t waiting = queue_.size();
    archive("waiting", waiting);
    if (waiting > depth_ || waiting > steps_ + 1) {
        throw InputError("waiting", waiting,
                         "no more steps wait than errors are late, and no more than there were");
    }
    while (queue_.size() > waiting) {
        queue_.pop_back();
    }
    while (queue_.size() < waiting) {
        queue_.push_back(empty_step());
    }
    for (std::uint64_t i = 0; i < waiting; ++i) {
        archive.enter("waiting_" + std::to_string(i));
        for (std::size_t p = 0; p < populations_.size(); ++p) {
            archive.enter("population" + std::to_string(p));
            archive("psi", queue_[i].populations[p].psi);
            archive("signal", queue_[i].populations[p].signal);
            archive("pull", queue_[i].populations[p].pull);
            archive.leave();
        }
        for (std::size_t w = 0; w < learned_.size(); ++w) {
            ArrivingEvents& arriving = queue_[i].arriving[w];
            archive.enter("projection" + std::to_string(w));
            archive("events", arriving.events);
            archive("values", arriving.values);
            archive.leave();
            const bool exist =
                std::all_of(arriving.events.begin(), arriving.events.end(),
                            [&](std::uint32_t event) { return event < learned_[w].projection.rows; });
            if (!exist || (!arriving.values.empty() && arriving.values.size() != arriving.events.size())) {
                throw InputError("a waiting step has spikes of neurons that do not exist");
            }
        }
        archive.leave();
    }
}

template class StepLearner<float>;
template class StepLearner<double>;

}  // namespace memprop::learning
