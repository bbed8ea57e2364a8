// What happens between samples on a one-core chip takes the cycles of the formula in
// hw_models/chip/README.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_formula.hpp"
#include "learning/update/fast_array.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::test::ceil_div;
using memprop::test::ChipBench;
using memprop::test::Count;
using memprop::test::Formula;
using memprop::test::grid;
using memprop::test::settings;

TEST_CASE("chip timing: limits of the gradient and adaptive feedback take the cycles of the formula") {
    std::vector<std::unique_ptr<ChipBench>> benches;
    for (const auto& more : grid()) {
        std::vector<std::string> own = settings(more);
        own.emplace_back("learning.feedback_decay=0.25");
        benches.push_back(std::make_unique<ChipBench>(own));
    }
    for (std::size_t b = 0; b < benches.size(); ++b) {
        ChipBench& bench = *benches[b];
        CAPTURE(b);
        bench.load();
        Formula formula(bench);
        const auto host = [&](HostCounter which) { return Count(bench.counter(which)); };
        const auto core = [&](CoreCounter which) { return Count(bench.core().stats()[which]); };
        bench.hardware.limit_gradient(1.0F);
        CHECK(host(HostCounter::limit_cycles) == formula.round_trip() + formula.pass());
        bench.hardware.limit_gradient(0.5F);  // exceeded: products besides
        CHECK(host(HostCounter::limit_cycles) == 3 * (formula.round_trip() + formula.pass()));
        CHECK(core(CoreCounter::planning_cycles) == 3 * formula.pass());
        const auto synapses = Count(bench.core().shape().synapses());
        CHECK(core(CoreCounter::planning_operations) == 3 * synapses);

        const std::vector<float> before = bench.feedback(), changes = bench.drawn_weights(2, 0.3F);
        bench.hardware.adapt_feedback({{}, {}, changes});
        CHECK(host(HostCounter::adaptation_cycles) == formula.round_trip() + formula.adaptation());
        CHECK(core(CoreCounter::planning_operations) == 3 * synapses + Count(changes.size()));
        const std::size_t n = bench.sizes.recurrent, outputs = bench.sizes.outputs;
        for (std::size_t i = 0; i < before.size(); ++i) {
            const float change = changes[i % n * outputs + i / n];
            CHECK(bench.feedback()[i] == before[i] + (change - 0.25F * before[i]));
        }
    }
}

TEST_CASE("chip timing: schemes with a fast array take the cycles of its tiles and of the transfer") {
    const std::vector<std::vector<std::string>> schemes{
        {"update.scheme=tiki_taka", "crossbar.device=reram_sb"},
        {"update.scheme=buffered_transfer", "crossbar.device=reram_sb", "update.transfer.rows=7",
         "update.transfer.rate=1", "crossbar.tile_rows=9", "crossbar.tile_columns=10"},
        {"update.scheme=dynamic_transfer", "crossbar.device=reram_sb", "update.transfer.rows=5",
         "update.transfer.rate=1", "chip.learning_lanes=7", "crossbar.adc.columns_per_converter=4"},
        {"update.scheme=short_term", "update.transfer.rows=20", "update.transfer.fast_gain=1",
         "chip.reset_cycles=11", "chip.columns_written_together=3"},
    };
    const std::vector<Count> numbers{1, 1, 3, 1}, rows_read{1, 7, 5, 20};
    for (std::size_t b = 0; b < schemes.size(); ++b) {
        ChipBench bench(settings(schemes[b]));
        CAPTURE(b);
        bench.load();
        const Formula formula(bench);
        const ChipConfig& c = bench.experiment.chip;
        const Core& core = bench.core();
        const auto in = bench.drawn_weights(0, 0.3F), rec = bench.drawn_weights(1, 0.3F),
                   out = bench.drawn_weights(2, 0.3F);
        bench.update({in, rec, out}, 1, 2);

        Count longest = 0, resets = 0;
        core.for_each_tile([&](std::uint32_t projection, const ArrayBlock::PlacedTile& placed) {
            const WeightArray& array = bench.chip().weights(projection);
            auto& store = dynamic_cast<learning::CrossbarWeights&>(*bench.stores[projection]);
            const learning::FastArray& fast = *store.scheme().fast_array();
            const hw::tile::TileRegion& region = placed.region;
            const Count columns = region.columns, together = c.columns_written_together;
            Count cycles = 0;
            for (Count r = region.first_row; r < Count{region.first_row} + region.rows; ++r) {
                Count slots = 0, groups = 0;
                for (Count g = 0; g < columns; g += together) {
                    Count most = 0, reset = 0;
                    for (Count k = g; k < std::min(g + together, columns); ++k) {
                        const auto i =
                            static_cast<std::size_t>(r * array.shape().post + region.first_column + k);
                        most = std::max<Count>(most, std::abs(fast.pulses()[i]));
                        reset += !fast.log().reset.empty() && fast.log().reset[i] != 0;
                    }
                    slots += most;
                    groups += reset > 0;
                    resets += reset;
                }
                cycles += slots > 0 ? c.row_select_cycles + slots * c.pulse_cycles : 0;
                cycles += groups > 0 ? c.row_select_cycles + groups * c.reset_cycles : 0;
                const Count converted =
                    std::min<Count>(bench.experiment.crossbar.adc.columns_per_converter, columns);
                const bool read = r < rows_read[b];  // the first transfer begins with row 0
                cycles += read ? c.drive_cycles + converted * c.conversion_cycles : 0;
            }
            longest = std::max(longest, cycles);
        });
        Count passes = 0;
        for (const Count columns : {Count(24), Count(24), Count(3)}) {
            passes += rows_read[b] * numbers[b] * ceil_div(columns, formula.lanes());
        }
        CHECK(longest > 0);
        CHECK((resets > 0) == (b == 3));
        CHECK(Count(core.stats()[CoreCounter::transfer_cycles]) == longest + passes);
        Count longest_write = 0;
        double conversions = 0.0, energy_j = 0.0;
        core.for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
            longest_write = std::max(longest_write, Count(placed.tile->stats().write_cycles));
            // Conversions of rows read are charged like those of any tile.
            REQUIRE(placed.fast != nullptr);
            conversions += static_cast<double>(placed.fast->periphery().conversions);
            energy_j += placed.fast->energy_j();
        });
        CHECK(Count(bench.counter(HostCounter::update_cycles)) ==
              formula.round_trip() + 2 + formula.planning() + longest + passes + longest_write);
        CHECK(conversions == static_cast<double>(rows_read[b] * (24 + 24 + 3)));
        CHECK(energy_j == doctest::Approx(1e-12 * conversions * c.tile_cost.conversion_pj));
        CHECK(bench.chip().energy().tile_periphery_j >= energy_j * (1.0 - 1e-12));
    }
}
