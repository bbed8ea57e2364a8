// What the modules of a chip compute on: memories, and the parameters as loaded. Each core touches the
// slices of its own neurons, readouts and tiles only; that they lie side by side is a matter of storage.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "hw_models/chip/weight_array.hpp"
#include "learning/classic.hpp"

namespace memprop::hw::chip {

/// What learning needs of the trial under way.
struct ChipTape {
    std::span<float> pseudo_derivative;    ///< [step][neuron]
    std::span<float> error;                ///< [step][readout]
    std::span<std::uint32_t> spike_count;  ///< [neuron]
};

struct ChipMemory {
    learning::NetworkState<float>& state;
    std::vector<float>& feedback;  ///< [readout][neuron]
    std::array<WeightArray*, 3> weights;
    /// Where the trial under way leaves what learning needs. Null: nobody learns from it.
    ChipTape* tape = nullptr;

    WeightArray& array(learning::ProjectionId id) const { return *weights[static_cast<std::size_t>(id)]; }
};

}  // namespace memprop::hw::chip
