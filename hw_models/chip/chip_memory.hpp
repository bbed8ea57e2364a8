// What the modules of a chip compute on: memories, and the parameters as loaded. Each core touches the
// slices of its own neurons, readouts and tiles only; that they lie side by side is a matter of storage.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hw_models/chip/weight_array.hpp"
#include "learning/network/forward.hpp"

namespace memprop::hw::chip {

struct ChipMemory {
    learning::NetworkState<float>& state;
    std::vector<float>& feedback;  ///< [readout][neuron]
    std::array<WeightArray*, 3> weights;
    /// Where the trial under way leaves what learning needs: pseudo-derivatives, errors, spike counts. Null:
    /// nobody learns from it.
    learning::Tape<float>* tape = nullptr;

    WeightArray& array(learning::ProjectionId id) const { return *weights[static_cast<std::size_t>(id)]; }
};

}  // namespace memprop::hw::chip
