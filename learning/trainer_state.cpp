// What results, plots and checkpoints read of a trainer.
#include "learning/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "crossbar/base/error.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::learning {

using network::index_of;

namespace {

bool spikes(const network::Population& population) {
    return network::find_model("model", population.model).spiking;
}

}  // namespace

SpikeTrain TrainerBase::last_spikes() const {
    std::vector<std::pair<const SpikeTrain*, std::uint32_t>> trains;
    std::uint32_t first = 0;
    for (std::size_t p = 0; p < network().populations.size(); ++p) {
        if (spikes(network().populations[p])) {
            trains.emplace_back(&last_spikes(static_cast<PopulationId>(p)), first);
            first += network().populations[p].size;
        }
    }
    SpikeTrain all;
    for (std::size_t t = 0; t < last_trial().input.steps(); ++t) {
        for (const auto& [train, offset] : trains) {
            for (const std::uint32_t j : train->at(t)) {
                all.add(offset + j);
            }
        }
        all.end_step();
    }
    return all;
}

std::size_t TrainerBase::spiking_neurons() const {
    std::size_t count = 0;
    for (const network::Population& population : network().populations) {
        count += spikes(population) ? population.size : 0;
    }
    return count;
}

template <class Real>
std::vector<double> BasicTrainer<Real>::snapshot(ProjectionId id) {
    const auto& store = stores_[index_of(id)];
    if (store == nullptr) {
        return frozen_[index_of(id)]->weights();
    }
    const WeightStoreShape& s = store->shape();
    std::vector<Real> weights(s.weights());
    store->snapshot(tick(), weights);
    return {weights.begin(), weights.end()};
}

template <class Real>
const crossbar::SynapseArray* BasicTrainer<Real>::array(ProjectionId id) const {
    const auto& store = stores_[index_of(id)];
    return store == nullptr ? nullptr : store->array();
}

template <class Real>
crossbar::ProgrammingReport BasicTrainer<Real>::programmed(ProjectionId id) const {
    const auto& store = stores_[index_of(id)];
    return store == nullptr ? crossbar::ProgrammingReport{} : store->programmed();
}

template <class Real>
crossbar::RefreshReport BasicTrainer<Real>::refreshed(ProjectionId id) const {
    const auto& store = stores_[index_of(id)];
    return store == nullptr ? crossbar::RefreshReport{} : store->refreshed();
}

template <class Real>
std::uint64_t BasicTrainer<Real>::synapses(ProjectionId id) const {
    const auto& store = stores_[index_of(id)];
    if (store == nullptr) {
        const network::Connect& connect = resolved_.network.at(id).connect;
        return connect.kind == network::ConnectKind::sparse ? connect.column.size() : 0;
    }
    const WeightStoreShape& s = store->shape();
    if (s.sparse != nullptr) {
        return s.weights();
    }
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < std::size_t{s.pre} * s.post; ++i) {
        const bool missing =
            (s.no_diagonal && i / s.post == i % s.post) || (s.connected != nullptr && (*s.connected)[i] == 0);
        sum += missing ? 0 : 1;
    }
    return sum;
}

template <class Real>
crossbar::ArrayCounters BasicTrainer<Real>::counters(ProjectionId id) const {
    crossbar::ArrayCounters sum;
    if (const auto& store = stores_[index_of(id)]; store != nullptr) {
        for (const crossbar::SynapseArray* array : {store->array(), store->scheme_array()}) {
            if (array != nullptr) {
                sum += array->counters();
            }
        }
    }
    return sum;
}

template <class Real>
crossbar::ArrayCounters BasicTrainer<Real>::counters() const {
    crossbar::ArrayCounters sum;
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        sum += counters(static_cast<ProjectionId>(p));
    }
    return sum;
}

template <class Real>
std::uint64_t BasicTrainer<Real>::most_pulses_of_a_device() const {
    std::uint64_t most = 0;
    for (const auto& store : stores_) {
        if (store == nullptr) {
            continue;
        }
        for (const crossbar::SynapseArray* array : {store->array(), store->scheme_array()}) {
            for (std::size_t i = 0; array != nullptr && i < array->devices().size(); ++i) {
                most = std::max(
                    most, std::uint64_t{array->devices().set_pulses[i]} + array->devices().reset_pulses[i]);
            }
        }
    }
    return most;
}

template <class Real>
void BasicTrainer<Real>::serialize(StateArchive& archive) {
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        archive.enter(resolved_.network.projections[p].name);
        if (stores_[p] != nullptr) {
            stores_[p]->serialize(archive);
        } else {
            frozen_[p]->serialize(archive);
        }
        if (optimizers_[p] != nullptr) {
            archive.enter("optimizer");
            optimizers_[p]->serialize(archive);
            archive.leave();
            archive("batch_sum", batch_sum_[p]);
        }
        archive.leave();
    }
    for (RuleGroup& group : groups_) {
        if (group.needs.errors && group.learning.feedback == Feedback::adaptive) {
            for (std::size_t l = 0; l < group.feedback.size(); ++l) {
                for (std::size_t s = 0; s < group.feedback[l].size(); ++s) {
                    archive(l == 0 && s == 0 ? std::string("feedback")
                                             : "feedback" + std::to_string(l) + "_" + std::to_string(s),
                            group.feedback[l][s]);
                }
            }
        }
    }
    if (config_.network.state_reset == StateReset::never) {
        archive.enter("engine");
        engine_->serialize(archive);
        archive.leave();
    }
    if (reward_) {
        reward_->serialize(archive);
    }
    for (RuleGroup& group : groups_) {
        if (group.needs.steps) {
            archive.enter("rule_" + group.name);
            group.rules[0]->serialize(archive);
            archive.leave();
        }
    }
    archive("samples_done", samples_done_);
    archive("updates_done", updates_done_);
    archive("steps_done", steps_done_);
    archive("spikes_done", spikes_done_);
    archive("epoch_loss", epoch_loss_);
    archive("epoch_right", epoch_right_);
    archive("start_tick", start_tick_);
    archive("epoch_set_pulses", epoch_set_pulses_);
    archive("epoch_reset_pulses", epoch_reset_pulses_);
    archive("epoch_spikes", epoch_spikes_);
    history_.serialize(archive);
    engine_->state_restored();
}

template <class Real>
void BasicTrainer<Real>::load_weights(StateArchive& archive, const ExperimentConfig& donor) {
    std::uint64_t samples = 0;
    archive("start_tick", start_tick_);
    archive("samples_done", samples);
    start_tick_ += samples;
    const ResolvedNetwork from = resolve(donor);
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        const std::string& name = resolved_.network.projections[p].name;
        const auto id = from.network.find_projection(name);
        if (!id) {
            throw InputError(fmt::format("projection {}: the other run has none of that name", name));
        }
        archive.enter(name);
        if (stores_[p] != nullptr) {
            stores_[p]->load_weights(archive,
                                     {.crossbar = from.projections[index_of(*id)].crossbar,
                                      .tick_seconds = donor.task.update_interval_seconds,
                                      .seed = seed_of(static_cast<std::uint64_t>(donor.run.seed), *id)},
                                     tick());
        } else {
            frozen_[p]->serialize(archive);
        }
        archive.leave();
    }
    epoch_set_pulses_ = epoch_reset_pulses_ = 0;
    engine_->state_restored();
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

}  // namespace memprop::learning
