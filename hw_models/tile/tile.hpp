// A synapse tile in plain C++: protocol and time around a TileMemory. Cores call it; SynapseTile
// (synapse_tile.hpp) wraps it as a SystemC module for testbenches.
//
// Protocol. A sample: begin_sample, time steps, end_sample. A time step: begin_step, one row_event for each
// word line with a spike, end_step; sums_cycle() tells when the column sums are there, and take_sums() in
// that cycle or later puts them into sums(), where they stay until the next begin_step. Between steps: write,
// refresh, measure; busy_until() tells when each of them is finished, and finish() ends it in that cycle.
// All calls belong to the cycle of the clock. Events of a step may come in any order: the sums are the same
// bits.
//
// Latency: the closed formulas of tile_timing.hpp, exactly. One operation at a time, nothing is pipelined.
// A step without events takes no cycles: the sums are there in the cycle of end_step, they are zero and
// rows_read() is 0, so a tile without spikes adds nothing to a digital sum and is not converted.
// The events of a step are latched, one bit per word line: a tile never refuses an event for want of room.
//
// Misuse is refused with a TileResponse, counted under the same name, and changes nothing:
//     busy            an operation of this tile, or of another tile of its array, is not finished
//     no_step         row_event or end_step without begin_step
//     no_sample       begin_step without begin_sample, end_sample twice
//     duplicate_row   a second event for a word line in the same step
//     out_of_range    a row the tile does not have, a burst of another shape
//
// Modelled and not modelled: crossbar_memory.hpp, sram_memory.hpp, float_memory.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/clock.hpp"
#include "hw_models/tile/tile_memory.hpp"

namespace memprop::hw::tile {

enum class TileResponse : std::uint8_t { accepted, busy, no_step, no_sample, duplicate_row, out_of_range };
inline constexpr std::size_t kTileResponses = 6;
inline constexpr std::array<std::string_view, kTileResponses> kTileResponseNames{
    "accepted", "busy", "no_step", "no_sample", "duplicate_row", "out_of_range"};

/// What a tile does in a cycle.
enum class TileActivity : std::uint8_t {
    idle,
    waiting,
    driving,
    reading_out,
    writing,
    refreshing,
    measuring
};
inline constexpr std::array<std::string_view, 7> kTileActivityNames{
    "idle", "waiting", "driving", "reading_out", "writing", "refreshing", "measuring"};

struct TileStats {
    std::uint64_t samples = 0, steps = 0, steps_with_events = 0, row_events = 0;
    std::uint64_t writes = 0, refreshes = 0, measurements = 0;
    // Cycles in which the tile did this. step_cycles: from end_step to the sums, so what a core waits for.
    std::uint64_t driving_cycles = 0, readout_cycles = 0, step_cycles = 0;
    std::uint64_t write_cycles = 0, refresh_cycles = 0, measure_cycles = 0;
    std::array<std::uint64_t, kTileResponses> responses{};  ///< by TileResponse; those refused are misuse

    std::uint64_t refused(TileResponse why) const { return responses[static_cast<std::size_t>(why)]; }
};

class Tile {
public:
    /// `clock` outlives the tile.
    Tile(std::unique_ptr<TileMemory> memory, ReadMode mode, const Clock& clock);

    std::uint32_t rows() const { return memory_->rows(); }
    std::uint32_t columns() const { return memory_->columns(); }
    /// Whether sums or the end of an operation are still to come.
    bool busy() const { return state_ != State::idle && state_ != State::step; }

    /// Reads that follow belong to `sample` at device time `tick`. A new sample may begin without the end
    /// of the last one.
    TileResponse begin_sample(std::uint32_t sample, std::int32_t tick);
    TileResponse end_sample();
    /// Forgets a step that was begun and will not be ended.
    void abandon_step() { state_ = state_ == State::step ? State::idle : state_; }

    TileResponse begin_step(std::uint32_t step);
    TileResponse row_event(std::uint32_t row) { return row_event_of(row, clock_.cycle); }
    /// The same for an event that came in an earlier cycle and is only told now; in order of cycles.
    TileResponse row_event_of(std::uint32_t row, std::uint64_t cycle);
    /// `key`: the step that the noise of devices belongs to; else that of begin_step.
    TileResponse end_step(std::optional<std::uint32_t> key = std::nullopt);
    /// The cycle in which the sums of the step that was ended last are delivered.
    std::uint64_t sums_cycle() const { return sums_cycle_; }
    void take_sums();
    /// Of the last step: one per column, uS times the read voltage (crossbar) or weight steps (SRAM).
    std::span<const float> sums() const { return sums_; }
    std::uint32_t rows_read() const { return rows_read_; }

    /// The data are latched in this call and take effect when the burst is finished.
    TileResponse write(const WriteBurst& burst);
    TileResponse refresh(const RefreshRequest& request);
    /// A read of every synapse by itself; measured() holds it from its end to the next measure().
    TileResponse measure(std::uint32_t event, std::int32_t tick);
    /// The cycle in which the write, refresh or measurement under way is finished.
    std::uint64_t busy_until() const { return busy_until_; }
    /// Ends it if that cycle has come.
    void finish();
    std::span<const float> measured() const { return measured_; }

    ReadMode read_mode() const { return mode_; }
    const TileStats& stats() const { return stats_; }
    TileActivity activity() const { return activity_at(clock_.cycle); }
    /// In a later cycle, if nobody calls it until then.
    TileActivity activity_at(std::uint64_t cycle) const;
    /// The next cycle after `cycle` in which that changes by itself.
    std::uint64_t activity_changes_after(std::uint64_t cycle) const;
    /// Word lines with an event in the step under way or, after it, in the last one.
    std::span<const std::uint32_t> active_rows() const { return active_rows_; }
    const TileMemory& memory() const { return *memory_; }
    /// Counters of the tile and of its memory, names beginning with `prefix`.
    std::vector<Counter> report(const std::string& prefix) const;
    /// The same counters.
    void record(WordRecord& record);

private:
    enum class State : std::uint8_t { idle, step, reading, writing, refreshing, measuring };

    TileResponse answer(TileResponse response);
    TileResponse start(State state, std::optional<std::uint64_t> cycles, std::uint64_t& operations,
                       std::uint64_t& busy_cycles);
    void end_operation();
    void sort_active_rows();

    std::unique_ptr<TileMemory> memory_;
    const ReadMode mode_;
    const ReadTiming timing_;
    const Clock& clock_;

    State state_ = State::idle;
    bool in_sample_ = false;
    std::uint32_t step_ = 0;
    std::uint64_t sums_cycle_ = 0, busy_until_ = 0;
    std::uint64_t drivers_free_cycle_ = 0;  // from which no word line is driven any more
    std::uint32_t rows_read_ = 0;
    std::vector<std::uint64_t> latched_;  // a bit per row
    std::vector<std::uint32_t> active_rows_;
    std::vector<float> sums_, measured_;
    TileStats stats_;
};

}  // namespace memprop::hw::tile
