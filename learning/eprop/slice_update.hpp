// From the gradients of a slice's synapses to the changes of their weights: per synapse what the trainer
// computes (trainer_update.cpp), so the bits are those of the whole projection.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/config/learning_config.hpp"
#include "learning/eprop/slice_memory.hpp"
#include "learning/update/optimizer.hpp"

namespace memprop::learning {

template <class Real>
class SliceUpdate {
public:
    /// `settings` of the run: average_over_window, batch; `rule` of the projection: optimiser, weight decay
    /// (the same table where there is one rule). `connected`, [row][neuron of the slice]: 0 where there is no
    /// synapse; empty: all exist. A diagonal without synapses has gradients of 0 already.
    SliceUpdate(const LearningConfig& settings, const LearningConfig& rule, double learning_rate,
                std::size_t synapses, std::vector<std::uint8_t> connected = {});

    /// A trial has given `gradient`, its learning window `window_steps`. True: the batch is complete, and its
    /// gradient stands there.
    bool add_trial(std::span<Real> gradient, std::uint32_t window_steps);
    /// Replaces the gradient of a batch by the change of each weight that the optimiser makes of it. `factor`
    /// is that of learning.gradient_clip, a matter of all gradients of the network: 1 if they are short
    /// enough.
    void change(std::span<Real> gradient, Real factor = Real{1});
    /// Takes the loss of weights into the changes: weight_decay, and `feedback_decay` where errors come back
    /// over adaptive feedback of this projection. `weights` as they are read. To be called after change().
    void decay(std::span<Real> change, std::span<const Real> weights, double feedback_decay = 0.0) const;

    /// Sums of the batch, and what the optimiser keeps.
    void serialize(StateArchive& archive);
    std::vector<SliceMemory> memories();

private:
    void cut(std::span<Real> values) const;

    bool average_;
    std::uint64_t batch_;
    double weight_decay_;
    Optimizer<Real> optimizer_;
    std::vector<Real> sum_;  // of the batch; empty: batches of one
    std::uint64_t trials_ = 0;
    std::vector<std::uint8_t> connected_;
};

extern template class SliceUpdate<float>;
extern template class SliceUpdate<double>;

}  // namespace memprop::learning
