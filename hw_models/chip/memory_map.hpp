// The memory map of a chip, as its host sees it: 32-bit byte addresses, words of 32 bits, little-endian;
// numbers are IEEE 754 single precision unless said otherwise. The tables (memory_map.cpp) are the one
// description: decoding, `memprop config --chip-map` and the C header of firmware come from them.
//
//   0x0000'0000  host interface
//   0x1000'0000 + c * 0x1'0000  window of core c = y * mesh_width + x: its words 0 .. 0x1FFF, then, from
//   0x8000 on,
//                               the words of the page that page[c] of the host interface selects
//
// Words of a core (31 bits of word addresses)
//   0x0000       registers: enum CoreRegister
//   0x0400       counters, 64 bits each, low word first, in the order of CoreStats
//   0x1'0000     owner table: rows of 4 words: first neuron, count, node; 1 unused
//   0x8'0000     events that wait: rows of 4 words: steps from the next one, block, row, value
//   0x100'0000   feedback weights of the core's neurons: word k * neurons + j
//   0x200'0000   state of a unit (unit_state.hpp), after register save_state, before restore_state; a write
//   of
//                its first word begins another one
//   0x300'0000   learning memory: feedback weights, traces, gradients and sums of the learning engine, one
//   array after
//                the other as learning::SliceLearner and SliceUpdate name them (docs/chip_image.md)
//   0x400'0000 + t * 0x40'0000, word row * columns + column: weights of tile t. W: the initial weights, put
//   on the
//                devices by command program. R: the values found by the last command measure. Debug access
//                reads the exact noise-free weights.
//   0x4000'0000  image (core_image.hpp); register `image` with the number of its words loads it
//
// Answers: BusStatus. Each refusal is counted in HostStats and changes nothing. Writes to a core's window are
// posted and so answered ok; words that do not exist and values that are not allowed are counted there
// (refused_flits) and change nothing, events without axon row too (unmapped_events).
#pragma once

#include <cstdint>

#include "hw_models/bus/register_table.hpp"

namespace memprop::hw::chip {

/// Address of an event out: with this bit the value of a neuron, else a spike.
inline constexpr std::uint32_t kGradedOut = 0x8000'0000;
inline constexpr std::uint32_t kNoEvent = 0xFFFF'FFFF;

inline constexpr std::uint32_t kIdentity = 0x4D50'5252;

/// No projection: what readouts are read from.
inline constexpr std::uint32_t kNoProjection = 0xFFFF'FFFF;

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
    settle = 11,
    optimise = 12,
};
inline constexpr Command kLastCommand = Command::optimise;

/// What the learning engines do in the time steps of a sample.
enum class LearningMode : std::uint32_t {
    off,
    errors,  ///< learn from the errors of each step
    reward,  ///< keep traces; the errors, the same for all steps, come after the sample (command reward)
    between_steps,  ///< as errors, and weights may change between the steps: command update within the sample
    on_chip,  ///< as errors; the engines keep traces and gradients themselves, command optimise asks for
              ///< changes
};
inline constexpr LearningMode kLastLearningMode = LearningMode::on_chip;

enum class CoreRegister : std::uint32_t {
    units,           ///< R
    blocks,          ///< R
    tiles,           ///< R
    status,          ///< R: bit 0: busy
    state_words,     ///< R: of the state that was saved last
    image,           ///< W, R: words of the image memory that are the image; 0: none
    outputs,         ///< W, R: readouts of the network; before the image
    device_tick,     ///< W, R: device time, in update intervals
    event,           ///< W, R: number of the update or measurement that follows
    learns,          ///< W, R: LearningMode
    first_step,      ///< W, R: number of the first step of a sample
    keeps_state,     ///< W, R: 1: a sample goes on where the last one ended
    steps_done,      ///< W, R: before the next step, for delays that have not filled yet
    neuron_owners,   ///< W, R: entries of the owner table, for shared feedback
    save_state,      ///< W, R: unit whose state goes to the state memory
    restore_state,   ///< W, R: unit that takes it from there
    pending_events,  ///< W, R: rows of waiting events, which replace those that wait
    learning_words,  ///< R: of the learning memory
    count,
};

inline constexpr std::uint32_t kCoreCounterWords = 0x0400, kOwnerWords = 0x1'0000, kPendingWords = 0x8'0000,
                               kFeedbackWords = 0x100'0000, kStateWords = 0x200'0000,
                               kLearningWords = 0x300'0000, kTileWords = 0x400'0000, kTileStride = 0x40'0000,
                               kMostTiles = 240, kImageWords = 0x4000'0000, kCoreWords = 0x8000'0000,
                               kPageWords = 0x2000;
static_assert(kTileWords + kMostTiles * kTileStride == kImageWords);

/// A population that the host feeds: events first .. first + count - 1 leave along the tree.
inline constexpr std::uint32_t kMostSources = 64;

namespace host_register {
inline constexpr std::uint32_t identity = 0x000, cores = 0x004, command = 0x008, status = 0x00C, step = 0x010,
                               sample = 0x014, device_tick = 0x018, event = 0x01C, projection = 0x020,
                               learn = 0x024, label = 0x028, window = 0x02C, event_in = 0x030,
                               event_in_room = 0x034, event_out = 0x038, event_out_level = 0x03C,
                               loss = 0x040, factor = 0x048, first_step = 0x04C, graded_in = 0x050,
                               outputs = 0x054, first_output = 0x058, loss_kind = 0x05C, cores_used = 0x060,
                               phases = 0x064, router = 0x068, events_per_step = 0x06C, counters = 0x100,
                               sources = 0x400, targets = 0x1'0000, tree_rows = 0x10'0000, pages = 0x20'0000,
                               windows = 0x1000'0000;
inline constexpr std::uint32_t source_stride = 0x10, window_stride = 0x1'0000, page_offset = 0x8000;
}  // namespace host_register

/// The map with the sizes that all chips have room for; chips check what they have.
const bus::RegisterTable& chip_map();

}  // namespace memprop::hw::chip
