// A tile of the second array that some update schemes have (learning/update/fast_array.hpp): cycles and
// energy of what an update does there. The learning engine alone drives it, so it has no word-line events and
// no port. What the update did is known when it has been planned (FastUpdate); the tile then takes, one after
// the other,
//     its write burst, its refresh, a read of each row that is transferred, its RESETs   (tile_timing.hpp)
// Modelled: these cycles, devices and converters like those of any tile. Not modelled: leakage.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "hw_models/counter.hpp"
#include "hw_models/tile/crossbar_memory.hpp"

namespace memprop::hw::tile {

/// What an update did to the region of a tile.
struct FastUpdate {
    SynapseView<std::int16_t> pulses{};
    bool refreshed = false;
    RefreshWork refresh{};
    std::uint64_t rows_read = 0;        ///< of the region
    SynapseView<std::uint8_t> reset{};  ///< synapses that are marked; no rows: none
};

struct FastTileStats {
    std::uint64_t updates = 0, row_reads = 0, refreshes = 0, resets = 0;
    std::uint64_t cycles = 0;
};

class FastTile {
public:
    /// `array`: the second array, which outlives the tile.
    FastTile(const TileRegion& region, const CrossbarTileParams& params, const crossbar::SynapseArray& array,
             const std::string& where);

    /// Counts an update; returns its cycles.
    std::uint64_t take(const FastUpdate& update);

    double energy_j() const { return crossbar_energy_j(params_.cost, periphery_); }
    void report(const std::string& prefix, std::vector<Counter>& out) const;
    /// Its counters.
    void record(WordRecord& record);
    const FastTileStats& stats() const { return stats_; }
    const CrossbarStats& periphery() const { return periphery_; }

private:
    TileRegion region_;
    CrossbarTileParams params_;
    const crossbar::SynapseArray& array_;
    FastTileStats stats_;
    CrossbarStats periphery_;
};

}  // namespace memprop::hw::tile
