// The memory map of a chip, as its host sees it through the TLM-2.0 socket. Byte addresses; words of 32 bits,
// little-endian; numbers are IEEE 754 single precision unless said otherwise. W: write, R: read.
//
// Host interface
//   0x000 R  identity        0x4D50'5250
//   0x004 R  cores           of the plan
//   0x008 W  command         Command; refused while busy and out of turn: ticks belong between begin_sample
//                and last_tick, nothing else does but update if learn is between_steps
//   0x00C R  status          bit 0: busy, bit 1: an error was counted; W: clears bit 1
//   0x010 W  step            the time step that the next command tick begins: the first step, then one more
//                each time
//   0x014 W  sample, 0x018 W device tick, 0x01C W event, 0x020 W projection, 0x024 W learn: LearningMode
//   0x028 W  label (-1: targets), 0x02C W  learning window (1: errors count in this step)
//   0x030 W  event in: one input spike of the next step per word; refused when the FIFO is full
//   0x034 R  room in the FIFO of event in
//   0x038 R  event out: two words: neuron's address and step of a spike, or number of a
//                readout | 0x8000'0000 and its value (0xFFFF'FFFF: no event)
//   0x03C R  level of the FIFO of event out, in events
//   0x040 R  loss of the sample, double, low word first, 0x044 high word
//   0x048 W  factor          limit_gradient: of the gradients; adapt_feedback: part of the feedback lost
//   0x04C W  first step      of the sample that the next begin_sample begins; 0 if never written
//   0x080 R  counters, 64 bits each, low word first, in the order of HostStats
//   0x1000 W targets of the step, one per readout; for command reward the errors
//   0x0100'0000 W, R router tables: word (node * trees + tree) = input port | output mask << 8
// Core c (its number in the plan): base (c + 1) << 33. Word offsets:
//   0x0000 W, R  core registers: enum CoreRegister
//   0x0100 W, R  neuron parameters: neuron_registers.hpp
//   0x0400 R     counters, 64 bits each, low word first, in the order of CoreStats
//   0x1000 W, R  axon table: rows of 8 words: first address, count, tile, first row, delay; 3 unused
//   0x1'0000 W, R owner table: rows of 4 words: first neuron, count, node; 1 unused
//   0x10'0000 + m * 0x1'0000, word j: memory m of neuron j of the core: enum NeuronMemory
//   0x100'0000 W, R  feedback weights of the core's neurons: word k * neurons + j
//   0x400'0000 + t * 0x40'0000, word row * columns + column: weights of tile t. W: the initial weights, put
//       on the devices by command program. R: the values found by the last command measure. Debug
//       transport reads the exact noise-free weights.
//
// Answers: TLM_ADDRESS_ERROR_RESPONSE outside the map, TLM_COMMAND_ERROR_RESPONSE for a read of a W word or a
// write to an R word, TLM_BURST_ERROR_RESPONSE unless address and length are multiples of 4,
// TLM_GENERIC_ERROR_RESPONSE for a refused command, a full FIFO and values that are not allowed. Each is
// counted in HostStats and changes nothing; in a burst, words before a refused one have been done. Writes to
// a core's window are posted and so answered TLM_OK_RESPONSE; words that do not exist and values that are not
// allowed are counted there (refused_flits) and change nothing, spikes without axon row too
// (unmapped_events).
#pragma once

#include <cstdint>

namespace memprop::hw::chip {

/// Address of an event out: a readout's number with this bit, else that of a spike.
inline constexpr std::uint32_t kReadoutEvent = 0x8000'0000;
inline constexpr std::uint32_t kNoEvent = 0xFFFF'FFFF;

inline constexpr std::uint32_t kIdentity = 0x4D50'5250;

namespace host_register {
inline constexpr std::uint64_t identity = 0x000, cores = 0x004, command = 0x008, status = 0x00C, step = 0x010,
                               sample = 0x014, device_tick = 0x018, event = 0x01C, projection = 0x020,
                               learn = 0x024, label = 0x028, window = 0x02C, event_in = 0x030,
                               event_in_room = 0x034, event_out = 0x038, event_out_level = 0x03C,
                               loss = 0x040, factor = 0x048, first_step = 0x04C, counters = 0x080,
                               targets = 0x1000, routers = 0x0100'0000;
}  // namespace host_register

enum class Command : std::uint32_t {
    begin_sample = 1,
    tick = 2,
    last_tick = 3,
    update = 4,
    measure = 5,
    share_feedback = 6,
    program = 7,
    limit_gradient = 8,
    adapt_feedback = 9,
    reward = 10,
};

inline constexpr Command kLastCommand = Command::reward;

/// What the learning engines do in the time steps of a sample.
enum class LearningMode : std::uint32_t {
    off,
    errors,  ///< learn from the errors of each step
    reward,  ///< keep traces; the errors, the same for all steps, come after the sample (command reward)
    between_steps,  ///< as errors, and weights may change between the steps: command update within the sample
};
inline constexpr LearningMode kLastLearningMode = LearningMode::between_steps;

enum class CoreRegister : std::uint32_t {
    first_neuron,    ///< R
    neurons,         ///< R
    first_readout,   ///< R
    readouts,        ///< R
    tiles,           ///< R
    spike_tree,      ///< W, R: multicast tree of its spikes
    cores_to_await,  ///< W, R: cores with neurons
    device_tick,     ///< W, R: device time, in update intervals
    event,           ///< W, R: number of the update or measurement that follows
    learns,          ///< W, R: LearningMode
    axon_ranges,     ///< W, R: rows of the axon table in use
    neuron_owners,   ///< W, R: entries of the owner table, for shared feedback
    status,          ///< R: bit 0: busy
    first_step,      ///< W, R: number of the first step of a sample
    count,
};

enum class NeuronMemory : std::uint32_t {
    membrane,
    spike,
    adaptation,
    silent,
    beta,
    alpha,
    gain,
    readout,        ///< y of the core's readouts
    readout_input,  ///< and what reaches them in the next step if the readout delay is 1
    count,
};

inline constexpr std::uint32_t kNeuronParameterWords = 0x0100, kCoreCounterWords = 0x0400,
                               kAxonWords = 0x1000, kAxonRowWords = 8, kOwnerWords = 0x1'0000,
                               kNeuronMemoryWords = 0x10'0000, kNeuronMemoryStride = 0x1'0000,
                               kFeedbackWords = 0x100'0000, kTileWords = 0x400'0000, kTileStride = 0x40'0000,
                               kMostTiles = 496, kCoreWords = 0x8000'0000;

constexpr std::uint64_t core_address(std::uint64_t core, std::uint64_t word) {
    return (core + 1) << 33 | word << 2;
}

}  // namespace memprop::hw::chip
