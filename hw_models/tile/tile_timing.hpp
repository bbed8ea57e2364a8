// How many cycles a tile takes, in closed form. The memories and the module of a tile use these functions
// and nothing else, so a reported number of cycles can be recomputed by hand.
//
// A time step. k word-line events come in, event i (0 .. k-1, in order of arrival) in cycle a_i; the step
// is ended in cycle e. A word line is driven for `row_cycles`; the sums are out `readout_cycles` after the
// last one. Then the cycle in which the sums are delivered is
//     per_event:      ready = max(e, max_i(a_i + (k - i) row_cycles)) + readout_cycles
//                           = max(e, a + k row_cycles) + readout_cycles if all events come in cycle a
//     per_timestep:   ready = e + row_cycles + readout_cycles, if rows are read together (crossbar),
//                     ready = e + k row_cycles + readout_cycles, if they are not (SRAM)
//     no events:      ready = e: nothing is driven or converted.
//
// Crossbar. With P columns per converter, C columns, c cycles per conversion:
//     readout_cycles = min(P, C) c       ceil(C / P) converters work side by side, those of each slice too
//     write burst    = sum over rows with pulses of [row_select_cycles
//                        + pulse_cycles * sum over groups of columns written together of max pulses]
//                      a synapse's pulses are those that its devices get (slices: the sum of the digits)
//     measurement    = rows (row_cycles + 2 readout_cycles)     both sides of a pair, row by row
//     refresh        = measurement + reset_cycles pairs + pulse_cycles SET pulses
//                        + (row_cycles + 2 c) verifying reads           pair by pair
//     checked write  = write burst + (row_cycles + 2 c) reads
//                        + sum over corrections of [row_select_cycles + pulse_cycles pulses]     synapse by
//                        synapse
//     read of a row  = row_cycles + readout_cycles                       a second array's, to be transferred
//     RESETs         = sum over rows with synapses to RESET of [row_select_cycles
//                        + reset_cycles groups of columns written together with such synapses]
// SRAM. w = ceil(C / floor(word_bits / weight_bits)) words per row, t cycles per access:
//     row_cycles = w t, readout_cycles = 0
//     write burst = 2 t words with a change (read, add, write); measurement = rows w t; refresh = 0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <span>

namespace memprop::hw::tile {

/// When word lines are driven. The sums are the same numbers in both modes.
enum class ReadMode : std::uint8_t {
    per_event,     ///< each event drives its word line as it comes; integrators add up until the step ends
    per_timestep,  ///< events are latched; all word lines are driven when the step ends
};

struct ReadTiming {
    std::uint64_t row_cycles = 1;
    std::uint64_t readout_cycles = 0;
    bool rows_together = true;  ///< a per_timestep read drives all its word lines at once
};

/// per_event: the cycle in which the drivers are free again after an event in cycle `arrival`.
constexpr std::uint64_t drivers_free_after(const ReadTiming& timing, std::uint64_t free_cycle,
                                           std::uint64_t arrival) {
    return std::max(free_cycle, arrival) + timing.row_cycles;
}

/// per_timestep: cycles in which word lines are driven for `events` events.
constexpr std::uint64_t batch_cycles(const ReadTiming& timing, std::uint64_t events) {
    return events == 0 ? 0 : timing.rows_together ? timing.row_cycles : events * timing.row_cycles;
}

/// Cycles from `end_step` to the sums if all `events` events came `lead` cycles before it.
constexpr std::uint64_t step_cycles(const ReadTiming& timing, ReadMode mode, std::uint64_t events,
                                    std::uint64_t lead) {
    if (events == 0) {
        return 0;
    }
    const std::uint64_t driven =
        mode == ReadMode::per_timestep ? batch_cycles(timing, events) : events * timing.row_cycles;
    const std::uint64_t hidden = mode == ReadMode::per_timestep ? 0 : std::min(lead, driven);
    return driven - hidden + timing.readout_cycles;
}

/// A part of an array of numbers, one per synapse: element (row, column) is first[row * row_stride + column].
template <class T>
struct SynapseView {
    const T* first = nullptr;
    std::size_t row_stride = 0;
    std::uint32_t rows = 0, columns = 0;

    std::span<const T> row(std::uint32_t r) const { return {first + r * row_stride, columns}; }
};

// Crossbar.

struct CrossbarTiming {
    std::uint32_t drive_cycles = 1;           ///< a word line is driven (and the columns integrate)
    std::uint32_t columns_per_converter = 1;  ///< converted one after the other
    std::uint32_t conversion_cycles = 1;
    std::uint32_t row_select_cycles = 1;  ///< before the pulses of a word line
    std::uint32_t pulse_cycles = 1;       ///< one SET pulse, with the pause after it
    std::uint32_t reset_cycles = 1;       ///< RESET of the devices of one synapse, all at once
    std::uint32_t columns_written_together = 1;
};

constexpr ReadTiming read_timing(const CrossbarTiming& t, std::uint32_t columns) {
    return {.row_cycles = t.drive_cycles,
            .readout_cycles = std::uint64_t{std::min(t.columns_per_converter, columns)} * t.conversion_cycles,
            .rows_together = true};
}

constexpr std::uint64_t converters(const CrossbarTiming& t, std::uint32_t columns) {
    return (columns + t.columns_per_converter - 1) / t.columns_per_converter;
}

/// What a write burst consists of.
struct WriteWork {
    std::uint64_t rows = 0;    ///< word lines selected
    std::uint64_t slots = 0;   ///< crossbar: pulse slots, one after the other; SRAM: words rewritten
    std::uint64_t pulses = 0;  ///< crossbar: SET pulses; SRAM: weights changed
    std::uint64_t cycles = 0;
};

/// steps: per synapse, > 0 on G+, < 0 on G-; given(n): how many pulses the devices of a synapse get for n of
/// them. The pulses of one synapse follow each other, those of the synapses of a group run side by side.
template <class Given>
WriteWork write_work(const CrossbarTiming& t, const SynapseView<std::int16_t>& steps, const Given& given) {
    WriteWork work;
    for (std::uint32_t r = 0; r < steps.rows; ++r) {
        const auto row = steps.row(r);
        const std::uint64_t slots_before = work.slots;
        for (std::size_t c = 0; c < row.size(); c += t.columns_written_together) {
            std::uint32_t most = 0, sum = 0;
            for (const int p :
                 row.subspan(c, std::min<std::size_t>(t.columns_written_together, row.size() - c))) {
                const std::uint32_t pulses = given(static_cast<std::uint32_t>(std::abs(p)));
                most = std::max(most, pulses);
                sum += pulses;
            }
            work.slots += most;
            work.pulses += sum;
        }
        work.rows += work.slots != slots_before;
    }
    work.cycles = work.rows * t.row_select_cycles + work.slots * t.pulse_cycles;
    return work;
}

/// Of devices without slices.
inline WriteWork write_work(const CrossbarTiming& t, const SynapseView<std::int16_t>& pulses) {
    return write_work(t, pulses, std::identity());
}

constexpr std::uint64_t measure_cycles(const CrossbarTiming& t, std::uint32_t rows, std::uint32_t columns) {
    return rows * (t.drive_cycles + 2 * read_timing(t, columns).readout_cycles);
}

/// What a refresh did in one tile, besides the measurement it starts with.
struct RefreshWork {
    std::uint64_t pairs = 0, reset_pulses = 0, set_pulses = 0, verify_reads = 0;
};

constexpr std::uint64_t refresh_cycles(const CrossbarTiming& t, std::uint32_t rows, std::uint32_t columns,
                                       const RefreshWork& work) {
    return measure_cycles(t, rows, columns) + work.pairs * t.reset_cycles + work.set_pulses * t.pulse_cycles +
           work.verify_reads * (std::uint64_t{t.drive_cycles} + 2 * std::uint64_t{t.conversion_cycles});
}

/// What checking did in one tile, besides the write burst that it follows.
struct VerifyWork {
    std::uint64_t reads = 0, corrections = 0, correction_pulses = 0;
};

constexpr std::uint64_t verify_cycles(const CrossbarTiming& t, const VerifyWork& work) {
    return work.reads * (std::uint64_t{t.drive_cycles} + 2 * std::uint64_t{t.conversion_cycles}) +
           work.corrections * t.row_select_cycles + work.correction_pulses * t.pulse_cycles;
}

constexpr std::uint64_t row_read_cycles(const CrossbarTiming& t, std::uint32_t columns) {
    return t.drive_cycles + read_timing(t, columns).readout_cycles;
}

/// RESETs of single synapses.
struct ResetWork {
    std::uint64_t rows = 0, synapses = 0, cycles = 0;
};

inline ResetWork reset_work(const CrossbarTiming& t, const SynapseView<std::uint8_t>& marked) {
    ResetWork work;
    std::uint64_t groups = 0;
    for (std::uint32_t r = 0; r < marked.rows; ++r) {
        const auto row = marked.row(r);
        const std::uint64_t groups_before = groups;
        for (std::size_t c = 0; c < row.size(); c += t.columns_written_together) {
            const auto group =
                row.subspan(c, std::min<std::size_t>(t.columns_written_together, row.size() - c));
            const auto of_group = std::count_if(group.begin(), group.end(), [](auto m) { return m != 0; });
            work.synapses += static_cast<std::uint64_t>(of_group);
            groups += of_group != 0;
        }
        work.rows += groups != groups_before;
    }
    work.cycles = work.rows * t.row_select_cycles + groups * t.reset_cycles;
    return work;
}

// SRAM.

struct SramTiming {
    std::uint32_t weight_bits = 8;
    std::uint32_t word_bits = 64;
    std::uint32_t access_cycles = 1;
};

constexpr std::uint32_t weights_per_word(const SramTiming& t) {
    return t.word_bits / t.weight_bits;
}

constexpr std::uint64_t words_per_row(const SramTiming& t, std::uint32_t columns) {
    return (columns + weights_per_word(t) - 1) / weights_per_word(t);
}

constexpr ReadTiming read_timing(const SramTiming& t, std::uint32_t columns) {
    return {.row_cycles = words_per_row(t, columns) * t.access_cycles,
            .readout_cycles = 0,
            .rows_together = false};
}

template <class Change>
WriteWork write_work(const SramTiming& t, const SynapseView<Change>& changes) {
    WriteWork work;
    for (std::uint32_t r = 0; r < changes.rows; ++r) {
        const auto row = changes.row(r);
        const std::uint64_t words_before = work.slots;
        for (std::size_t c = 0; c < row.size(); c += weights_per_word(t)) {
            std::uint64_t changed = 0;
            for (const Change d :
                 row.subspan(c, std::min<std::size_t>(weights_per_word(t), row.size() - c))) {
                changed += d != Change{0};
            }
            work.slots += changed != 0;
            work.pulses += changed;
        }
        work.rows += work.slots != words_before;
    }
    work.cycles = 2 * work.slots * t.access_cycles;
    return work;
}

constexpr std::uint64_t measure_cycles(const SramTiming& t, std::uint32_t rows, std::uint32_t columns) {
    return rows * words_per_row(t, columns) * t.access_cycles;
}

}  // namespace memprop::hw::tile
