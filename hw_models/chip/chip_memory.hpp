// What the cores of a chip share: arrays whose tiles lie on several cores, and where a trial under way leaves
// what learning on the host needs. Each core touches the slices of its own units and tiles only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hw_models/chip/synapse_block.hpp"
#include "hw_models/chip/weight_array.hpp"

namespace memprop::hw::chip {

/// What learning needs of the trial under way.
struct ChipTape {
    struct PerNeuron {
        std::span<float> values;  ///< [step][neuron]; empty: not asked for
        std::uint32_t neurons = 0;
    };
    std::vector<PerNeuron> pseudo_derivative;  ///< [population]
    std::span<float> error;                    ///< [step][readout]
};

struct ChipMemory {
    std::vector<std::unique_ptr<WeightArray>> arrays;       ///< [projection]; null: numbers of the image
    std::vector<std::unique_ptr<SharedConnection>> shared;  ///< [projection]; null: has none
    std::vector<float>* feedback = nullptr;                 ///< [readout][neuron]
    std::uint32_t feedback_neurons = 0;                     ///< of the whole population
    std::uint64_t words_delivered = 0;                      ///< of those that the bus has posted to cores
    bool members_changed = true;                            ///< other cores than before take part in barriers
    /// Null: nobody learns from the trial under way.
    ChipTape* tape = nullptr;

    WeightArray* array(std::uint32_t projection) const {
        return projection < arrays.size() ? arrays[projection].get() : nullptr;
    }
};

}  // namespace memprop::hw::chip
