// The closed formulas against step-by-step recomputations, and by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/tile_bench.hpp"
#include "hw_models/tile/fast_tile.hpp"
#include "hw_models/tile/tile_params.hpp"

using namespace memprop;
using namespace memprop::hw::tile;

TEST_CASE("tile timing: a step by hand") {
    const CrossbarTiming t{.drive_cycles = 5, .columns_per_converter = 8, .conversion_cycles = 3};
    const ReadTiming read = read_timing(t, 20);
    CHECK(read.readout_cycles == 24);
    CHECK(converters(t, 20) == 3);
    CHECK(read_timing(t, 6).readout_cycles == 18);  // fewer columns than a converter could serve
    CHECK(step_cycles(read, ReadMode::per_event, 0, 0) == 0);
    CHECK(step_cycles(read, ReadMode::per_timestep, 0, 9) == 0);
    CHECK(step_cycles(read, ReadMode::per_event, 7, 0) == 35 + 24);
    CHECK(step_cycles(read, ReadMode::per_event, 7, 30) == 5 + 24);  // most of it hidden before the end
    CHECK(step_cycles(read, ReadMode::per_event, 7, 100) == 24);
    CHECK(step_cycles(read, ReadMode::per_timestep, 7, 100) == 5 + 24);
    const ReadTiming sram =
        read_timing(SramTiming{.weight_bits = 6, .word_bits = 64, .access_cycles = 2}, 25);
    CHECK(sram.row_cycles == 3 * 2);  // ten weights a word
    CHECK(step_cycles(sram, ReadMode::per_timestep, 7, 100) == 42);
    CHECK(step_cycles(sram, ReadMode::per_event, 7, 40) == 2);
}

TEST_CASE("tile timing: drivers one event after the other are the maximum of the documented formula") {
    for (std::uint32_t salt = 0; salt < 200; ++salt) {
        const std::uint64_t row_cycles = 1 + random_bits({.seed = 1, .event = salt}, 0) % 7;
        const std::uint64_t k = 1 + random_bits({.seed = 1, .event = salt}, 1) % 30;
        std::uint64_t arrival = 0, free_cycle = 0;
        std::vector<std::uint64_t> arrivals;
        for (std::uint32_t i = 0; i < k; ++i) {
            arrival += random_bits({.seed = 1, .event = salt}, 2 + i) % (2 * row_cycles);
            arrivals.push_back(arrival);
            free_cycle = drivers_free_after({.row_cycles = row_cycles}, free_cycle, arrival);
        }
        std::uint64_t expected = 0;
        for (std::uint64_t i = 0; i < k; ++i) {
            expected = std::max(expected, arrivals[i] + (k - i) * row_cycles);
        }
        CHECK(free_cycle == expected);
    }
}

TEST_CASE("tile timing: a write burst slot by slot") {
    // Gives one pulse after the other, as the drivers do, and counts.
    for (std::uint32_t salt = 0; salt < 60; ++salt) {
        const std::uint32_t rows = 1 + salt % 5, columns = 1 + salt * 7 % 23;
        const CrossbarTiming t{.row_select_cycles = salt % 4,
                               .pulse_cycles = 1 + salt % 3,
                               .columns_written_together = 1 + salt % 9};
        auto left = random_pulses(rows * columns, salt);
        const WriteWork work = write_work(t, whole(left, columns));
        std::uint64_t cycles = 0, slots = 0, pulses = 0, selected = 0;
        for (std::uint32_t r = 0; r < rows; ++r) {
            bool any = false;
            for (std::uint32_t first = 0; first < columns;) {
                bool pulsed = false;
                for (std::uint32_t c = first; c < std::min(columns, first + t.columns_written_together);
                     ++c) {
                    std::int16_t& p = left[r * columns + c];
                    if (p != 0) {
                        p = static_cast<std::int16_t>(p > 0 ? p - 1 : p + 1);
                        ++pulses;
                        pulsed = true;
                    }
                }
                if (pulsed) {
                    any = true;
                    ++slots;
                    cycles += t.pulse_cycles;
                } else {
                    first += t.columns_written_together;
                }
            }
            selected += any;
            cycles += any ? t.row_select_cycles : 0;
        }
        CHECK(work.cycles == cycles);
        CHECK(work.slots == slots);
        CHECK(work.pulses == pulses);
        CHECK(work.rows == selected);
    }
    // k pulses at each synapse: rows (select + ceil(C / together) k pulse_cycles).
    const CrossbarTiming t{.row_select_cycles = 2, .pulse_cycles = 5, .columns_written_together = 8};
    CHECK(write_work(t, whole(std::vector<std::int16_t>(30UL * 20, -4), 20)).cycles == 30 * (2 + 3 * 4 * 5));
}

TEST_CASE("tile timing: measurement, refresh and SRAM writes by hand") {
    const CrossbarTiming t{.drive_cycles = 5,
                           .columns_per_converter = 4,
                           .conversion_cycles = 3,
                           .pulse_cycles = 6,
                           .reset_cycles = 7};
    CHECK(measure_cycles(t, 10, 8) == 10 * (5 + 2 * 12));
    CHECK(refresh_cycles(t, 10, 8, {.pairs = 2, .set_pulses = 9, .verify_reads = 11}) ==
          290 + 2 * 7 + 9 * 6 + 11 * (5 + 6));
    CrossbarTiming checked = t;
    checked.row_select_cycles = 2;
    CHECK(verify_cycles(checked, {.reads = 11, .corrections = 3, .correction_pulses = 8}) ==
          11 * (5 + 6) + 3 * 2 + 8 * 6);
    const SramTiming s{.weight_bits = 16, .word_bits = 64, .access_cycles = 3};
    std::vector<std::int16_t> changes(2UL * 10);
    changes[0] = 1;
    changes[3] = -1;   // the same word
    changes[18] = 40;  // the third word of row 1
    const WriteWork work = write_work(s, whole(changes, 10));
    CHECK(work.rows == 2);
    CHECK(work.slots == 2);
    CHECK(work.pulses == 3);
    CHECK(work.cycles == 2 * 2 * 3);
    CHECK(measure_cycles(s, 2, 10) == 2 * 3 * 3);
}

TEST_CASE("tile parameters: bad ones are refused with place, value and range, and no cost is no zero") {
    const auto message = [](const auto& params) -> std::string {
        try {
            params.validate("chip.tile");
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    CrossbarTileParams good{.cost = hermes_cost()};
    CHECK(message(good).empty());
    CHECK(message(CrossbarTileParams{}).find("chip.tile.cost.word_line_pj is not set") == 0);
    for (const auto member : {&CrossbarCost::word_line_pj, &CrossbarCost::integration_pj,
                              &CrossbarCost::conversion_pj, &CrossbarCost::pulse_driver_pj}) {
        CrossbarTileParams params = good;
        params.cost.*member = std::nullopt;
        CHECK(message(params).find("is not set") != std::string::npos);
        params.cost.*member = -1.0;
        CHECK(message(params).find("must be finite and >= 0 pJ") != std::string::npos);
    }
    for (const auto member : {&CrossbarTiming::drive_cycles, &CrossbarTiming::columns_per_converter,
                              &CrossbarTiming::conversion_cycles, &CrossbarTiming::pulse_cycles,
                              &CrossbarTiming::reset_cycles, &CrossbarTiming::columns_written_together}) {
        CrossbarTileParams params = good;
        params.timing.*member = 0;
        CHECK(message(params).find("= 0: must be from 1 to") != std::string::npos);
    }
    good.cost.source.clear();
    CHECK(message(good).find("chip.tile.cost.source is empty") == 0);

    SramTileParams sram{.cost = horowitz_sram_cost()};
    CHECK(message(sram).empty());
    sram.timing.weight_bits = 16;
    sram.rows = 513;  // 513 * 2^15 > 2^24
    CHECK(message(sram).find("chip.tile.rows = 513: must be at most 512") == 0);
    sram.rows = 512;
    CHECK(message(sram).empty());
    sram.timing.word_bits = 15;
    CHECK(message(sram).find("chip.tile.word_bits = 15: must be from 16") == 0);
    CHECK(message(SramTileParams{}).find("chip.tile.cost.word_read_pj is not set") == 0);
}

TEST_CASE("tile timing: what an update does in a fast tile, by hand") {
    CrossbarTileParams params = crossbar_params(ReadMode::per_event);
    params.timing = {.drive_cycles = 5,
                     .columns_per_converter = 2,
                     .conversion_cycles = 3,
                     .row_select_cycles = 4,
                     .pulse_cycles = 6,
                     .reset_cycles = 70,
                     .columns_written_together = 2};
    const TileRegion region{.first_row = 7, .rows = 3, .first_column = 0, .columns = 5};
    const crossbar::SynapseArray array({}, {.rows = 10, .columns = 5, .devices_per_polarity = 2}, 38.6, 1, 0);
    FastTile tile(region, params, array, "fast");
    std::vector<std::int16_t> pulses(3UL * 5);
    pulses[0] = 2;
    pulses[1] = -3;  // the same group as the first
    pulses[4] = 1;
    FastUpdate update{.pulses = whole(pulses, 5), .rows_read = 2};
    const std::uint64_t write = 4 + 6 * (3 + 1), reads = 2 * (5 + 2 * 3);
    CHECK(tile.take(update) == write + reads);
    CHECK(tile.periphery().conversions == 2 * 5);
    CHECK(tile.periphery().integrations == 2 * 5);
    CHECK(tile.periphery().word_line_drives == 1 + 2);
    CHECK(tile.periphery().pulses == 6);

    std::vector<std::uint8_t> marked(3UL * 5);
    marked[5] = marked[6] = marked[9] = 1;  // two groups of row 1
    marked[14] = 1;
    update.reset = {marked.data(), 5, 3, 5};
    update.refreshed = true;
    update.refresh = {.pairs = 1, .reset_pulses = 4, .set_pulses = 2, .verify_reads = 3};
    const std::uint64_t resets = 2 * 4 + 3 * 70;
    CHECK(tile.take(update) == write + reads + resets + refresh_cycles(params.timing, 3, 5, update.refresh));
    CHECK(tile.periphery().pulses == 6 + 6 + (2 + 4) + 4 * 4);  // four devices per synapse are RESET
    CHECK(tile.periphery().conversions == 2 * 10 + 2 * 15 + 2 * 3);
    CHECK(tile.stats().resets == 4);
    CHECK(tile.stats().refreshes == 1);
    CHECK(tile.energy_j() ==
          doctest::Approx(1e-12 * (*params.cost.word_line_pj * double(tile.periphery().word_line_drives) +
                                   *params.cost.integration_pj * double(tile.periphery().integrations) +
                                   *params.cost.conversion_pj * double(tile.periphery().conversions) +
                                   *params.cost.pulse_driver_pj * double(tile.periphery().pulses))));
}
