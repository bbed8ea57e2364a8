// Inside a tile of floating-point weights: an SRAM of 32-bit words and adders, for weights that are numbers
// (the `vanilla` baseline). The same timing and accesses as an SRAM tile with 32-bit weights.
// Modelled: the sums of learning::DigitalWeights bit for bit (rows ascending), changes with their limit.
// Not modelled: the time of a floating-point addition beyond the access, banks, leakage.
#pragma once

#include "hw_models/tile/sram_memory.hpp"
#include "hw_models/tile/tile_memory.hpp"
#include "hw_models/tile/tile_params.hpp"
#include "hw_models/tile/tiled_array.hpp"

namespace memprop::hw::tile {

/// Weights [row][column] of all tiles. What the vector holds may be replaced, as from a checkpoint.
struct FloatMatrix {
    std::vector<float>* weights = nullptr;
    std::uint32_t columns = 0;
    float limit = 0.0F;  ///< weights stay in +-limit; 0 = no limit
};

class FloatMemory final : public TileMemory {
public:
    /// `params.rows` and `columns` are those of the region. Throws InputError for invalid parameters.
    FloatMemory(const FloatMatrix& weights, const TileRegion& region, const SramTileParams& params,
                const std::string& where);

    std::uint32_t rows() const override { return region_.rows; }
    std::uint32_t columns() const override { return region_.columns; }
    ReadTiming read_timing() const override { return tile::read_timing(params_.timing, region_.columns); }
    bool begin_sample(std::uint32_t, std::int32_t) override { return true; }
    void end_sample() override {}
    void read(std::span<const std::uint32_t> active, std::uint32_t step, ReadMode mode,
              std::span<float> sums) override;
    /// The burst has `changes`.
    std::optional<std::uint64_t> begin_write(const WriteBurst& burst) override;
    void finish_write() override;
    std::optional<std::uint64_t> begin_refresh(const RefreshRequest&) override { return 0; }
    void finish_refresh() override {}
    std::optional<std::uint64_t> begin_measure(std::uint32_t event, std::int32_t tick) override;
    void finish_measure(std::span<float> values) override;
    double energy_j() const override;
    void report(const std::string& prefix, std::vector<Counter>& out) const override;
    void record(WordRecord& record) override { stats_.record(record); }

private:
    std::span<float> row(std::uint32_t r) const;

    FloatMatrix matrix_;
    TileRegion region_;
    SramTileParams params_;
    SramStats stats_;
    std::vector<float> changes_;  // of the write under way
};

}  // namespace memprop::hw::tile
