#include "learning/network/executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "crossbar/base/error.hpp"
#include "learning/network/models/models.hpp"
#include "learning/network/row_sums.hpp"

namespace memprop::network {

template <class Real>
void Executor<Real>::Past::push(Signal<Real>& signal) {
    newest = (newest + 1) % ring.size();
    std::swap(ring[newest], signal);
}

template <class Real>
Executor<Real>::Executor(const Network& network, std::vector<Connection<Real>*> connections)
    : connections_(std::move(connections)),
      outputs_(network.populations.size()),
      inputs_(network.populations.size()),
      past_(network.populations.size()),
      kept_(network.populations.size(), 0),
      is_remembered_(network.populations.size(), false),
      waiting_(network.projections.size()) {
    std::vector<std::size_t> position(network.populations.size());
    std::size_t count = 0, largest = 0;
    std::vector<PopulationId> order;
    for (const auto& wave : waves(network)) {
        for (const PopulationId id : wave) {
            position[index_of(id)] = count++;
            order.push_back(id);
        }
    }
    for (const Population& population : network.populations) {
        neurons_.push_back(make_neurons<Real>(population, network.time_step_seconds));
        sizes_.push_back(population.size);
        largest = std::max<std::size_t>(largest, population.size);
    }
    scratch_.resize(largest);
    for (const PopulationId id : order) {
        const std::size_t at = index_of(id);
        const NeuronModel& model = find_model("model", network.at(id).model);
        Stage stage{.population = at,
                    .is_source = false,
                    .incoming = {},
                    .receptors = std::vector<Receptor>(model.receptors,
                                                       {.sums = std::vector<Real>(network.at(id).size)}),
                    .arriving = {}};
        for (const ProjectionId p : network.to(id)) {
            const Projection& projection = network.at(p);
            const std::size_t from = index_of(projection.from);
            const bool dendritic =
                projection.delay_kind == DelayKind::dendritic && projection.delay_steps > 0;
            const Connection<Real>& connection = *connections_[index_of(p)];
            stage.incoming.push_back({.projection = index_of(p),
                                      .from = from,
                                      .receptor = projection.receptor,
                                      .delay = projection.delay_steps,
                                      .dendritic = dendritic,
                                      .from_is_later = position[from] >= position[at],
                                      .bias = projection.bias,
                                      .bias_line = projection.bias && connection.bias_is_a_line(),
                                      .bias_before_arrival = projection.bias_before_arrival,
                                      .bias_row = network.at(projection.from).size});
            is_remembered_[from] = is_remembered_[from] || (projection.delay_steps > 0 && !dendritic);
            longest_delay_ = std::max(longest_delay_, projection.delay_steps);
            if (dendritic) {
                waiting_[index_of(p)] = {.projection = index_of(p),
                                         .from = from,
                                         .next = 0,
                                         .bias_line = projection.bias && connection.bias_is_a_line(),
                                         .bias_row = network.at(projection.from).size,
                                         .sums = std::vector<std::vector<Real>>(
                                             projection.delay_steps, std::vector<Real>(network.at(id).size))};
            } else if (projection.delay_steps > 0) {
                auto& ring = past_[from].ring;
                const std::size_t kept = projection.delay_steps - (position[from] >= position[at] ? 1 : 0);
                ring.resize(std::max(ring.size(), kept));
                kept_[from] = std::max<std::size_t>(kept_[from], projection.delay_steps);
            }
        }
        stage.is_source = stage.incoming.empty() && network.at(id).model == "input";
        stages_.push_back(std::move(stage));
    }
    for (Stage& stage : stages_) {
        for (std::size_t r = 0; r < stage.receptors.size(); ++r) {
            const bool used = r == 0 || std::any_of(stage.incoming.begin(), stage.incoming.end(),
                                                    [&](const Incoming& i) { return i.receptor == r; });
            stage.arriving.push_back(used ? std::span<const Real>(stage.receptors[r].sums)
                                          : std::span<const Real>());
        }
    }
}

template <class Real>
void Executor<Real>::clear() {
    for (auto& neurons : neurons_) {
        neurons->clear();
    }
    for (auto* signals : {&outputs_, &inputs_}) {
        for (Signal<Real>& signal : *signals) {
            signal.set_zero();
        }
    }
    for (Past& past : past_) {
        for (Signal<Real>& signal : past.ring) {
            signal.set_zero();
        }
    }
    for (Waiting& waiting : waiting_) {
        for (auto& sums : waiting.sums) {
            std::fill(sums.begin(), sums.end(), Real{0});
        }
    }
    steps_done_ = 0;
}

template <class Real>
void Executor<Real>::settle() {
    settles_ = true;
    for (Stage& stage : stages_) {
        if (!stage.is_source && neurons_[stage.population]->is_memoryless()) {
            run(stage, 0, {});
        }
    }
    settles_ = false;
}

template <class Real>
void Executor<Real>::set_input(PopulationId id, std::span<const std::uint32_t> events) {
    inputs_[index_of(id)].set_spikes(events);
}

template <class Real>
const Signal<Real>& Executor<Real>::past(PopulationId id, std::size_t ago) const {
    static const Signal<Real> kForgotten{};
    const Past& past = past_[index_of(id)];
    return ago == 0 ? outputs_[index_of(id)] : ago <= past.ring.size() ? past.at(ago - 1) : kForgotten;
}

template <class Real>
const Signal<Real>& Executor<Real>::with_bias(const Signal<Real>& arriving, std::uint32_t bias_row) {
    using Form = typename Signal<Real>::Form;
    biased_.form = arriving.form == Form::zero ? Form::spikes : arriving.form;
    if (arriving.form == Form::dense) {
        biased_.dense.assign(arriving.dense.begin(), arriving.dense.end());
        biased_.dense.push_back(Real{1});
        return biased_;
    }
    biased_.index.clear();
    if (arriving.form != Form::zero) {
        biased_.index.assign(arriving.index.begin(), arriving.index.end());
    }
    biased_.index.push_back(bias_row);
    if (arriving.form == Form::graded) {
        biased_.value.assign(arriving.value.begin(), arriving.value.end());
        biased_.value.push_back(Real{1});
    }
    return biased_;
}

/// Replaces `sums`; false if nothing arrives.
template <class Real>
bool Executor<Real>::deliver(const Incoming& incoming, std::uint32_t step, std::span<Real> sums) {
    static const Signal<Real> kNothing{};
    const bool before = steps_done_ < incoming.delay;
    if (incoming.dendritic && before && incoming.bias && incoming.bias_before_arrival) {
        return connections_[incoming.projection]->sum(
            incoming.bias_line ? with_bias(kNothing, incoming.bias_row) : kNothing, step, sums);
    }
    if (incoming.dendritic) {
        Waiting& waiting = waiting_[incoming.projection];
        const std::vector<Real>& due = waiting.sums[waiting.next];
        std::copy(due.begin(), due.end(), sums.begin());
        return true;
    }
    if (before && !incoming.bias_before_arrival) {
        return false;
    }
    const std::size_t ago = incoming.delay - (incoming.delay > 0 && incoming.from_is_later ? 1 : 0);
    // What settle() has put out belongs to the last step before the first.
    const bool too_early = settles_ ? incoming.delay > 0 : before && incoming.delay > 1;
    const Signal<Real>& arriving = too_early  ? kNothing
                                   : ago == 0 ? outputs_[incoming.from]
                                              : past_[incoming.from].at(ago - 1);
    return connections_[incoming.projection]->sum(
        incoming.bias_line ? with_bias(arriving, incoming.bias_row) : arriving, step, sums);
}

template <class Real>
void Executor<Real>::run(Stage& stage, std::uint32_t step, std::span<Real> psi) {
    Signal<Real>& out = outputs_[stage.population];
    if (stage.is_source) {
        if (Past& past = past_[stage.population]; !past.ring.empty()) {
            past.push(out);
        }
        std::swap(out, inputs_[stage.population]);
        inputs_[stage.population].set_zero();
        return;
    }
    for (Receptor& receptor : stage.receptors) {
        receptor.dirty = false;
    }
    for (const Incoming& incoming : stage.incoming) {
        Receptor& receptor = stage.receptors[incoming.receptor];
        const std::span<Real> sums(receptor.sums);
        if (!receptor.dirty) {
            receptor.dirty = deliver(incoming, step, sums);
        } else if (const std::span<Real> more = std::span(scratch_).first(sums.size());
                   deliver(incoming, step, more)) {
            add_to(std::span<const Real>(more), sums);
        }
    }
    bool nothing = true;
    for (Receptor& receptor : stage.receptors) {
        if (!receptor.dirty && !receptor.cleared) {
            std::fill(receptor.sums.begin(), receptor.sums.end(), Real{0});
        }
        nothing = nothing && !receptor.dirty;
        receptor.cleared = !receptor.dirty;
    }
    if (Past& past = past_[stage.population]; !past.ring.empty()) {
        past.push(out);
    }
    neurons_[stage.population]->step({.receptors = stage.arriving, .nothing = nothing}, out, psi);
}

template <class Real>
void Executor<Real>::step(std::uint32_t step, std::span<const std::span<Real>> psi) {
    for (Stage& stage : stages_) {
        run(stage, step, psi.empty() ? std::span<Real>() : psi[stage.population]);
    }
    for (Waiting& waiting : waiting_) {
        if (!waiting.sums.empty()) {
            std::vector<Real>& sums = waiting.sums[waiting.next];
            const Signal<Real>& out = outputs_[waiting.from];
            if (!connections_[waiting.projection]->sum(
                    waiting.bias_line ? with_bias(out, waiting.bias_row) : out, step, sums)) {
                std::fill(sums.begin(), sums.end(), Real{0});
            }
            waiting.next = (waiting.next + 1) % waiting.sums.size();
        }
    }
    ++steps_done_;
}

template <class Real>
void Executor<Real>::serialize(StateArchive& archive) {
    archive("steps_done", steps_done_);
    for (const Stage& stage : stages_) {
        const std::size_t p = stage.population;
        archive.enter("population" + std::to_string(p));
        neurons_[p]->serialize(archive);
        if (is_remembered_[p]) {
            serialize_signal(archive, "output", outputs_[p], sizes_[p]);
        }
        // Of a delay of d steps, the last step and the d - 1 before it are still to arrive.
        for (std::size_t ago = 0; ago + 1 < kept_[p]; ++ago) {
            Past& past = past_[p];
            serialize_signal(archive, "before" + std::to_string(ago),
                             past.ring[(past.newest + past.ring.size() - ago) % past.ring.size()], sizes_[p]);
        }
        archive.leave();
    }
    for (Waiting& waiting : waiting_) {
        for (std::size_t k = 0; k < waiting.sums.size(); ++k) {
            archive("waiting" + std::to_string(waiting.projection) + "_" + std::to_string(k),
                    waiting.sums[(waiting.next + k) % waiting.sums.size()]);
        }
    }
}

template class Executor<float>;
template class Executor<double>;

}  // namespace memprop::network
