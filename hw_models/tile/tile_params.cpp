#include "hw_models/tile/tile_params.hpp"

#include <fmt/format.h>

#include <cmath>

#include "crossbar/base/error.hpp"

namespace memprop::hw::tile {
namespace {

constexpr std::uint32_t kMaxCycles = 1'000'000, kMaxSide = 65536;

void check_range(std::string_view where, std::string_view field, std::uint32_t value, std::uint32_t low,
                 std::uint32_t high) {
    if (value < low || value > high) {
        throw InputError(fmt::format("{}.{}", where, field), value,
                         fmt::format("must be from {} to {}", low, high));
    }
}

void check_cost(std::string_view where, std::string_view field, const std::optional<double>& cost_pj) {
    if (!cost_pj) {
        throw InputError(
            fmt::format("{}.cost.{} is not set: give a cost in pJ and its source", where, field));
    }
    if (!(std::isfinite(*cost_pj) && *cost_pj >= 0.0)) {
        throw InputError(fmt::format("{}.cost.{}", where, field), *cost_pj, "must be finite and >= 0 pJ");
    }
}

void check_source(std::string_view where, const std::string& source) {
    if (source.empty()) {
        throw InputError(fmt::format("{}.cost.source is empty: name where the costs come from", where));
    }
}

}  // namespace

CrossbarCost hermes_cost() {
    return {.word_line_pj = 0.0,
            .integration_pj = 0.0,
            .conversion_pj = 2.0 * 256 / 10.5,
            .pulse_driver_pj = 0.0,
            .source =
                "Khaddam-Aljameh et al., IEEE J. Solid-State Circuits 57, 1027, 2022 (14 nm, 256 x 256, "
                "10.5 TOPS/W): the energy of a whole product, devices included, charged to its 256 "
                "conversions; programming drivers are in the energy of device pulses"};
}

SramCost horowitz_sram_cost() {
    return {.word_read_pj = 10.0,
            .word_write_pj = 10.0,
            .add_pj = 0.1,
            .source =
                "Horowitz, ISSCC 2014 (45 nm): 8 KB SRAM, 64 bits 10 pJ, 32-bit addition 0.1 pJ; a write "
                "is assumed to cost as much as a read"};
}

void CrossbarTileParams::validate(std::string_view where) const {
    check_range(where, "drive_cycles", timing.drive_cycles, 1, kMaxCycles);
    check_range(where, "columns_per_converter", timing.columns_per_converter, 1, kMaxSide);
    check_range(where, "conversion_cycles", timing.conversion_cycles, 1, kMaxCycles);
    check_range(where, "row_select_cycles", timing.row_select_cycles, 0, kMaxCycles);
    check_range(where, "pulse_cycles", timing.pulse_cycles, 1, kMaxCycles);
    check_range(where, "reset_cycles", timing.reset_cycles, 1, kMaxCycles);
    check_range(where, "columns_written_together", timing.columns_written_together, 1, kMaxSide);
    check_cost(where, "word_line_pj", cost.word_line_pj);
    check_cost(where, "integration_pj", cost.integration_pj);
    check_cost(where, "conversion_pj", cost.conversion_pj);
    check_cost(where, "pulse_driver_pj", cost.pulse_driver_pj);
    check_source(where, cost.source);
}

void SramTileParams::validate_timing(std::string_view where) const {
    check_range(where, "rows", rows, 1, kMaxSide);
    check_range(where, "columns", columns, 1, kMaxSide);
    check_range(where, "word_bits", timing.word_bits, timing.weight_bits, 4096);
    check_range(where, "access_cycles", timing.access_cycles, 1, kMaxCycles);
    check_cost(where, "word_read_pj", cost.word_read_pj);
    check_cost(where, "word_write_pj", cost.word_write_pj);
    check_cost(where, "add_pj", cost.add_pj);
    check_source(where, cost.source);
}

void SramTileParams::validate(std::string_view where) const {
    validate_timing(where);
    check_range(where, "weight_bits", timing.weight_bits, 1, 16);
    constexpr std::uint32_t kExactFloat = 1U << 24;
    const std::uint32_t most_rows = kExactFloat >> (timing.weight_bits - 1);
    if (rows > most_rows) {
        throw InputError(
            fmt::format("{}.rows", where), rows,
            fmt::format("must be at most {} with {} bits per weight, or a sum may need more than "
                        "the 24 bits of the delivered number",
                        most_rows, timing.weight_bits));
    }
}

}  // namespace memprop::hw::tile
