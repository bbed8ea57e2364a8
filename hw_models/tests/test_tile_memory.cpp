// Arrays cut into tiles give the numbers of the whole; SRAM gives those of integer arithmetic.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/tile_bench.hpp"

using namespace memprop;
using namespace memprop::hw::tile;
using crossbar::CrossbarConfig;
using crossbar::SynapseArray;

namespace {

constexpr std::uint32_t kRows = 23, kColumns = 29;

struct TwoArrays {
    CrossbarConfig config;
    std::unique_ptr<SynapseArray> functional, behind_tiles;
    std::unique_ptr<TiledArray> tiled;
    std::vector<std::unique_ptr<CrossbarMemory>> tiles;

    TwoArrays(std::uint32_t devices_per_polarity, crossbar::DeviceCounter counter, int adc_bits = 0,
              int slice_base = 1) {
        config.tile_rows = 10;
        config.slice_base = slice_base;
        config.adc_bits = adc_bits;
        config.adc.calibration_reads = 15;  // ends within the second sample
        config.adc.noise_lsb = 0.3;
        config.adc.gain_error = 0.1;
        const crossbar::SynapseArrayShape shape{.rows = kRows,
                                                .columns = kColumns,
                                                .devices_per_polarity = devices_per_polarity,
                                                .no_diagonal = true,
                                                .counter = counter};
        functional = std::make_unique<SynapseArray>(config, shape, 38.6, 5, 1);
        behind_tiles = std::make_unique<SynapseArray>(config, shape, 38.6, 5, 1);
        tiled = std::make_unique<TiledArray>(*behind_tiles, 12);
        for (std::size_t i = 0; i < tiled->tiles().size(); ++i) {
            tiles.push_back(
                std::make_unique<CrossbarMemory>(*tiled, i, crossbar_params(ReadMode::per_event), "tile"));
        }
    }

    void write(std::uint32_t event, std::int32_t tick, int most) {
        const auto pulses = random_pulses(kRows * kColumns, event, most);
        functional->program(pulses, SynapseArray::Phase::update, event, tick);
        for (auto& tile : tiles) {
            REQUIRE(tile->begin_write({part_of(pulses, kColumns, tile->region()), event, tick}).has_value());
        }
        for (auto& tile : tiles) {
            tile->finish_write();
        }
    }
    // The digital sum of a core: tiles with events, ascending row block, the first taken as it is.
    std::vector<float> read(std::span<const std::uint32_t> rows, std::uint32_t step) {
        std::vector<float> out(kColumns);
        std::vector<bool> begun(kColumns);
        for (auto& tile : tiles) {
            const TileRegion& region = tile->region();
            std::vector<std::uint32_t> own;
            for (const std::uint32_t row : rows) {
                if (row >= region.first_row && row < region.first_row + region.rows) {
                    own.push_back(row - region.first_row);
                }
            }
            if (own.empty()) {
                continue;
            }
            std::vector<float> sums(region.columns);
            tile->read(own, step, ReadMode::per_event, sums);
            for (std::uint32_t c = 0; c < region.columns; ++c) {
                float& sum = out[region.first_column + c];
                sum = begun[region.first_column + c] ? sum + sums[c] : sums[c];
                begun[region.first_column + c] = true;
            }
        }
        return out;
    }
    void check_states() {
        CHECK(functional->devices().conductance_us == behind_tiles->devices().conductance_us);
        CHECK(functional->devices().set_pulses == behind_tiles->devices().set_pulses);
        CHECK(functional->devices().programmed_tick == behind_tiles->devices().programmed_tick);
        CHECK(functional->counters().set_pulses == behind_tiles->counters().set_pulses);
        CHECK(functional->counters().reset_pulses == behind_tiles->counters().reset_pulses);
        CHECK(functional->counters().device_reads == behind_tiles->counters().device_reads);
        CHECK(functional->counters().read_conductance_us == behind_tiles->counters().read_conductance_us);
        CHECK(functional->counters().adc_conversions == behind_tiles->counters().adc_conversions);
        CHECK(functional->counters().verify_conductance_us == behind_tiles->counters().verify_conductance_us);
    }
};

void check_same_run(std::uint32_t devices_per_polarity, crossbar::DeviceCounter counter, int adc_bits) {
    TwoArrays both(devices_per_polarity, counter, adc_bits);
    REQUIRE(both.tiles.size() == 9);
    for (std::uint32_t sample = 0; sample < 4; ++sample) {
        const auto tick = static_cast<std::int32_t>(sample + 1);
        both.functional->renew(tick);
        for (auto& tile : both.tiles) {
            REQUIRE(tile->begin_sample(sample, tick));
        }
        for (std::uint32_t step = 0; step < 12; ++step) {
            const auto rows = random_rows(kRows, step * 9, 100 * sample + step);
            std::vector<float> expected(kColumns);
            both.functional->read(rows, sample, step, expected);
            CHECK(both.read(rows, step) == expected);
        }
        both.functional->account_reads();
        for (auto& tile : both.tiles) {
            tile->end_sample();
        }
        std::vector<float> measured(kRows * kColumns);
        both.functional->measure(sample, tick, measured);
        for (auto& tile : both.tiles) {
            REQUIRE(tile->begin_measure(sample, tick).has_value());
        }
        for (auto& tile : both.tiles) {
            const TileRegion& region = tile->region();
            std::vector<float> part(std::size_t{region.rows} * region.columns);
            tile->finish_measure(part);
            for (std::uint32_t r = 0; r < region.rows; ++r) {
                CHECK(std::equal(part.begin() + r * region.columns, part.begin() + (r + 1) * region.columns,
                                 measured.begin() + (region.first_row + r) * kColumns + region.first_column));
            }
        }
        both.write(sample, tick, 12);
        both.check_states();
    }
}

}  // namespace

TEST_CASE("tiled array: reads, measurements and writes in nine tiles are those of the whole array") {
    for (const int adc_bits : {0, 5}) {
        check_same_run(1, crossbar::DeviceCounter::per_synapse, adc_bits);
        check_same_run(3, crossbar::DeviceCounter::per_synapse, adc_bits);
        check_same_run(3, crossbar::DeviceCounter::global, adc_bits);
    }
}

TEST_CASE("tiled array: a refresh changes the same devices, and its work per tile adds up") {
    TwoArrays both(2, crossbar::DeviceCounter::per_synapse);
    for (std::uint32_t event = 0; event < 6; ++event) {
        both.write(event, 1, 12);
    }
    const crossbar::RefreshLimits limits{.high_us = 6.0F, .low_us = 2.0F, .max_pulses = 4};
    const auto before = both.functional->counters();
    const auto report = both.functional->refresh(limits, 6, 2);
    const auto& after = both.functional->counters();
    REQUIRE(report.pairs > 20);
    std::uint64_t cycles = 0, pulses = 0, drives = 0;
    for (auto& tile : both.tiles) {
        const auto pulses_before = tile->stats().pulses;
        const auto drives_before = tile->stats().word_line_drives;
        const auto taken = tile->begin_refresh({limits, 6, 2});
        REQUIRE(taken.has_value());
        cycles += *taken;
        pulses += tile->stats().pulses - pulses_before;
        drives += tile->stats().word_line_drives - drives_before;
    }
    for (auto& tile : both.tiles) {
        tile->finish_refresh();
    }
    both.check_states();
    const std::uint64_t sets = after.set_pulses - before.set_pulses;
    const std::uint64_t resets = after.reset_pulses - before.reset_pulses;
    const std::uint64_t measured = (std::uint64_t{kRows} * kColumns - kRows) * 4;
    const std::uint64_t verify_reads = (after.verify_reads - before.verify_reads - measured) / 4;
    CHECK(pulses == sets + resets);
    CHECK(drives == kRows * 3 + report.pairs + sets + verify_reads);  // three tiles share each word line
    const CrossbarTiming t = crossbar_params(ReadMode::per_event).timing;
    std::uint64_t expected = 0;
    for (const auto& tile : both.tiles) {
        expected += measure_cycles(t, tile->rows(), tile->columns());
    }
    expected += report.pairs * t.reset_cycles + sets * t.pulse_cycles +
                verify_reads * (t.drive_cycles + 2 * t.conversion_cycles);
    CHECK(cycles == expected);
}

TEST_CASE(
    "tiled array: reads of a sample under way see writes and refreshes, and are charged for what they saw") {
    TwoArrays both(2, crossbar::DeviceCounter::per_synapse);
    for (std::uint32_t event = 0; event < 5; ++event) {
        both.write(event, 1, 12);
    }
    for (auto& tile : both.tiles) {
        REQUIRE(tile->begin_sample(0, 2));
    }
    both.functional->renew(2);
    const auto rows = random_rows(kRows, 9, 4);
    const crossbar::RefreshLimits limits{.high_us = 6.0F, .low_us = 2.0F, .max_pulses = 4};
    for (std::uint32_t step = 0; step < 3; ++step) {
        std::vector<float> expected(kColumns);
        both.functional->read(rows, 0, step, expected);
        CHECK(both.read(rows, step) == expected);
        if (step == 0) {
            both.write(5, 2, 12);
        } else if (step == 1) {
            REQUIRE(both.functional->refresh(limits, 6, 2).pairs > 5);
            for (auto& tile : both.tiles) {
                REQUIRE(tile->begin_refresh({limits, 6, 2}).has_value());
            }
            for (auto& tile : both.tiles) {
                tile->finish_refresh();
            }
        }
        both.functional->account_reads();
        both.functional->renew(2);
    }
    both.functional->account_reads();
    for (auto& tile : both.tiles) {
        tile->end_sample();
    }
    both.check_states();
}

TEST_CASE("tiled array: a checked write changes the same devices, and its work per tile adds up") {
    TwoArrays both(2, crossbar::DeviceCounter::per_synapse);
    const auto pulses = random_pulses(kRows * kColumns, 3);
    const crossbar::VerifiedWrites how{.on = true, .step_us = 0.5F, .tolerance_us = 0.2F, .rounds = 3};
    const auto before = both.functional->counters();
    std::vector<crossbar::VerifiedSynapse> done;
    both.functional->write_verified(pulses, how, 4, 2, &done);
    std::uint64_t reads = 0, corrections = 0, correction_pulses = 0, asked = 0;
    for (const auto& synapse : done) {
        CHECK(pulses[synapse.synapse] != 0);
        CHECK(synapse.reads >= 1 + synapse.corrections);
        CHECK(synapse.reads <= 1 + how.rounds);
        reads += synapse.reads;
        corrections += synapse.corrections;
        correction_pulses += synapse.correction_pulses;
    }
    for (const std::int16_t p : pulses) {
        asked += static_cast<std::uint64_t>(std::abs(p));
    }
    REQUIRE(corrections > 20);
    const auto& after = both.functional->counters();
    CHECK(after.verify_reads - before.verify_reads == 4 * reads);  // devices of a synapse
    CHECK(after.set_pulses - before.set_pulses == asked + correction_pulses);

    const CrossbarTiming t = crossbar_params(ReadMode::per_event).timing;
    std::uint64_t cycles = 0, expected = 0, conversions = 0, given = 0;
    for (std::size_t i = 0; i < both.tiles.size(); ++i) {
        auto& tile = both.tiles[i];
        const WriteBurst burst{.steps = part_of(pulses, kColumns, tile->region()),
                               .event = 4,
                               .tick = 2,
                               .verified = how,
                               .steps_of_array = pulses};
        const auto taken = tile->begin_write(burst);
        REQUIRE(taken.has_value());
        CHECK_FALSE(tile->begin_sample(0, 2));
        cycles += *taken;
        expected += write_work(t, burst.steps).cycles;
        conversions += tile->stats().conversions;
        given += tile->stats().pulses;
    }
    for (auto& tile : both.tiles) {
        tile->finish_write();
    }
    both.check_states();
    expected += reads * (t.drive_cycles + 2 * t.conversion_cycles) + corrections * t.row_select_cycles +
                correction_pulses * t.pulse_cycles;
    CHECK(cycles == expected);
    CHECK(conversions == 2 * reads);
    CHECK(given == asked + correction_pulses);
}

TEST_CASE(
    "tiled array: writes on slices take the pulses that devices get, not the steps of the finest slice") {
    const auto digits = [](int steps) {
        return std::abs(steps) / 16 + std::abs(steps) / 4 % 4 + std::abs(steps) % 4;
    };
    for (const bool verified : {false, true}) {
        TwoArrays both(3, crossbar::DeviceCounter::per_synapse, 0, 4);
        auto pulses = random_pulses(kRows * kColumns, 2, 60);
        for (std::uint32_t i = 0; i < kRows; ++i) {
            pulses[i * kColumns + i] = 0;  // there is no diagonal
        }
        const crossbar::VerifiedWrites how{.on = verified, .step_us = 1.0F / 21, .tolerance_us = 0.3F};
        const CrossbarTiming t = crossbar_params(ReadMode::per_event).timing;
        std::uint64_t cycles = 0, given = 0, expected = 0, conversions = 0;
        const auto before = both.behind_tiles->counters();
        for (auto& tile : both.tiles) {
            const auto steps = part_of(pulses, kColumns, tile->region());
            std::vector<std::int16_t> alike;  // the same work of devices that are not slices
            for (std::uint32_t r = 0; r < steps.rows; ++r) {
                for (const int step : steps.row(r)) {
                    alike.push_back(static_cast<std::int16_t>(digits(step)));
                }
            }
            const auto taken = tile->begin_write(
                {.steps = steps, .event = 4, .tick = 2, .verified = how, .steps_of_array = pulses});
            REQUIRE(taken.has_value());
            cycles += *taken;
            given += tile->stats().pulses;
            conversions += tile->stats().conversions;
            expected += write_work(t, whole(alike, steps.columns)).cycles;
        }
        for (auto& tile : both.tiles) {
            tile->finish_write();
        }
        std::uint64_t reads = 0, corrections = 0, correction_pulses = 0;
        if (verified) {
            std::vector<crossbar::VerifiedSynapse> done;
            both.functional->write_verified(pulses, how, 4, 2, &done);
            for (const auto& synapse : done) {
                reads += synapse.reads;
                corrections += synapse.corrections;
                correction_pulses += synapse.correction_pulses;
            }
            REQUIRE(correction_pulses > corrections);
            both.check_states();
        }
        CHECK(given == both.behind_tiles->counters().set_pulses - before.set_pulses);
        CHECK(conversions == 3 * 2 * reads);  // every slice of both sides
        for (auto& tile : both.tiles) {
            const std::uint64_t converted = tile->stats().conversions;
            const std::vector<std::uint32_t> active{0};
            std::vector<float> sums(tile->columns());
            REQUIRE(tile->begin_sample(0, 2));
            tile->read(active, 0, ReadMode::per_event, sums);
            CHECK(tile->stats().conversions - converted == std::uint64_t{3} * tile->columns());
        }
        CHECK(cycles == expected + reads * (t.drive_cycles + 2 * t.conversion_cycles) +
                            corrections * t.row_select_cycles + correction_pulses * t.pulse_cycles);
    }
}

TEST_CASE("tiled array: an operation waits until all tiles have done with the one before") {
    TwoArrays both(1, crossbar::DeviceCounter::per_synapse);
    const auto pulses = random_pulses(kRows * kColumns, 1);
    const auto burst = [&](std::size_t tile, std::uint32_t event) {
        return WriteBurst{part_of(pulses, kColumns, both.tiles[tile]->region()), event, 1};
    };
    REQUIRE(both.tiles[0]->begin_write(burst(0, 1)).has_value());
    CHECK_FALSE(both.tiles[0]->begin_write(burst(0, 1)).has_value());  // twice
    CHECK_FALSE(both.tiles[1]->begin_write(burst(1, 2)).has_value());  // another update
    CHECK_FALSE(both.tiles[1]->begin_measure(1, 1).has_value());
    CHECK_FALSE(both.tiles[1]->begin_refresh({{}, 1, 1}).has_value());
    CHECK_FALSE(both.tiles[1]->begin_sample(0, 1));
    both.tiles[0]->finish_write();
    CHECK(both.behind_tiles->counters().set_pulses == 0);  // not before all have finished
    for (std::size_t i = 1; i < both.tiles.size(); ++i) {
        REQUIRE(both.tiles[i]->begin_write(burst(i, 1)).has_value());
        both.tiles[i]->finish_write();
    }
    both.functional->program(pulses, SynapseArray::Phase::update, 1, 1);
    both.check_states();
    CHECK(both.tiles[1]->begin_sample(0, 1));
    CHECK_THROWS_AS(TiledArray(*both.behind_tiles, 0), InputError);
    CHECK_THROWS_AS(CrossbarMemory(*both.tiled, 9, crossbar_params(ReadMode::per_event), "tile"), InputError);
}

TEST_CASE("crossbar memory: energy is events times cost, and the modes differ in integrations only") {
    TwoArrays both(1, crossbar::DeviceCounter::per_synapse);
    CrossbarTileParams params{.cost = {1.0, 10.0, 100.0, 1000.0, "made up"}};
    CrossbarMemory tile(*both.tiled, 1, params, "tile");  // 10 x 12
    REQUIRE(tile.begin_sample(0, 1));
    std::vector<float> per_event(12), per_timestep(12);
    const std::vector<std::uint32_t> rows{0, 4, 9};
    tile.read(rows, 3, ReadMode::per_event, per_event);
    CHECK(tile.energy_j() == doctest::Approx(1e-12 * (3 * 1 + 3 * 12 * 10 + 12 * 100)).scale(0));
    tile.read(rows, 3, ReadMode::per_timestep, per_timestep);
    CHECK(tile.energy_j() == doctest::Approx(1e-12 * (6 * 1 + 4 * 12 * 10 + 24 * 100)).scale(0));
    CHECK(per_event == per_timestep);
    std::vector<hw::Counter> report;
    tile.report("t.", report);
    double energy = 0.0;
    for (const hw::Counter& counter : report) {
        CHECK(counter.name.starts_with("t."));
        CHECK_FALSE(counter.unit.empty());
        CHECK_FALSE(counter.description.empty());
        energy += counter.unit == "J" ? counter.value : 0.0;
        CHECK((counter.unit != "J" || counter.description.find("made up") != std::string::npos));
    }
    CHECK(energy == doctest::Approx(tile.energy_j()).scale(0));
}

TEST_CASE("crossbar memory: converters that round belong to the columns they have in the array") {
    CrossbarConfig config;
    config.adc_bits = 6;
    config.adc.columns_per_converter = 4;
    SynapseArray array(config, {.rows = 8, .columns = 20}, 38.6, 1, 0);
    TiledArray by_12(array, 12), by_10(array, 10);
    CrossbarTileParams params = crossbar_params(ReadMode::per_event);
    CHECK_THROWS_WITH_AS(CrossbarMemory(by_12, 0, params, "tile"),
                         "tile.columns_per_converter = 1: must be crossbar.adc.columns_per_converter, 4",
                         InputError);
    params.timing.columns_per_converter = 4;
    CHECK_NOTHROW(CrossbarMemory(by_12, 1, params, "tile"));
    CHECK_THROWS_WITH_AS(CrossbarMemory(by_10, 1, params, "tile"),
                         "tile.columns_per_converter = 4: must divide the first column of the tile, 10",
                         InputError);
}

TEST_CASE("sram memory: sums, limits, measurement and accesses are those of integers") {
    const SramTileParams params{.rows = 9,
                                .columns = 21,
                                .timing = {.weight_bits = 4, .word_bits = 16},
                                .cost = {1.0, 10.0, 100.0, "made up"}};
    SramMemory tile(params, "tile");
    std::vector<int> expected(9UL * 21, 0);
    std::uint64_t limited = 0, additions = 0, slots = 0;
    for (std::uint32_t burst = 0; burst < 6; ++burst) {
        const auto steps = random_pulses(9 * 21, burst, 5);
        slots += write_work(params.timing, whole(steps, 21)).slots;
        REQUIRE(tile.begin_write({whole(steps, 21)}).has_value());
        tile.finish_write();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const int wanted = expected[i] + steps[i];
            expected[i] = std::max(-8, std::min(7, wanted));
            limited += wanted != expected[i];
            additions += steps[i] != 0;
        }
    }
    CHECK(limited > 0);
    CHECK(tile.stats().limited_weights == limited);
    CHECK(tile.stats().words_written == slots);
    std::vector<float> values(expected.size()), sums(21);
    CHECK(tile.begin_measure(0, 0) == 9 * 6);
    tile.finish_measure(values);
    CHECK(std::equal(values.begin(), values.end(), expected.begin()));
    tile.read(std::vector<std::uint32_t>{2, 3, 8}, 0, ReadMode::per_event, sums);
    for (std::size_t c = 0; c < 21; ++c) {
        CHECK(sums[c] ==
              static_cast<float>(expected[2 * 21 + c] + expected[3 * 21 + c] + expected[8 * 21 + c]));
    }
    CHECK(tile.stats().words_read == slots + 54 + 18);
    CHECK(tile.stats().additions == additions + 63);
    CHECK(tile.energy_j() ==
          doctest::Approx(1e-12 * static_cast<double>(slots + 72 + 10 * slots + 100 * (additions + 63))));
}
