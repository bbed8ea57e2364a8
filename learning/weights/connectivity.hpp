// Which synapses of a projection with a matrix of weights exist.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// [pre][post]: 1 where a synapse may be; null if every one may. The diagonal of a population's projection to
/// itself is not looked at (WeightStoreShape::no_diagonal).
std::shared_ptr<const std::vector<std::uint8_t>> connected(const network::Network& network, ProjectionId id,
                                                           std::uint64_t seed);

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
