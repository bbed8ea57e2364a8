#include "learning/eprop/slice_update.hpp"

#include "learning/update/batch_gradient.hpp"

namespace memprop::learning {

template <class Real>
SliceUpdate<Real>::SliceUpdate(const LearningConfig& settings, const LearningConfig& rule,
                               double learning_rate, std::size_t synapses,
                               std::vector<std::uint8_t> connected)
    : average_(settings.average_over_window),
      batch_(static_cast<std::uint64_t>(settings.batch)),
      weight_decay_(rule.weight_decay),
      optimizer_(rule, learning_rate, synapses),
      sum_(batch_ > 1 ? synapses : 0),
      connected_(std::move(connected)) {}

template <class Real>
void SliceUpdate<Real>::cut(std::span<Real> values) const {
    for (std::size_t i = 0; !connected_.empty() && i < values.size(); ++i) {
        if (connected_[i] == 0) {
            values[i] = Real{0};
        }
    }
}

template <class Real>
bool SliceUpdate<Real>::add_trial(std::span<Real> gradient, std::uint32_t window_steps) {
    if (average_) {
        average_over_window(gradient, window_steps);
    }
    ++trials_;
    if (batch_ > 1) {
        const bool complete = trials_ % batch_ == 0;
        add_to_batch(gradient, std::span(sum_), batch_, complete);
        if (!complete) {
            return false;
        }
    }
    cut(gradient);
    return true;
}

template <class Real>
void SliceUpdate<Real>::change(std::span<Real> gradient, Real factor) {
    if (factor != Real{1}) {
        for (Real& g : gradient) {
            g *= factor;
        }
    }
    optimizer_.step(gradient);
}

template <class Real>
void SliceUpdate<Real>::decay(std::span<Real> change, std::span<const Real> weights,
                              double feedback_decay) const {
    const double decay = weight_decay_ + feedback_decay;
    for (std::size_t i = 0; decay > 0.0 && i < change.size(); ++i) {
        if (connected_.empty() || connected_[i] != 0) {
            decay_weights(change.subspan(i, 1), weights.subspan(i, 1), decay);
        }
    }
}

template <class Real>
void SliceUpdate<Real>::serialize(StateArchive& archive) {
    archive("trials", trials_);
    archive("batch_sum", sum_);
    optimizer_.serialize(archive);
}

template <class Real>
std::vector<SliceMemory> SliceUpdate<Real>::memories() {
    MemoryList list;
    serialize(list);
    return list.take();
}

template class SliceUpdate<float>;
template class SliceUpdate<double>;

}  // namespace memprop::learning
