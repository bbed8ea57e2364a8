// One event pass of PROP (state EVT of the event FSM, then SUPP): the spike of neuron i and the input event
// i, served together, are added to all membranes, to the outputs and to the traces of index i.
#pragma once

#include <cstdint>

#include "hw_models/digital_core/core_state.hpp"

namespace memprop::hw {

/// Synaptic operations of the pass of index i: weights of the network added to a membrane. An input event
/// adds a row of W_in (NR + 1), a spike a row of W_rec and one of W_out (NR + 1 + NO + 1); both at once share
/// the pass, not the operations. The neuron that pads an odd number of them to a pair is none of the network.
std::uint32_t fan_out(const CoreState& state, const Registers& registers, std::uint32_t i);

/// First cycle of EVT: W_out row i into the output membranes if neuron i spiked.
void deliver_to_outputs(CoreState& state, const Registers& registers, std::uint32_t i);

/// Write cycles of EVT for neurons [first, last), both even. `noise_moves`: the noise generator runs (it
/// stands still when the global FSM has left PROP).
void deliver_to_neurons(CoreState& state, const Registers& registers, std::uint32_t i, std::uint32_t first,
                        std::uint32_t last, bool noise_moves);

/// SUPP is needed: an input event beyond the recurrent neurons whose trace EVT does not reach.
bool needs_supplement(const CoreState& state, const Registers& registers, std::uint32_t i);

/// Write cycle of SUPP.
void supplement_trace(CoreState& state, const Registers& registers, std::uint32_t i);

}  // namespace memprop::hw
