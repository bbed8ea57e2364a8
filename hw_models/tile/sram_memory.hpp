// Inside an SRAM tile: n-bit two's complement weights in words of several weights, and an adder per weight
// of a word. A word-line event reads the words of its row and adds them to the sums; a write reads the
// words with a change, adds, limits to the range of n bits, and writes them back.
// Modelled: exact integer sums, delivered as float (exact by the limit on rows), cycles, accesses.
// Not modelled: banks and ports (one access at a time), leakage, sleep.
#pragma once

#include "hw_models/tile/tile_memory.hpp"
#include "hw_models/tile/tile_params.hpp"

namespace memprop::hw::tile {

struct SramStats {
    std::uint64_t words_read = 0, words_written = 0;
    std::uint64_t additions = 0;
    std::uint64_t limited_weights = 0;  ///< changes that the range of a weight cut short

    void record(WordRecord& record);
};

double sram_energy_j(const SramCost& cost, const SramStats& stats);
void report_sram(const std::string& prefix, const SramCost& cost, const SramStats& stats,
                 std::vector<Counter>& out);

class SramMemory final : public TileMemory {
public:
    /// All weights 0. Throws InputError for invalid parameters, which it calls `where`.
    SramMemory(const SramTileParams& params, const std::string& where);

    std::uint32_t rows() const override { return params_.rows; }
    std::uint32_t columns() const override { return params_.columns; }
    ReadTiming read_timing() const override { return tile::read_timing(params_.timing, params_.columns); }
    bool begin_sample(std::uint32_t, std::int32_t) override { return true; }
    void end_sample() override {}
    void read(std::span<const std::uint32_t> active, std::uint32_t step, ReadMode mode,
              std::span<float> sums) override;
    std::optional<std::uint64_t> begin_write(const WriteBurst& burst) override;
    void finish_write() override;
    /// Nothing to do: digital weights do not saturate in pairs.
    std::optional<std::uint64_t> begin_refresh(const RefreshRequest&) override { return 0; }
    void finish_refresh() override {}
    std::optional<std::uint64_t> begin_measure(std::uint32_t event, std::int32_t tick) override;
    void finish_measure(std::span<float> values) override;
    double energy_j() const override;
    void report(const std::string& prefix, std::vector<Counter>& out) const override;
    void record(WordRecord& record) override { stats_.record(record); }

    const SramTileParams& params() const { return params_; }
    const SramStats& stats() const { return stats_; }

private:
    SramTileParams params_;
    SramStats stats_;
    std::vector<std::int16_t> weights_;  // [row][column]
    std::vector<std::int16_t> changes_;  // of the write under way
    std::vector<std::int32_t> sums_;
};

}  // namespace memprop::hw::tile
