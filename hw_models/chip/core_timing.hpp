// How many cycles the digital parts of a core take, in closed form; tiles: tile_timing.hpp. The modules use
// these functions and nothing else.
//
// n neurons and m readouts on the core, P word lines of its neurons (inputs and recurrent neurons), R of its
// readouts, K readouts of the network, s tiles summed per column; lanes: neuron_lanes, learning_lanes.
//     neuron update  = ceil(n s / lanes) + ceil(n / lanes) neuron_cycles     digital sums, then neurons
//     readout update = ceil(m s / lanes) + ceil(m / lanes) neuron_cycles
//     learning, each step, in learning_lanes L:
//         ceil(n K / L)            learning signals sum_k B_jk err_k
//         + ceil((P + R) / L)      presynaptic traces
//         + ceil(n P / L)          eligibility traces and gradients of the neurons' synapses
//         + ceil(m R / L)          gradients of the readouts' synapses
//       and for a reward, each step
//         ceil((P + R) / L) + ceil(n P / L)                                  traces, summed over the window
//       and after the sample
//         ceil(n K / L) + ceil(n P / L) + ceil(m R / L)                      signals, gradients
//     objective unit = K                                                     at the host, errors of a step
//     update planning = update_cycles ceil((n P + m R) / L)                  optimiser and update scheme
//     transfer = longest of the fast tiles (fast_tile.hpp)                   schemes with a fast array
//                         + sum over rows read of d ceil(columns / L)        d numbers per synapse
//     limit of the gradient = ceil((n P + m R) / L), twice if it is exceeded squares; products
//     adaptive feedback     = ceil(n K / L)                                  when all changes have come
// These are the cycles of the online form of e-prop; `learning.gradient = "factorised"` computes the same
// gradient at less cost to the simulation, not to the chip.
#pragma once

#include <cstdint>

#include "hw_models/chip/chip_config.hpp"

namespace memprop::hw::chip {

constexpr std::uint64_t passes(std::uint64_t items, std::uint64_t lanes) {
    return (items + lanes - 1) / lanes;
}

/// What a core holds.
struct CoreShape {
    std::uint64_t neurons = 0, readouts = 0;
    std::uint64_t neuron_inputs = 0;   ///< P
    std::uint64_t readout_inputs = 0;  ///< R
    std::uint64_t network_outputs = 0;
    std::uint64_t neuron_tiles = 0, readout_tiles = 0;  ///< summed per column

    std::uint64_t synapses() const { return neurons * neuron_inputs + readouts * readout_inputs; }
};

inline std::uint64_t update_cycles_of_layer(const ChipConfig& c, std::uint64_t count, std::uint64_t tiles) {
    const auto lanes = static_cast<std::uint64_t>(c.neuron_lanes);
    return passes(count * tiles, lanes) + passes(count, lanes) * static_cast<std::uint64_t>(c.neuron_cycles);
}

inline std::uint64_t neuron_cycles(const ChipConfig& c, const CoreShape& s) {
    return update_cycles_of_layer(c, s.neurons, s.neuron_tiles);
}

inline std::uint64_t readout_cycles(const ChipConfig& c, const CoreShape& s) {
    return update_cycles_of_layer(c, s.readouts, s.readout_tiles);
}

/// Operations of the learning engine in a time step, each on one lane for a cycle.
inline std::uint64_t learning_operations(const CoreShape& s) {
    return s.neurons * s.network_outputs + s.neuron_inputs + s.readout_inputs + s.synapses();
}

inline std::uint64_t learning_cycles(const ChipConfig& c, const CoreShape& s) {
    const auto lanes = static_cast<std::uint64_t>(c.learning_lanes);
    return passes(s.neurons * s.network_outputs, lanes) + passes(s.neuron_inputs + s.readout_inputs, lanes) +
           passes(s.neurons * s.neuron_inputs, lanes) + passes(s.readouts * s.readout_inputs, lanes);
}

inline std::uint64_t trace_operations(const CoreShape& s) {
    return s.neuron_inputs + s.readout_inputs + s.neurons * s.neuron_inputs;
}

inline std::uint64_t trace_cycles(const ChipConfig& c, const CoreShape& s) {
    const auto lanes = static_cast<std::uint64_t>(c.learning_lanes);
    return passes(s.neuron_inputs + s.readout_inputs, lanes) + passes(s.neurons * s.neuron_inputs, lanes);
}

inline std::uint64_t reward_operations(const CoreShape& s) {
    return s.neurons * s.network_outputs + s.synapses();
}

inline std::uint64_t reward_cycles(const ChipConfig& c, const CoreShape& s) {
    const auto lanes = static_cast<std::uint64_t>(c.learning_lanes);
    return passes(s.neurons * s.network_outputs, lanes) + passes(s.neurons * s.neuron_inputs, lanes) +
           passes(s.readouts * s.readout_inputs, lanes);
}

constexpr std::uint64_t objective_cycles(std::uint64_t outputs) {
    return outputs;
}

/// A pass of the learning engine over the synapses of the core.
inline std::uint64_t synapse_pass_cycles(const ChipConfig& c, const CoreShape& s) {
    return passes(s.synapses(), static_cast<std::uint64_t>(c.learning_lanes));
}

/// The learning engine's work on rows of a fast array, each of so many columns.
inline std::uint64_t transfer_pass_cycles(const ChipConfig& c, std::uint64_t columns, std::uint64_t rows) {
    return rows * passes(columns, static_cast<std::uint64_t>(c.learning_lanes));
}

inline std::uint64_t adaptation_cycles(const ChipConfig& c, const CoreShape& s) {
    return passes(s.neurons * s.network_outputs, static_cast<std::uint64_t>(c.learning_lanes));
}

inline std::uint64_t planning_cycles(const ChipConfig& c, const CoreShape& s) {
    return static_cast<std::uint64_t>(c.update_cycles) * synapse_pass_cycles(c, s);
}

}  // namespace memprop::hw::chip
