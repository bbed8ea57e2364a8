// The SystemC modules: values of the functional engine, cycles of the closed formulas, no needless wake-up.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/tile_bench.hpp"

using namespace memprop;
using namespace memprop::hw::tile;
using crossbar::CrossbarConfig;
using crossbar::SynapseArray;

namespace {

// A tile that is a whole array, and the same array without a tile.
struct TileBench {
    CrossbarConfig config;
    SynapseArray functional, behind_tile;
    TiledArray tiled;
    MemristiveTile tile;
    SynapseTileIf* port;

    TileBench(const std::string& name, const CrossbarConfig& config_, std::uint32_t rows,
              std::uint32_t columns, const CrossbarTileParams& params)
        : config(config_),
          functional(config, {.rows = rows, .columns = columns}, 38.6, 3, 0),
          behind_tile(config, {.rows = rows, .columns = columns}, 38.6, 3, 0),
          tiled(behind_tile, columns),
          tile(name.c_str(), tiled, 0, params, kPeriod),
          port(tile.port.operator->()) {}

    // Called from a process; all events come `lead` cycles before the end of the step.
    std::uint64_t step(std::uint32_t index, std::span<const std::uint32_t> rows, std::uint64_t lead) {
        CHECK(port->begin_step(index) == TileResponse::accepted);
        for (const std::uint32_t row : rows) {
            CHECK(port->row_event(row) == TileResponse::accepted);
        }
        if (lead > 0) {
            wait_cycles(lead);
        }
        const std::uint64_t end = now_cycle();
        CHECK(port->end_step() == TileResponse::accepted);
        sc_core::wait(port->sums_event());
        return now_cycle() - end;
    }
};

CrossbarConfig config_of(std::uint32_t rows) {
    CrossbarConfig config;
    config.tile_rows = rows;
    return config;
}

}  // namespace

TEST_CASE("tile module: values and cycles over a grid of sizes, activities, converters and modes") {
    std::vector<std::unique_ptr<TileBench>> benches;
    for (const ReadMode mode : {ReadMode::per_event, ReadMode::per_timestep}) {
        for (const std::uint32_t rows : {1U, 13U, 64U}) {
            for (const std::uint32_t columns : {1U, 10U, 50U}) {
                for (const std::uint32_t per_converter : {1U, 8U, 100U}) {
                    CrossbarTileParams params = crossbar_params(mode);
                    params.timing.columns_per_converter = per_converter;
                    params.timing.columns_written_together = per_converter;
                    benches.push_back(std::make_unique<TileBench>("tile_" + std::to_string(benches.size()),
                                                                  config_of(rows), rows, columns, params));
                }
            }
        }
    }
    std::uint64_t checked = 0;
    Script script("script", [&] {
        for (auto& bench : benches) {
            const auto& memory = dynamic_cast<const CrossbarMemory&>(bench->tile.memory());
            const CrossbarTiming& timing = memory.params().timing;
            const std::uint32_t rows = memory.rows(), columns = memory.columns();
            std::vector<float> expected(columns);
            std::uint64_t with_events = 0, step_cycles_sum = 0, write_cycles_sum = 0;
            for (std::uint32_t sample = 0; sample < 2; ++sample) {
                const auto tick = static_cast<std::int32_t>(sample + 1);
                const auto pulses = random_pulses(rows * columns, sample);
                bench->functional.program(pulses, SynapseArray::Phase::update, sample, tick);
                const WriteWork work = write_work(timing, whole(pulses, columns));
                const std::uint64_t begin = now_cycle();
                CHECK(bench->port->write({whole(pulses, columns), sample, tick}) == TileResponse::accepted);
                sc_core::wait(bench->port->done_event());
                CHECK(now_cycle() - begin == work.cycles);
                write_cycles_sum += work.cycles;
                with_events += work.cycles != 0;
                CHECK(bench->behind_tile.devices().conductance_us ==
                      bench->functional.devices().conductance_us);

                bench->functional.renew(tick);
                CHECK(bench->port->begin_sample(sample, tick) == TileResponse::accepted);
                for (const std::uint32_t percent : {0U, 5U, 50U, 100U}) {
                    for (const std::uint64_t lead : {0UL, 7UL, 1000UL}) {
                        const auto step = static_cast<std::uint32_t>(10 * percent + lead);
                        const auto active = random_rows(rows, percent, step);
                        bench->functional.read(active, sample, step, expected);
                        const std::uint64_t cycles = bench->step(step, active, lead);
                        const std::uint64_t formula = step_cycles(
                            read_timing(timing, columns), bench->tile.read_mode(), active.size(), lead);
                        CHECK(cycles == formula);
                        CHECK(bench->port->rows_read() == active.size());
                        const auto sums = bench->port->sums();
                        CHECK(std::equal(sums.begin(), sums.end(), expected.begin(), expected.end()));
                        with_events += !active.empty();
                        step_cycles_sum += cycles;
                        ++checked;
                    }
                }
                CHECK(bench->port->end_sample() == TileResponse::accepted);
                bench->functional.account_reads();
            }
            CHECK(bench->tile.activations() == with_events);
            CHECK(bench->tile.stats().step_cycles == step_cycles_sum);
            CHECK(bench->tile.stats().write_cycles == write_cycles_sum);
            CHECK(bench->behind_tile.counters().device_reads == bench->functional.counters().device_reads);
            CHECK(bench->behind_tile.counters().read_conductance_us ==
                  bench->functional.counters().read_conductance_us);
        }
    });
    sc_core::sc_start();
    CHECK(script.finished);
    CHECK(checked == 54UL * 2 * 12);
}

TEST_CASE("tile module: events one by one and out of order give the same sums, and drivers work meanwhile") {
    TileBench bench("tile", config_of(20), 20, 12, crossbar_params(ReadMode::per_event));
    Script script("script", [&] {
        bench.functional.renew(1);
        CHECK(bench.port->begin_sample(0, 1) == TileResponse::accepted);
        CHECK(bench.port->begin_step(0) == TileResponse::accepted);
        CHECK(bench.tile.activity() == TileActivity::waiting);
        // Arrivals 0, 2, 20: driven 0-5, 5-10, 20-25.
        CHECK(bench.port->row_event(17) == TileResponse::accepted);
        wait_cycles(2);
        CHECK(bench.port->row_event(3) == TileResponse::accepted);
        wait_cycles(7);
        CHECK(bench.tile.activity() == TileActivity::driving);
        wait_cycles(1);
        CHECK(bench.tile.activity() == TileActivity::waiting);
        wait_cycles(10);
        CHECK(bench.port->row_event(9) == TileResponse::accepted);
        wait_cycles(1);
        CHECK(bench.port->end_step() == TileResponse::accepted);
        CHECK(bench.tile.activity() == TileActivity::driving);
        wait_cycles(4);
        CHECK(bench.tile.activity() == TileActivity::reading_out);
        sc_core::wait(bench.port->sums_event());
        CHECK(now_cycle() == 25 + 8);
        CHECK(bench.tile.activity() == TileActivity::idle);
        std::vector<float> expected(12);
        bench.functional.read(std::vector<std::uint32_t>{3, 9, 17}, 0, 0, expected);
        CHECK(std::equal(expected.begin(), expected.end(), bench.port->sums().begin()));
        CHECK(bench.tile.stats().driving_cycles == 15);
        CHECK(bench.tile.stats().step_cycles == 12);
    });
    sc_core::sc_start();
    CHECK(script.finished);
}

TEST_CASE("tile module: steps without events wake nobody, and an idle tile costs nothing") {
    TileBench bench("tile", config_of(8), 8, 4, crossbar_params(ReadMode::per_timestep));
    Script script("script", [&] {
        CHECK(bench.port->begin_sample(0, 1) == TileResponse::accepted);
        for (std::uint32_t step = 0; step < 100; ++step) {
            std::vector<std::uint32_t> rows;
            if (step == 40) {
                rows = {1, 2};
            }
            const std::uint64_t cycles = bench.step(step, rows, 3);
            CHECK(cycles == (step == 40 ? 5 + 8 : 0));
            CHECK(bench.port->rows_read() == rows.size());
            if (rows.empty()) {
                CHECK(std::count(bench.port->sums().begin(), bench.port->sums().end(), 0.0F) == 4);
            }
        }
        const std::vector<std::int16_t> nothing(32);
        CHECK(bench.port->write({whole(nothing, 4)}) == TileResponse::accepted);
        sc_core::wait(bench.port->done_event());
        CHECK(now_cycle() == 300 + 13);
    });
    sc_core::sc_start();
    REQUIRE(script.finished);
    CHECK(bench.tile.activations() == 1);
    CHECK(bench.tile.stats().steps == 100);
    CHECK(bench.tile.stats().steps_with_events == 1);
    CHECK_FALSE(sc_core::sc_pending_activity());
    const std::uint64_t deltas = sc_core::sc_delta_count();
    sc_core::sc_start(kPeriod * 1e9);
    CHECK(bench.tile.activations() == 1);
    CHECK(sc_core::sc_delta_count() - deltas <= 1);  // of sc_start itself
}

TEST_CASE("tile module: misuse is answered, counted and changes nothing") {
    TileBench bench("tile", config_of(6), 6, 4, crossbar_params(ReadMode::per_event));
    TileBench undisturbed("undisturbed", config_of(6), 6, 4, crossbar_params(ReadMode::per_event));
    const auto pulses = random_pulses(24, 1);
    const WriteBurst burst{whole(pulses, 4)};
    const auto run = [&](TileBench& b, bool misuse) {
        const auto wrong = [&](auto call, TileResponse expected) {
            if (misuse) {
                const std::uint64_t before = b.tile.stats().refused(expected);
                CHECK(call() == expected);
                CHECK(b.tile.stats().refused(expected) == before + 1);
            }
        };
        auto& port = b.port;
        const auto write = [&] { return port->write(burst); };
        const auto row = [&](std::uint32_t r) { return [&port, r] { return port->row_event(r); }; };
        const auto begin_step = [&] { return port->begin_step(9); };
        const auto end_step = [&] { return port->end_step(); };
        const auto begin_sample = [&] { return port->begin_sample(9, 1); };
        const auto end_sample = [&] { return port->end_sample(); };
        const auto refresh = [&] { return port->refresh({}); };
        const auto measure = [&] { return port->measure(0, 0); };

        wrong(begin_step, TileResponse::no_sample);
        wrong(end_sample, TileResponse::no_sample);
        CHECK(port->begin_sample(0, 1) == TileResponse::accepted);
        wrong(row(0), TileResponse::no_step);
        wrong(end_step, TileResponse::no_step);
        wrong(
            [&] {
                return port->write({SynapseView<std::int16_t>{pulses.data(), 4, 5, 4}});
            },
            TileResponse::out_of_range);
        CHECK(port->begin_step(5) == TileResponse::accepted);
        CHECK(port->row_event(2) == TileResponse::accepted);
        wrong(row(2), TileResponse::duplicate_row);
        wrong(row(6), TileResponse::out_of_range);
        wrong(begin_step, TileResponse::busy);
        wrong(begin_sample, TileResponse::busy);
        wrong(end_sample, TileResponse::busy);
        wrong(write, TileResponse::busy);
        wrong(refresh, TileResponse::busy);
        wrong(measure, TileResponse::busy);
        CHECK(port->end_step() == TileResponse::accepted);
        wait_cycles(3);
        wrong(row(1), TileResponse::no_step);
        wrong(end_step, TileResponse::no_step);
        wrong(begin_step, TileResponse::busy);
        wrong(write, TileResponse::busy);
        sc_core::wait(port->sums_event());
        CHECK(port->write(burst) == TileResponse::accepted);
        wrong(write, TileResponse::busy);
        wrong(begin_step, TileResponse::busy);
        wrong(row(1), TileResponse::no_step);
        wrong(begin_sample, TileResponse::busy);
        sc_core::wait(port->done_event());
        CHECK(port->end_sample() == TileResponse::accepted);
    };
    std::uint64_t cycles = 0, disturbed_cycles = 0;
    Script script("script", [&] {
        run(undisturbed, false);
        cycles = now_cycle();
        run(bench, true);
        disturbed_cycles = now_cycle() - cycles;
        CHECK(std::equal(bench.port->sums().begin(), bench.port->sums().end(),
                         undisturbed.port->sums().begin()));
    });
    sc_core::sc_start();
    REQUIRE(script.finished);
    CHECK(disturbed_cycles == cycles);
    CHECK(bench.behind_tile.devices().conductance_us == undisturbed.behind_tile.devices().conductance_us);
    const auto& responses = bench.tile.stats().responses;
    const auto& clean = undisturbed.tile.stats().responses;
    CHECK(responses[0] == clean[0]);
    CHECK(clean == std::array<std::uint64_t, kTileResponses>{clean[0]});
    std::uint64_t refused = 0;
    for (const hw::Counter& counter : bench.tile.report("tile.")) {
        CHECK_FALSE(counter.description.empty());
        if (counter.name.starts_with("tile.refused_")) {
            CHECK(counter.value > 0.0);
            ++refused;
        }
    }
    CHECK(refused == kTileResponses - 1);
}

TEST_CASE("tile module: four tiles share an array, and each works at its own time, the sum is the array's") {
    CrossbarConfig config = config_of(10);
    const crossbar::SynapseArrayShape shape{.rows = 20, .columns = 18, .no_diagonal = true};
    SynapseArray functional(config, shape, 38.6, 9, 2), array(config, shape, 38.6, 9, 2);
    TiledArray tiled(array, 11);
    std::vector<std::unique_ptr<MemristiveTile>> tiles;
    std::vector<SynapseTileIf*> ports;
    for (std::size_t i = 0; i < tiled.tiles().size(); ++i) {
        tiles.push_back(std::make_unique<MemristiveTile>(
            ("tile_" + std::to_string(i)).c_str(), tiled, i,
            crossbar_params(i % 2 == 0 ? ReadMode::per_event : ReadMode::per_timestep), kPeriod));
        ports.push_back(tiles[i]->port.operator->());
    }
    REQUIRE(ports.size() == 4);
    const auto pulses = random_pulses(20 * 18, 4);
    const std::vector<std::uint32_t> rows{2, 5, 9, 11, 12, 19};
    std::vector<float> sum(18);
    std::vector<std::unique_ptr<Script>> scripts;
    std::vector<std::uint64_t> written(4);
    int finished = 0;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        scripts.push_back(std::make_unique<Script>(("script_" + std::to_string(i)).c_str(), [&, i] {
            const TileRegion& region = tiled.tiles()[i];
            auto& port = ports[i];
            wait_cycles(1 + 7 * i);
            CHECK(port->write({part_of(pulses, 18, region), 3, 1}) == TileResponse::accepted);
            sc_core::wait(port->done_event());
            written[i] = now_cycle();
            ++finished;
            CHECK((array.counters().set_pulses == 0) == (finished < 4));
            if (finished < 4) {
                CHECK(port->begin_sample(0, 2) == TileResponse::busy);  // the update is not complete
            }
            wait_cycles(100'000 - now_cycle());
            CHECK(port->begin_sample(0, 2) == TileResponse::accepted);
            CHECK(port->begin_step(0) == TileResponse::accepted);
            for (const std::uint32_t row : rows) {
                if (row >= region.first_row && row < region.first_row + region.rows) {
                    CHECK(port->row_event(row - region.first_row) == TileResponse::accepted);
                }
            }
            CHECK(port->end_step() == TileResponse::accepted);
            sc_core::wait(port->sums_event());
            for (std::uint32_t c = 0; c < region.columns; ++c) {
                sum[region.first_column + c] += port->sums()[c];  // two row blocks: the order is free
            }
            CHECK(port->end_sample() == TileResponse::accepted);
        }));
    }
    sc_core::sc_start();
    for (const auto& script : scripts) {
        CHECK(script->finished);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        const CrossbarTiming t = crossbar_params(ReadMode::per_event).timing;
        CHECK(written[i] == 1 + 7 * i + write_work(t, part_of(pulses, 18, tiled.tiles()[i])).cycles);
    }
    functional.program(pulses, SynapseArray::Phase::update, 3, 1);
    functional.renew(2);
    std::vector<float> expected(18);
    functional.read(rows, 0, 0, expected);
    functional.account_reads();
    CHECK(sum == expected);
    CHECK(array.counters().device_reads == functional.counters().device_reads);
    CHECK(array.counters().set_pulses == functional.counters().set_pulses);
}

TEST_CASE("tile module: refresh and measurement take the cycles of their formulas") {
    TileBench bench("tile", config_of(6), 6, 9, crossbar_params(ReadMode::per_event));
    const CrossbarTiming t = crossbar_params(ReadMode::per_event).timing;
    Script script("script", [&] {
        for (std::uint32_t event = 0; event < 6; ++event) {
            const auto pulses = random_pulses(54, event, 12);
            bench.functional.program(pulses, SynapseArray::Phase::update, event, 1);
            CHECK(bench.port->write({whole(pulses, 9), event, 1}) == TileResponse::accepted);
            sc_core::wait(bench.port->done_event());
        }
        const crossbar::RefreshLimits limits{.high_us = 6.0F, .low_us = 2.0F};
        std::uint64_t begin = now_cycle();
        CHECK(bench.port->refresh({limits, 6, 2}) == TileResponse::accepted);
        CHECK(bench.tile.activity() == TileActivity::refreshing);
        sc_core::wait(bench.port->done_event());
        const std::uint64_t taken = now_cycle() - begin;
        const auto before = bench.functional.counters();
        const auto report = bench.functional.refresh(limits, 6, 2);
        const auto& after = bench.functional.counters();
        CHECK(report.pairs > 0);
        const std::uint64_t verify_reads = (after.verify_reads - before.verify_reads) / 2 - 54;
        CHECK(taken == measure_cycles(t, 6, 9) + report.pairs * t.reset_cycles +
                           (after.set_pulses - before.set_pulses) * t.pulse_cycles +
                           verify_reads * (t.drive_cycles + 2 * t.conversion_cycles));
        CHECK(bench.behind_tile.devices().conductance_us == bench.functional.devices().conductance_us);

        begin = now_cycle();
        CHECK(bench.port->measure(7, 2) == TileResponse::accepted);
        sc_core::wait(bench.port->done_event());
        CHECK(now_cycle() - begin == 6 * (5 + 2 * 8));
        std::vector<float> expected(54);
        bench.functional.measure(7, 2, expected);
        CHECK(std::equal(expected.begin(), expected.end(), bench.port->measured().begin(),
                         bench.port->measured().end()));
        CHECK(bench.behind_tile.counters().verify_reads == bench.functional.counters().verify_reads);
    });
    sc_core::sc_start();
    CHECK(script.finished);
}

TEST_CASE("tile module: an SRAM tile behind the same interface") {
    std::vector<std::unique_ptr<SramTile>> tiles;
    std::vector<SynapseTileIf*> ports;
    for (const ReadMode mode : {ReadMode::per_event, ReadMode::per_timestep}) {
        for (const std::uint32_t bits : {1U, 5U, 16U}) {
            for (const std::uint32_t access : {1U, 3U}) {
                SramTileParams params{.rows = 30, .columns = 17, .read_mode = mode};
                params.timing = {.weight_bits = bits, .word_bits = 32, .access_cycles = access};
                params.cost = horowitz_sram_cost();
                tiles.push_back(std::make_unique<SramTile>(("sram_" + std::to_string(tiles.size())).c_str(),
                                                           params, kPeriod));
                ports.push_back(tiles.back()->port.operator->());
            }
        }
    }
    Script script("script", [&] {
        for (std::size_t i = 0; i < tiles.size(); ++i) {
            const SramTiming t = dynamic_cast<const SramMemory&>(tiles[i]->memory()).params().timing;
            const auto steps = random_pulses(30 * 17, static_cast<std::uint32_t>(i), 3);
            const int highest = (1 << (t.weight_bits - 1)) - 1;
            std::uint64_t begin = now_cycle();
            CHECK(ports[i]->write({whole(steps, 17)}) == TileResponse::accepted);
            sc_core::wait(ports[i]->done_event());
            CHECK(now_cycle() - begin == write_work(t, whole(steps, 17)).cycles);
            CHECK(ports[i]->begin_sample(0, 0) == TileResponse::accepted);
            for (const std::uint32_t percent : {0U, 30U, 100U}) {
                const auto rows = random_rows(30, percent, percent);
                for (const std::uint64_t lead : {0UL, 5UL, 2000UL}) {
                    CHECK(ports[i]->begin_step(0) == TileResponse::accepted);
                    for (const std::uint32_t row : rows) {
                        CHECK(ports[i]->row_event(row) == TileResponse::accepted);
                    }
                    if (lead > 0) {
                        wait_cycles(lead);
                    }
                    begin = now_cycle();
                    CHECK(ports[i]->end_step() == TileResponse::accepted);
                    sc_core::wait(ports[i]->sums_event());
                    CHECK(now_cycle() - begin ==
                          step_cycles(read_timing(t, 17), tiles[i]->read_mode(), rows.size(), lead));
                    for (std::uint32_t c = 0; c < 17; ++c) {
                        int expected = 0;
                        for (const std::uint32_t row : rows) {
                            expected += std::max(-highest - 1, std::min(highest, int{steps[row * 17 + c]}));
                        }
                        CHECK(ports[i]->sums()[c] == static_cast<float>(expected));
                    }
                }
            }
            CHECK(ports[i]->end_sample() == TileResponse::accepted);
            CHECK(ports[i]->refresh({}) == TileResponse::accepted);
            sc_core::wait(ports[i]->done_event());
            begin = now_cycle();
            CHECK(ports[i]->measure(0, 0) == TileResponse::accepted);
            sc_core::wait(ports[i]->done_event());
            CHECK(now_cycle() - begin == measure_cycles(t, 30, 17));
        }
    });
    sc_core::sc_start();
    CHECK(script.finished);
}

TEST_CASE("tile module: calls between two cycles count as made at the earlier one") {
    TileBench bench("tile", config_of(4), 4, 4, crossbar_params(ReadMode::per_timestep));
    Script script("script", [&] {
        CHECK(bench.port->begin_sample(0, 1) == TileResponse::accepted);
        CHECK(bench.port->begin_step(0) == TileResponse::accepted);
        CHECK(bench.port->row_event(0) == TileResponse::accepted);
        sc_core::wait(kPeriod * 2.5);
        CHECK(bench.port->end_step() == TileResponse::accepted);
        sc_core::wait(bench.port->sums_event());
        CHECK(sc_core::sc_time_stamp() == kPeriod * (2 + 13));
    });
    sc_core::sc_start();
    CHECK(script.finished);
}

TEST_CASE("tile module: a tile needs a clock period and valid parameters") {
    const SramTileParams good{.cost = horowitz_sram_cost()};
    CHECK_THROWS_AS(SramTile("clockless", good, sc_core::SC_ZERO_TIME), InputError);
    CHECK_THROWS_WITH_AS(SramTile("free", SramTileParams{}, kPeriod),
                         "free.cost.word_read_pj is not set: give a cost in pJ and its source", InputError);
}
