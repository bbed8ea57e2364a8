// The state STEP: threshold, leak and reset of all LIF neurons, decay of their traces, leak of the outputs.
// Two cycles per pair of neurons (read, write); cycle c < 16 also serves output c.
#pragma once

#include <cstdint>

#include "hw_models/digital_core/core_state.hpp"

namespace memprop::hw {

/// Neurons [first, last), both even: the pairs whose write cycle is done.
void step_neurons(CoreState& state, const Registers& registers, std::uint32_t first, std::uint32_t last);

/// Outputs served by STEP cycles [first, last); cycles from 16 on serve none.
void step_outputs(CoreState& state, const Registers& registers, std::uint32_t first, std::uint32_t last);

/// Index of the largest output membrane; of equals the lowest.
std::uint32_t winning_output(const CoreState& state, const Registers& registers);

}  // namespace memprop::hw
