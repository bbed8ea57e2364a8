// SystemC modules of synapse tiles: MemristiveTile, SramTile and FloatTile, which share protocol, interface
// and time.
//
// Protocol. A sample: begin_sample, time steps, end_sample. A time step: begin_step, one row_event for each
// word line with a spike, end_step; sums_event follows when the column sums are in sums(), where they stay
// until the next begin_step. Between steps: write, refresh, measure; done_event follows each of them.
// Calls are made by processes that run at multiples of the clock period; one made between two of them
// counts as made at the earlier one. Events of a step may come in any order: the sums are the same bits.
//
// Latency: the closed formulas of tile_timing.hpp, exactly. One operation at a time, nothing is pipelined.
// A step without events takes no cycles: sums_event comes in the cycle of end_step, the sums are zero and
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
// Event-gated: no clock. The process of a tile runs once for each step with events and for each operation
// that takes cycles, in the cycle in which it is finished, and never else.
// Modelled and not modelled: crossbar_memory.hpp, sram_memory.hpp, float_memory.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <systemc>
#include <vector>

#include "hw_models/tile/crossbar_memory.hpp"
#include "hw_models/tile/float_memory.hpp"
#include "hw_models/tile/sram_memory.hpp"

namespace memprop::hw::tile {

enum class TileResponse : std::uint8_t { accepted, busy, no_step, no_sample, duplicate_row, out_of_range };
inline constexpr std::size_t kTileResponses = 6;
inline constexpr std::array<std::string_view, kTileResponses> kTileResponseNames{
    "accepted", "busy", "no_step", "no_sample", "duplicate_row", "out_of_range"};

class SynapseTileIf : public virtual sc_core::sc_interface {
public:
    virtual std::uint32_t rows() const = 0;
    virtual std::uint32_t columns() const = 0;
    /// Whether sums or the end of an operation are still to come.
    virtual bool busy() const = 0;

    /// Reads that follow belong to `sample` at device time `tick`. A new sample may begin without the end
    /// of the last one.
    virtual TileResponse begin_sample(std::uint32_t sample, std::int32_t tick) = 0;
    virtual TileResponse end_sample() = 0;

    virtual TileResponse begin_step(std::uint32_t step) = 0;
    virtual TileResponse row_event(std::uint32_t row) = 0;
    /// The same for an event that came in an earlier cycle and is only told now; in order of cycles.
    virtual TileResponse row_event_of(std::uint32_t row, std::uint64_t cycle) = 0;
    virtual TileResponse end_step() = 0;
    virtual const sc_core::sc_event& sums_event() const = 0;
    /// From now on sums_event() stays silent and the tile's process does not run for reads: the caller looks
    /// at sums_cycle() after end_step() and calls take_sums() in that cycle or later. Saves two wake-ups a
    /// read.
    virtual void poll_sums() = 0;
    /// The cycle in which the sums of the step that was ended last are delivered.
    virtual std::uint64_t sums_cycle() const = 0;
    virtual void take_sums() = 0;
    /// Of the last step: one per column, uS times the read voltage (crossbar) or weight steps (SRAM).
    virtual std::span<const float> sums() const = 0;
    virtual std::uint32_t rows_read() const = 0;

    /// The data are latched in this call and take effect when the burst is finished.
    virtual TileResponse write(const WriteBurst& burst) = 0;
    virtual TileResponse refresh(const RefreshRequest& request) = 0;
    /// A read of every synapse by itself; measured() holds it from done_event to the next measure().
    virtual TileResponse measure(std::uint32_t event, std::int32_t tick) = 0;
    virtual const sc_core::sc_event& done_event() const = 0;
    virtual std::span<const float> measured() const = 0;
};

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

class SynapseTile : public sc_core::sc_module, protected SynapseTileIf {
public:
    sc_core::sc_export<SynapseTileIf> port{"port"};

    const sc_core::sc_time& clock_period() const { return period_; }
    std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }
    ReadMode read_mode() const { return mode_; }
    const TileStats& stats() const { return stats_; }
    /// How often the process ran.
    std::uint64_t activations() const { return activations_; }
    TileActivity activity() const;
    /// Word lines with an event in the step under way or, after it, in the last one.
    std::span<const std::uint32_t> active_rows() const { return active_rows_; }
    const TileMemory& memory() const { return *memory_; }
    /// Counters of the tile and of its memory, names beginning with `prefix`.
    std::vector<Counter> report(const std::string& prefix) const;
    /// The same counters.
    void record(WordRecord& record);

protected:
    SynapseTile(const sc_core::sc_module_name& name, std::unique_ptr<TileMemory> memory, ReadMode mode,
                const sc_core::sc_time& clock_period);

private:
    enum class State : std::uint8_t { idle, step, reading, writing, refreshing, measuring };

    std::uint32_t rows() const override { return memory_->rows(); }
    std::uint32_t columns() const override { return memory_->columns(); }
    bool busy() const override { return state_ != State::idle && state_ != State::step; }
    TileResponse begin_sample(std::uint32_t sample, std::int32_t tick) override;
    TileResponse end_sample() override;
    TileResponse begin_step(std::uint32_t step) override;
    TileResponse row_event(std::uint32_t row) override { return row_event_of(row, cycle()); }
    TileResponse row_event_of(std::uint32_t row, std::uint64_t cycle) override;
    TileResponse end_step() override;
    const sc_core::sc_event& sums_event() const override { return sums_ready_; }
    void poll_sums() override { polled_ = true; }
    std::uint64_t sums_cycle() const override { return sums_cycle_; }
    void take_sums() override;
    std::span<const float> sums() const override { return sums_; }
    std::uint32_t rows_read() const override { return rows_read_; }
    TileResponse write(const WriteBurst& burst) override;
    TileResponse refresh(const RefreshRequest& request) override;
    TileResponse measure(std::uint32_t event, std::int32_t tick) override;
    const sc_core::sc_event& done_event() const override { return done_; }
    std::span<const float> measured() const override { return measured_; }

    TileResponse answer(TileResponse response);
    TileResponse start(State state, std::optional<std::uint64_t> cycles, std::uint64_t& operations,
                       std::uint64_t& busy_cycles);
    void finish_in(std::uint64_t cycles);
    void run();
    void finish();

    std::unique_ptr<TileMemory> memory_;
    const ReadMode mode_;
    const ReadTiming timing_;
    const sc_core::sc_time period_;
    sc_core::sc_event due_, sums_ready_, done_;

    State state_ = State::idle;
    bool in_sample_ = false;
    std::uint32_t step_ = 0;
    bool polled_ = false;
    std::uint64_t sums_cycle_ = 0;
    std::uint64_t drivers_free_cycle_ = 0;  // from which no word line is driven any more
    std::uint32_t rows_read_ = 0;
    std::vector<bool> latched_;
    std::vector<std::uint32_t> active_rows_;
    std::vector<float> sums_, measured_;
    TileStats stats_;
    std::uint64_t activations_ = 0;
};

/// Tile number `tile` of `array` (tiled_array.hpp), which must live as long.
class MemristiveTile : public SynapseTile {
public:
    MemristiveTile(const sc_core::sc_module_name& name, TiledArray& array, std::size_t tile,
                   const CrossbarTileParams& params, const sc_core::sc_time& clock_period)
        : SynapseTile(name,
                      std::make_unique<CrossbarMemory>(array, tile, params, static_cast<const char*>(name)),
                      params.read_mode, clock_period) {}
};

/// Region `region` of a matrix of floating-point weights, which must live as long.
class FloatTile : public SynapseTile {
public:
    FloatTile(const sc_core::sc_module_name& name, const FloatMatrix& weights, const TileRegion& region,
              const SramTileParams& params, const sc_core::sc_time& clock_period)
        : SynapseTile(name,
                      std::make_unique<FloatMemory>(weights, region, params, static_cast<const char*>(name)),
                      params.read_mode, clock_period) {}
};

class SramTile : public SynapseTile {
public:
    SramTile(const sc_core::sc_module_name& name, const SramTileParams& params,
             const sc_core::sc_time& clock_period)
        : SynapseTile(name, std::make_unique<SramMemory>(params, static_cast<const char*>(name)),
                      params.read_mode, clock_period) {}
};

}  // namespace memprop::hw::tile
