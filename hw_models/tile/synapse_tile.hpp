// SystemC modules of synapse tiles: MemristiveTile, SramTile and FloatTile. Protocol, latency and misuse:
// tile.hpp. A module adds time: calls are made by processes that run at multiples of the clock period; one
// made between two of them counts as made at the earlier one. sums_event() follows end_step() when the sums
// are in sums(); done_event() follows each write, refresh and measurement.
//
// Event-gated: no clock. The process of a tile runs once for each step with events and for each operation
// that takes cycles, in the cycle in which it is finished, and never else.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <systemc>
#include <vector>

#include "hw_models/tile/crossbar_memory.hpp"
#include "hw_models/tile/float_memory.hpp"
#include "hw_models/tile/sram_memory.hpp"
#include "hw_models/tile/tile.hpp"

namespace memprop::hw::tile {

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
    virtual TileResponse end_step() = 0;
    virtual const sc_core::sc_event& sums_event() const = 0;
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

class SynapseTile : public sc_core::sc_module, protected SynapseTileIf {
public:
    sc_core::sc_export<SynapseTileIf> port{"port"};

    const sc_core::sc_time& clock_period() const { return period_; }
    std::uint64_t cycle() const { return sc_core::sc_time_stamp().value() / period_.value(); }
    ReadMode read_mode() const { return tile_.read_mode(); }
    const TileStats& stats() const { return tile_.stats(); }
    /// How often the process ran.
    std::uint64_t activations() const { return activations_; }
    TileActivity activity() const {
        now();
        return tile_.activity();
    }
    /// Word lines with an event in the step under way or, after it, in the last one.
    std::span<const std::uint32_t> active_rows() const { return tile_.active_rows(); }
    const TileMemory& memory() const { return tile_.memory(); }
    /// Counters of the tile and of its memory, names beginning with `prefix`.
    std::vector<Counter> report(const std::string& prefix) const { return tile_.report(prefix); }

protected:
    SynapseTile(const sc_core::sc_module_name& name, std::unique_ptr<TileMemory> memory, ReadMode mode,
                const sc_core::sc_time& clock_period);

private:
    std::uint32_t rows() const override { return tile_.rows(); }
    std::uint32_t columns() const override { return tile_.columns(); }
    bool busy() const override { return tile_.busy(); }
    TileResponse begin_sample(std::uint32_t sample, std::int32_t tick) override {
        return now().begin_sample(sample, tick);
    }
    TileResponse end_sample() override { return now().end_sample(); }
    TileResponse begin_step(std::uint32_t step) override { return now().begin_step(step); }
    TileResponse row_event(std::uint32_t row) override { return now().row_event(row); }
    TileResponse end_step() override;
    const sc_core::sc_event& sums_event() const override { return sums_ready_; }
    std::span<const float> sums() const override { return tile_.sums(); }
    std::uint32_t rows_read() const override { return tile_.rows_read(); }
    TileResponse write(const WriteBurst& burst) override { return started(now().write(burst)); }
    TileResponse refresh(const RefreshRequest& request) override { return started(now().refresh(request)); }
    TileResponse measure(std::uint32_t event, std::int32_t tick) override {
        return started(now().measure(event, tick));
    }
    const sc_core::sc_event& done_event() const override { return done_; }
    std::span<const float> measured() const override { return tile_.measured(); }

    Tile& now() const {
        clock_.cycle = cycle();
        return tile_;
    }
    TileResponse started(TileResponse response);
    void finish_at(std::uint64_t cycle);
    void run();

    const sc_core::sc_time period_;
    mutable Clock clock_;
    mutable Tile tile_;  // a look at its activity needs the cycle
    sc_core::sc_event due_, sums_ready_, done_;
    bool reading_ = false;
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
