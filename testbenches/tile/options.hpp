// The command line of tb_tile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "crossbar/config.hpp"
#include "hw_models/tile/tile_params.hpp"
#include "testbenches/tile/bench.hpp"

namespace memprop::tb {

struct TileOptions {
    bool sram = false;
    std::uint32_t rows = 0, columns = 0;
    double cycle_ns = 10.0;
    hw::tile::CrossbarTileParams crossbar_tile;
    hw::tile::SramTileParams sram_tile;
    crossbar::CrossbarConfig devices;
    double activity = 0.0;
    TileRunPlan plan;
    std::optional<std::filesystem::path> stimulus_file, csv_file, trace_file;
    bool json = false;
};

/// Nothing if help was asked for and printed. Throws InputError naming the option, its value and what
/// is allowed.
std::optional<TileOptions> parse_tile_options(int argc, const char* const* argv);

}  // namespace memprop::tb
