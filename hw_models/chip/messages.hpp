// What flits mean on the chip.
#pragma once

#include <cstdint>

namespace memprop::hw::chip {

/// Tick flits: `address` says what, `value` is the time step (or what the comment says).
enum class Tick : std::uint32_t {
    begin_sample,  ///< host -> cores; value: sample
    settle,        ///< host -> cores: as step, for units without memory alone, before the first step
    step,          ///< host -> cores: all events of sources of the step have been sent
    last_step,     ///< the same; no step follows
    update,        ///< host -> cores: plan and write; value: event
    refresh,       ///< host -> cores: renew saturated pairs; value: event
    measure,       ///< host -> cores: read all weights of a projection; value: its number
    share,         ///< host -> cores: as measure, of the readouts, then send them to the neurons
    square,        ///< host -> cores: sum the squares of the gradients
    scale,         ///< host -> cores: multiply the gradients; value: factor
    adapt,         ///< host -> cores: send the changes of readout weights to the neurons; value: decay
    reward,        ///< host -> cores: the errors that follow hold for the sample that has ended
    optimise,      ///< host -> cores: from the gradients of the sample to changes; value: steps of its window
    core_done,     ///< core -> host: finished what it was told, between time steps
};

// Spike flits: `address` is the event address of the neuron. Graded flits: `value` is a number, `address`
// says of what. Both carry the low bits of their time step in `step`.
inline constexpr std::uint32_t kGradedEvent = 0x0000'0000;     ///< | event address: what a neuron puts out
inline constexpr std::uint32_t kErrorValue = 0x1000'0000;      ///< | readout: error, host -> cores
inline constexpr std::uint32_t kFeedbackValue = 0x2000'0000;   ///< | local feedback word, core -> core
inline constexpr std::uint32_t kFeedbackChange = 0x3000'0000;  ///< the same, what it is to change by
inline constexpr std::uint32_t kGradedMask = 0x0FFF'FFFF;
inline constexpr std::uint32_t kMostAddresses = kGradedMask + 1;  ///< of events

/// Configuration flits: `address` is a word of a core's window, with this bit for a read request; the answer
/// carries the address without it.
inline constexpr std::uint32_t kReadRequest = 0x8000'0000;
/// `step` of a write by the bus, whose arrival is counted; of a read it is the ticket.
inline constexpr std::uint16_t kPostedWrite = 1;

// Barrier flits are the tokens of Fabric: one per node and phase of a time step.

}  // namespace memprop::hw::chip
