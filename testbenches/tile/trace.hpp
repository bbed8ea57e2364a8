// Waveforms of a tile as a VCD file: what it does, how many word lines have an event, and the last sums of
// its first columns. A cycle's values are drawn a quarter into it. Meant for short runs: with a trace, all
// signals are compared in every cycle.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <systemc>

#include "hw_models/tile/synapse_tile.hpp"
#include "testbenches/support/vcd_file.hpp"

namespace memprop::tb {

class TileTrace : public sc_core::sc_module {
public:
    static constexpr std::uint32_t kColumns = 8;

    SC_HAS_PROCESS(TileTrace);
    /// Throws RunError if the file cannot be written. The file appears with finish().
    TileTrace(const sc_core::sc_module_name& name, hw::tile::SynapseTile& tile,
              const std::filesystem::path& file);

    void finish() { file_.finish(); }

private:
    void sample();

    hw::tile::SynapseTile& tile_;
    VcdFile file_;
    std::array<bool, hw::tile::kTileActivityNames.size()> activity_{};
    std::uint32_t row_events_ = 0;
    std::array<double, kColumns> sums_{};
};

}  // namespace memprop::tb
