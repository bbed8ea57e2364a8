// Parameters of tiles: timing (tile_timing.hpp) and the energy of single events. A cost has no default: one
// that nobody gave is an error, not a zero, and every set of costs names its source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hw_models/tile/tile_timing.hpp"

namespace memprop::hw::tile {

/// Energy of the periphery of a crossbar, pJ. The devices are charged by crossbar::EnergyConfig.
struct CrossbarCost {
    std::optional<double> word_line_pj;     ///< driving one word line once
    std::optional<double> integration_pj;   ///< one column integrating once: an event, or a multi-row read
    std::optional<double> conversion_pj;    ///< one conversion
    std::optional<double> pulse_driver_pj;  ///< the driver, for one SET or RESET pulse
    std::string source;
};

/// Khaddam-Aljameh et al., IEEE J. Solid-State Circuits 57, 1027, 2022: 256 x 256 PCM core, 256 converters,
/// 14 nm, 10.5 TOPS/W. One product is 2 * 256 * 256 operations = 12.5 nJ; all of it (drivers, array,
/// converters, digital post-processing) is charged to its 256 conversions, 48.8 pJ each.
CrossbarCost hermes_cost();

struct CrossbarTileParams {
    ReadMode read_mode = ReadMode::per_event;
    /// Defaults at 10 ns per cycle: a product of the core above takes 130 ns, 77 ns of it the conversion
    /// (256 steps of 300 ps), one converter per column; pulses of 50 ns (Nandakumar et al., J. Appl. Phys.
    /// 124, 152135, 2018). How many columns are written together is an assumption.
    CrossbarTiming timing{.drive_cycles = 5,
                          .columns_per_converter = 1,
                          .conversion_cycles = 8,
                          .row_select_cycles = 1,
                          .pulse_cycles = 5,
                          .reset_cycles = 5,
                          .columns_written_together = 8};
    CrossbarCost cost{};

    /// Throws InputError naming `where`.field, the value and what is allowed.
    void validate(std::string_view where) const;
};

struct SramCost {
    std::optional<double> word_read_pj;   ///< per word
    std::optional<double> word_write_pj;  ///< per word
    std::optional<double> add_pj;         ///< per weight added to a sum or changed
    std::string source;
};

/// Horowitz, "Computing's energy problem", ISSCC 2014, 45 nm: 64 bits of an 8 KB SRAM 10 pJ (taken for
/// writing too), a 32-bit integer addition 0.1 pJ.
SramCost horowitz_sram_cost();

struct SramTileParams {
    std::uint32_t rows = 256;
    std::uint32_t columns = 256;
    ReadMode read_mode = ReadMode::per_event;
    SramTiming timing{};
    SramCost cost{};

    /// Throws InputError; rows * 2^(weight_bits - 1) must be at most 2^24, so that sums are exact floats.
    void validate(std::string_view where) const;
    /// The same without the limits of integer weights.
    void validate_timing(std::string_view where) const;
};

}  // namespace memprop::hw::tile
