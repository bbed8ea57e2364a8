#include "learning/eprop/step_learner.hpp"

#include <algorithm>
#include <utility>

#include "crossbar/base/error.hpp"
#include "learning/eprop/running_rate.hpp"
#include "learning/weights/connectivity.hpp"

namespace memprop::learning {
namespace {

constexpr std::size_t kIn = 0, kRec = 1, kOut = 2;

}  // namespace

template <class Real>
StepLearner<Real>::StepLearner(const NetworkParameters<Real>& parameters, const LearningConfig& config,
                               const RateRegularizer<Real>& regularizer, const Optimizers& optimizers,
                               const std::array<WeightStoreShape, 3>& shapes, Write write)
    : p_(parameters),
      regularizer_(regularizer),
      every_(static_cast<std::uint64_t>(config.update_every_steps)),
      cutoff_(static_cast<std::uint64_t>(config.trace_cutoff_steps)),
      start_(static_cast<std::uint64_t>(config.optimizer_start)),
      optimizers_(optimizers),
      shapes_(shapes),
      write_(std::move(write)),
      input_(parameters, parameters.inputs),
      recurrent_(parameters, parameters.recurrent),
      rate_(parameters.recurrent),
      zo_(parameters.recurrent) {
    const std::size_t n = p_.recurrent;
    const std::array<std::size_t, 3> pre{p_.inputs, n, n}, post{n, n, p_.outputs};
    for (std::size_t w = 0; w < 3; ++w) {
        sum_[w].resize(pre[w] * post[w]);
        change_[w].resize(pre[w] * post[w]);
        last_spike_[w].resize(pre[w]);
        spikes_next_[w].resize(pre[w]);
        optimizers_[w]->count_rows(pre[w]);
    }
    queue_.push_back(empty_step());  // the step before the run: synapses of step 1's spikes count it
}

template <class Real>
typename StepLearner<Real>::Step StepLearner<Real>::empty_step() const {
    Step step;
    for (auto* values : {&step.psi, &step.signal, &step.pull}) {
        values->resize(p_.recurrent);
    }
    step.error.resize(p_.outputs);
    return step;
}

template <class Real>
void StepLearner<Real>::begin_trial() {
    if (p_.keeps_state || steps_ == 0) {
        return;
    }
    input_.clear();
    recurrent_.clear();
    for (auto* values : {&rate_, &zo_}) {
        std::fill(values->begin(), values->end(), Real{0});
    }
    for (auto& last : last_spike_) {
        std::fill(last.begin(), last.end(), 0U);
    }
}

template <class Real>
void StepLearner<Real>::before_step() {
    if (queue_.size() == 2) {
        learn_from_oldest();
    }
}

template <class Real>
void StepLearner<Real>::after_step(const Tape<Real>& tape, std::size_t t, std::span<const Real> feedback) {
    const std::size_t n = p_.recurrent, outputs = p_.outputs;
    const auto copy = [](std::span<const std::uint32_t> spikes) {
        return std::vector<std::uint32_t>(spikes.begin(), spikes.end());
    };
    ++steps_;
    Step step = empty_step();
    step.input = copy(tape.input->at(t));
    step.recurrent = copy(tape.arriving(t));
    step.spikes = copy(tape.spikes.at(t));
    if (first_input_ == 0 && !step.input.empty()) {
        first_input_ = steps_;
    }
    std::copy_n(tape.pseudo_derivative.begin() + static_cast<std::ptrdiff_t>(t * n), n, step.psi.begin());
    if (regularizer_.form == RegularizerForm::running_average) {
        advance_running_rate<Real>(regularizer_, step.spikes, rate_, step.pull);
    }
    queue_.push_back(std::move(step));
    if (queue_.size() <= p_.readout_delay) {
        return;
    }
    Step& blamed = queue_[queue_.size() - 1 - p_.readout_delay];
    for (std::size_t k = 0; k < outputs; ++k) {
        blamed.error[k] = tape.error[t * outputs + k];
    }
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < outputs; ++k) {
            blamed.signal[j] += blamed.error[k] * feedback[k * n + j];
        }
    }
}

template <class Real>
void StepLearner<Real>::end_trial() {
    while (!p_.keeps_state && !queue_.empty()) {
        learn_from_oldest();
    }
}

template <class Real>
void StepLearner<Real>::learn_from_oldest() {
    const Step& step = queue_.front();
    const bool more = queue_.size() > 1;
    const std::span<const std::uint32_t> none;
    note_spikes(kIn, step.input, more ? std::span<const std::uint32_t>(queue_[1].input) : none);
    note_spikes(kRec, step.recurrent, more ? std::span<const std::uint32_t>(queue_[1].recurrent) : none);
    note_spikes(kOut, step.spikes, more ? std::span<const std::uint32_t>(queue_[1].spikes) : none);
    input_.filter_spikes(p_, step.input);
    recurrent_.filter_spikes(p_, step.recurrent);
    learn_hidden(kIn, input_, step);
    learn_hidden(kRec, recurrent_, step);
    learn_readout(step);
    std::array<std::span<const Real>, 3> changes;
    for (std::size_t w = 0; w < 3; ++w) {
        if (changed_[w]) {
            cut_unconnected(shapes_[w], std::span(change_[w]));
            changes[w] = change_[w];
        }
    }
    if (changed_[kIn] || changed_[kRec] || changed_[kOut]) {
        write_(changes, static_cast<std::uint32_t>(updates_));
    }
    for (std::size_t w = 0; w < 3; ++w) {
        if (changed_[w]) {
            std::fill(change_[w].begin(), change_[w].end(), Real{0});
            changed_[w] = false;
        }
    }
    ++updates_;
    queue_.erase(queue_.begin());
}

template <class Real>
void StepLearner<Real>::note_spikes(std::size_t projection, std::span<const std::uint32_t> now,
                                    std::span<const std::uint32_t> next) {
    for (const std::uint32_t i : now) {
        last_spike_[projection][i] = static_cast<std::uint32_t>(oldest());
    }
    std::fill(spikes_next_[projection].begin(), spikes_next_[projection].end(), std::uint8_t{0});
    for (const std::uint32_t i : next) {
        spikes_next_[projection][i] = 1;
    }
}

template <class Real>
bool StepLearner<Real>::learns(std::size_t projection, std::uint32_t pre) const {
    const std::uint64_t last = last_spike_[projection][pre];
    return spikes_next_[projection][pre] != 0 ||
           (last > 0 && (cutoff_ == 0 || oldest() - last + 2 <= cutoff_));
}

template <class Real>
void StepLearner<Real>::learn_hidden(std::size_t projection, SynapseTraces<Real>& traces, const Step& step) {
    const std::size_t n = p_.recurrent;
    for (std::uint32_t i = 0; i < traces.pre(); ++i) {
        if (!learns(projection, i)) {
            if (traces.awake(i)) {
                traces.decay(p_, regularizer_, i);
            }
            continue;
        }
        if (traces.awake(i)) {
            traces.learn(p_, regularizer_, i, step.psi, step.signal, step.pull,
                         std::span(sum_[projection]).subspan(i * n, n));
            if (projection == kRec) {
                sum_[projection][i * n + i] = Real{0};
            }
        }
        update_row(projection, i);
    }
}

template <class Real>
void StepLearner<Real>::learn_readout(const Step& step) {
    for (Real& zo : zo_) {
        zo *= p_.kappa;
    }
    for (const std::uint32_t j : step.spikes) {
        zo_[j] += p_.readout_gain;
    }
    for (std::uint32_t j = 0; j < p_.recurrent; ++j) {
        if (learns(kOut, j)) {
            for (std::size_t k = 0; k < p_.outputs; ++k) {
                sum_[kOut][j * p_.outputs + k] += step.error[k] * zo_[j];
            }
            update_row(kOut, j);
        }
    }
}

template <class Real>
void StepLearner<Real>::update_row(std::size_t projection, std::uint32_t pre) {
    if (first_input_ == 0) {
        return;
    }
    // Readouts compute a step after the neurons, which shows in the count.
    const std::uint64_t count = oldest() + start_ - first_input_ + (projection == kOut ? 1 : 0);
    const std::uint64_t updates = count / every_;
    if (optimizers_[projection]->row_updates(pre) >= updates) {
        return;
    }
    const std::size_t size = sum_[projection].size() / last_spike_[projection].size(), first = pre * size;
    const std::span<Real> sum = std::span(sum_[projection]).subspan(first, size);
    const std::span<Real> change = std::span(change_[projection]).subspan(first, size);
    for (std::size_t i = 0; i < size; ++i) {
        change[i] = sum[i] / static_cast<Real>(every_);
        sum[i] = Real{0};
    }
    optimizers_[projection]->step_row(change, first, pre, updates);
    changed_[projection] = true;
}

template <class Real>
void StepLearner<Real>::serialize(StateArchive& archive) {
    archive.enter("step_learner");
    archive("steps", steps_);
    archive("first_input", first_input_);
    archive("updates", updates_);
    archive("rate", rate_);
    archive("zo", zo_);
    for (const auto& [name, traces] : {std::pair{"input", &input_}, std::pair{"recurrent", &recurrent_}}) {
        archive.enter(name);
        traces->serialize(archive);
        archive.leave();
    }
    for (std::size_t w = 0; w < 3; ++w) {
        archive.enter(kProjectionNames[w]);
        archive("sum", sum_[w]);
        archive("last_spike", last_spike_[w]);
        archive.leave();
    }
    std::uint64_t waiting = queue_.size();
    archive("waiting", waiting);
    if (waiting > 2 || waiting > steps_ + 1) {
        throw InputError("step_learner/waiting", waiting,
                         "at most two steps wait, and no more than there were");
    }
    queue_.resize(waiting, empty_step());
    for (std::uint64_t i = 0; i < waiting; ++i) {
        archive.enter(i == 0 ? "waiting_0" : "waiting_1");
        archive("input", queue_[i].input);
        archive("recurrent", queue_[i].recurrent);
        archive("spikes", queue_[i].spikes);
        archive("psi", queue_[i].psi);
        archive("signal", queue_[i].signal);
        archive("pull", queue_[i].pull);
        archive("error", queue_[i].error);
        archive.leave();
        const auto below = [](const std::vector<std::uint32_t>& spikes, std::size_t count) {
            return std::all_of(spikes.begin(), spikes.end(),
                               [&](std::uint32_t spike) { return spike < count; });
        };
        if (!below(queue_[i].input, p_.inputs) || !below(queue_[i].recurrent, p_.recurrent) ||
            !below(queue_[i].spikes, p_.recurrent)) {
            throw InputError("step_learner: a waiting step has spikes of neurons that do not exist");
        }
    }
    archive.leave();
}

template class StepLearner<float>;
template class StepLearner<double>;

}  // namespace memprop::learning
