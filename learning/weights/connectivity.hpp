// Which synapses exist: sparse projections and stacks of recurrent layers. A stack is one recurrent
// population in equal parts: inputs reach the first part, each part itself and the next one, whose spikes so
// take a step from layer to layer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// [pre][post]: 1 where a synapse may be; null if every one may. The diagonal of w_rec is not looked at.
std::shared_ptr<const std::vector<std::uint8_t>> connect(const ExperimentConfig& config, ProjectionId id);

/// Sets the values of synapses that do not exist to 0.
template <class Real>
void cut_unconnected(const WeightStoreShape& shape, std::span<Real> values) {
    for (std::size_t i = 0; shape.connected != nullptr && i < values.size(); ++i) {
        if ((*shape.connected)[i] == 0) {
            values[i] = Real{0};
        }
    }
}

}  // namespace memprop::learning
