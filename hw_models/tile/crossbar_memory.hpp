// Inside a memristive tile: its region of an array of devices, word-line drivers, integrators, converters
// and programming drivers.
// Modelled: the numbers of crossbar::SynapseArray, bit for bit, converters included (crossbar.adc_bits; 0 =
// they are ideal, but still take their cycles and energy); cycles (tile_timing.hpp); events that cost energy
// in the periphery. Slices of a weight (crossbar.slice_base) have integrators and converters of their own,
// which work side by side: N times the events in the same cycles. Not modelled: a converter that works while
// the next step integrates, leakage.
#pragma once

#include "hw_models/tile/tile_memory.hpp"
#include "hw_models/tile/tile_params.hpp"
#include "hw_models/tile/tiled_array.hpp"

namespace memprop::hw::tile {

struct CrossbarStats {
    std::uint64_t word_line_drives = 0;  ///< by events, measurements, verifying reads and writes
    std::uint64_t integrations = 0;      ///< columns times integration windows
    std::uint64_t conversions = 0;
    std::uint64_t pulse_slots = 0;  ///< in which at least one SET pulse was given
    std::uint64_t pulses = 0;       ///< SET and RESET pulses given by the drivers

    // `sums`: what is converted of a column in a read, SynapseArray::conversions_per_column().
    void count(const WriteWork& work);
    void count(const RefreshWork& work, std::uint64_t sums);
    void count(const VerifyWork& work, std::uint64_t sums);
    void count_measurement(std::uint64_t rows, std::uint64_t columns, std::uint64_t sums);
    void record(WordRecord& record);
};

double crossbar_energy_j(const CrossbarCost& cost, const CrossbarStats& stats);
void report_crossbar(const std::string& prefix, const CrossbarCost& cost, const CrossbarStats& stats,
                     std::vector<Counter>& out);

class CrossbarMemory final : public TileMemory {
public:
    /// Tile number `tile` of `array`, which must live as long. Throws InputError for invalid parameters,
    /// which it calls `where`, for a tile that the array does not have, and if converters that round
    /// (crossbar.adc) serve another number of columns than here or columns of two tiles.
    CrossbarMemory(TiledArray& array, std::size_t tile, const CrossbarTileParams& params,
                   const std::string& where);

    std::uint32_t rows() const override { return region_.rows; }
    std::uint32_t columns() const override { return region_.columns; }
    ReadTiming read_timing() const override { return tile::read_timing(params_.timing, region_.columns); }
    bool begin_sample(std::uint32_t sample, std::int32_t tick) override;
    void end_sample() override { array_.end_sample(); }
    void read(std::span<const std::uint32_t> active, std::uint32_t step, ReadMode mode,
              std::span<float> sums) override;
    std::optional<std::uint64_t> begin_write(const WriteBurst& burst) override;
    void finish_write() override { array_.finish_write(); }
    std::optional<std::uint64_t> begin_refresh(const RefreshRequest& request) override;
    void finish_refresh() override { array_.finish_refresh(); }
    std::optional<std::uint64_t> begin_measure(std::uint32_t event, std::int32_t tick) override;
    void finish_measure(std::span<float> values) override { array_.finish_measure(tile_, values); }
    double energy_j() const override { return crossbar_energy_j(params_.cost, stats_); }
    void report(const std::string& prefix, std::vector<Counter>& out) const override {
        report_crossbar(prefix, params_.cost, stats_, out);
    }

    void record(WordRecord& record) override { stats_.record(record); }

    const TileRegion& region() const { return region_; }
    const CrossbarTileParams& params() const { return params_; }
    const CrossbarStats& stats() const { return stats_; }

private:
    std::uint64_t sums_per_column() const { return array_.array().conversions_per_column(); }

    TiledArray& array_;
    std::size_t tile_;
    TileRegion region_;
    CrossbarTileParams params_;
    CrossbarStats stats_;
    std::uint32_t sample_ = 0;
    std::vector<std::uint32_t> array_rows_;
};

}  // namespace memprop::hw::tile
