// How many cycles the digital parts of a core take, in closed form; tiles: tile_timing.hpp. The modules use
// these functions and nothing else.
//
// n neurons and m readouts on the core, P rows of the blocks onto its neurons and R of those onto its
// readouts, K readouts of the network, s sums of tiles and blocks that are added per neuron; lanes:
// neuron_lanes, learning_lanes.
//     update of a unit = ceil(n s / lanes) + ceil(n / lanes) neuron_cycles   digital sums, then neurons
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
// With several units on a core n P is the sum over its blocks of rows times neurons, and so on.
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
    std::uint64_t network_outputs = 0;
    std::uint64_t trace_rows = 0;                             ///< P + R
    std::uint64_t neuron_synapses = 0, readout_synapses = 0;  ///< n P, m R
    std::uint64_t neuron_sums = 0, readout_sums = 0;          ///< n s, m s

    std::uint64_t synapses() const { return neuron_synapses + readout_synapses; }
    bool operator==(const CoreShape&) const = default;
};

/// The neuron unit on `count` neurons with `sums` partial sums in all.
inline std::uint64_t update_cycles(const ChipConfig& c, std::uint64_t count, std::uint64_t sums) {
    const auto lanes = static_cast<std::uint64_t>(c.neuron_lanes);
    return passes(sums, lanes) + passes(count, lanes) * static_cast<std::uint64_t>(c.neuron_cycles);
}

/// Operations of the learning engine in a time step, each on one lane for a cycle.
inline std::uint64_t learning_operations(const CoreShape& s) {
    return s.neurons * s.network_outputs + s.trace_rows + s.synapses();
}

inline std::uint64_t learning_cycles(const ChipConfig& c, const CoreShape& s) {
    const auto lanes = static_cast<std::uint64_t>(c.learning_lanes);
    return passes(s.neurons * s.network_outputs, lanes) + passes(s.trace_rows, lanes) +
           passes(s.neuron_synapses, lanes) + passes(s.readout_synapses, lanes);
}

inline std::uint64_t trace_operations(const CoreShape& s) {
    return s.trace_rows + s.neuron_synapses;
}

inline std::uint64_t trace_cycles(const ChipConfig& c, const CoreShape& s) {
    const auto lanes = static_cast<std::uint64_t>(c.learning_lanes);
    return passes(s.trace_rows, lanes) + passes(s.neuron_synapses, lanes);
}

inline std::uint64_t reward_operations(const CoreShape& s) {
    return s.neurons * s.network_outputs + s.synapses();
}

inline std::uint64_t reward_cycles(const ChipConfig& c, const CoreShape& s) {
    const auto lanes = static_cast<std::uint64_t>(c.learning_lanes);
    return passes(s.neurons * s.network_outputs, lanes) + passes(s.neuron_synapses, lanes) +
           passes(s.readout_synapses, lanes);
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
