// What results, plots and checkpoints read of a trainer.
#include "learning/trainer.hpp"

#include <algorithm>
#include <array>

namespace memprop::learning {

template <class Real>
std::vector<double> BasicTrainer<Real>::snapshot(ProjectionId id) {
    const WeightStoreShape s = shape(id);
    std::vector<Real> weights(std::size_t{s.pre} * s.post);
    weights_[index_of(id)]->snapshot(tick(), weights);
    return {weights.begin(), weights.end()};
}

template <class Real>
crossbar::ArrayCounters BasicTrainer<Real>::counters() const {
    crossbar::ArrayCounters sum;
    for (const auto& store : weights_) {
        for (const crossbar::SynapseArray* array : {store->array(), store->scheme_array()}) {
            if (array != nullptr) {
                sum += array->counters();
            }
        }
    }
    return sum;
}

template <class Real>
std::uint64_t BasicTrainer<Real>::most_pulses_of_a_device() const {
    std::uint64_t most = 0;
    for (const auto& store : weights_) {
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
    const std::array sums{&batch_sum_.w_in, &batch_sum_.w_rec, &batch_sum_.w_out};
    for (std::size_t w = 0; w < 3; ++w) {
        archive.enter(kProjectionNames[w]);
        weights_[w]->serialize(archive);
        archive.enter("optimizer");
        optimizers_[w]->serialize(archive);
        archive.leave();
        archive("batch_sum", *sums[w]);
        archive.leave();
    }
    if (config_.learning.feedback == Feedback::adaptive) {
        archive("feedback", feedback_);
    }
    if (parameters_.keeps_state) {
        workers_[0]->forward.state().serialize(archive);
    }
    if (reward_) {
        reward_->serialize(archive);
    }
    if (step_learner_) {
        step_learner_->serialize(archive);
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
    if (hardware_) {
        hardware_->state_restored();
    }
}

template <class Real>
void BasicTrainer<Real>::load_weights(StateArchive& archive, const ExperimentConfig& donor) {
    std::uint64_t samples = 0;
    archive("start_tick", start_tick_);
    archive("samples_done", samples);
    start_tick_ += samples;
    for (std::size_t w = 0; w < 3; ++w) {
        archive.enter(kProjectionNames[w]);
        weights_[w]->load_weights(archive, donor, tick());
        archive.leave();
    }
    epoch_set_pulses_ = epoch_reset_pulses_ = 0;
    if (hardware_) {
        hardware_->state_restored();
    }
}

template std::vector<double> BasicTrainer<float>::snapshot(ProjectionId);
template crossbar::ArrayCounters BasicTrainer<float>::counters() const;
template std::uint64_t BasicTrainer<float>::most_pulses_of_a_device() const;
template void BasicTrainer<float>::serialize(StateArchive&);
template void BasicTrainer<float>::load_weights(StateArchive&, const ExperimentConfig&);

template std::vector<double> BasicTrainer<double>::snapshot(ProjectionId);
template crossbar::ArrayCounters BasicTrainer<double>::counters() const;
template std::uint64_t BasicTrainer<double>::most_pulses_of_a_device() const;
template void BasicTrainer<double>::serialize(StateArchive&);
template void BasicTrainer<double>::load_weights(StateArchive&, const ExperimentConfig&);

}  // namespace memprop::learning
