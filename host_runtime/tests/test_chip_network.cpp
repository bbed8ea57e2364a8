// Several cores: spikes reach each of them once; counters and energy add up; costs that are not known.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_bench.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::test::ChipBench;

namespace {

double sum_of(const std::vector<hw::Counter>& report, std::string_view ending) {
    double sum = 0.0;
    for (const hw::Counter& counter : report) {
        sum += counter.name.ends_with(ending) ? counter.value : 0.0;
    }
    return sum;
}

double value_of(const std::vector<hw::Counter>& report, std::string_view name) {
    for (const hw::Counter& counter : report) {
        if (counter.name == name) {
            return counter.value;
        }
    }
    FAIL("no counter ", name);
    return 0.0;
}

}  // namespace

TEST_CASE("chip network: a spike reaches every core once, whatever the traffic") {
    const std::vector<std::string> base{"network.inputs=30", "network.recurrent=45", "network.outputs=4",
                                        "network.threshold=0.001"};
    std::vector<std::unique_ptr<ChipBench>> benches;
    for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
             {"chip.mesh_width=1"},
             {"chip.mesh_width=2", "chip.mesh_height=2"},
             {"chip.mesh_width=3", "chip.mesh_height=3", "chip.fifo_depth=1"},
             {"chip.mesh_width=4", "chip.mesh_height=1", "chip.fifo_depth=2", "chip.router_cycles=3"},
             {"chip.mesh_width=1", "chip.mesh_height=5", "chip.neurons_per_core=12"}}) {
        std::vector<std::string> settings = base;
        settings.insert(settings.end(), more.begin(), more.end());
        benches.push_back(std::make_unique<ChipBench>(settings));
    }
    std::vector<std::uint32_t> spike_counts;
    for (const auto& bench : benches) {
        bench->load(2.0F);
        constexpr std::uint32_t kSteps = 40;
        const learning::Trial trial = bench->random_trial(kSteps, 0.3F);
        bench->run(trial, true);
        const std::uint64_t spikes = bench->neurons().own.spikes();
        CHECK(spikes > 300);
        // The same numbers on every chip.
        spike_counts = spike_counts.empty() ? bench->neurons().spike_count : spike_counts;
        CHECK(bench->neurons().spike_count == spike_counts);
        std::uint64_t sent = 0;
        for (std::size_t c = 0; c < bench->image().cores.size(); ++c) {
            const Core& core = bench->core(c);
            const auto& units = bench->image().cores[c].units;
            const bool has_neurons =
                std::any_of(units.begin(), units.end(), [](const UnitImage& u) { return u.population == 1; });
            const std::uint64_t inputs = has_neurons ? trial.input.spikes() : 0;
            CHECK(core.stats()[CoreCounter::events] == inputs + spikes);
            CHECK(core.stats()[CoreCounter::unmapped_events] == 0);
            CHECK(core.stats()[CoreCounter::refused_events] == 0);
            CHECK(core.stats()[CoreCounter::refused_flits] == 0);
            CHECK(core.stats()[CoreCounter::steps] == kSteps);
            sent += core.stats()[CoreCounter::spikes];
            core.for_each_tile([](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
                for (std::size_t r = 1; r < hw::tile::kTileResponses; ++r) {
                    CHECK(placed.tile->stats().responses[r] == 0);
                }
            });
        }
        CHECK(sent == spikes);
        const std::vector<float>& outputs = bench->tape.objectives[0].output;
        const auto values = static_cast<std::uint64_t>(
            std::count_if(outputs.begin(), outputs.end(), [](float y) { return y != 0.0F; }));
        CHECK(values > 3 * kSteps);
        CHECK(bench->counter(HostCounter::events_in) == trial.input.spikes());
        CHECK(bench->counter(HostCounter::events_out) == spikes + values);
        const auto report = bench->chip().report(bench->resolved.network);
        CHECK(value_of(report, "network.unroutable_flits") == 0.0);
        CHECK(value_of(report, "network.refused_no_route") == 0.0);
        CHECK(bench->chip().fabric().flits_inside() == 0);
    }
}

TEST_CASE("chip network: counters have name, unit and description, and energy adds up to its total") {
    ChipBench bench({"network.inputs=12", "network.recurrent=20", "network.outputs=2", "chip.mesh_width=2",
                     "chip.mesh_height=2", "crossbar.tile_rows=8", "network.threshold=0.005"});
    bench.load(1.0F);
    bench.run(bench.random_trial(50, 0.3F), true);
    const auto in = bench.drawn_weights(0, 0.3F), rec = bench.drawn_weights(1, 0.3F),
               out = bench.drawn_weights(2, 0.3F);
    bench.update({in, rec, out}, 1, 2);
    const auto report = bench.chip().report(bench.resolved.network);
    std::vector<std::string> names;
    for (const hw::Counter& counter : report) {
        CAPTURE(counter.name);
        CHECK_FALSE(counter.unit.empty());
        CHECK_FALSE(counter.description.empty());
        CHECK(std::isfinite(counter.value));
        names.push_back(counter.name);
    }
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());

    const ChipEnergy energy = bench.chip().energy();
    CHECK(energy.routing_j == value_of(report, "network.energy"));
    CHECK(energy.routing_j > 0.0);
    CHECK(energy.digital_j == doctest::Approx(sum_of(report, ".energy_digital")).scale(0));
    CHECK(energy.digital_j > 0.0);
    double tiles = 0.0;
    for (const char* part :
         {".energy_word_lines", ".energy_integrators", ".energy_converters", ".energy_pulse_drivers"}) {
        tiles += sum_of(report, part);
    }
    CHECK(energy.tile_periphery_j == doctest::Approx(tiles).scale(0));
    CHECK(tiles > 0.0);
    CHECK(energy.total_j() == energy.routing_j + energy.tile_periphery_j + energy.digital_j);

    CoreStats all;
    for (const auto& core : bench.chip().cores()) {
        all += core->stats();
    }
    const ChipConfig& chip = bench.experiment.chip;
    CHECK(energy.digital_j ==
          doctest::Approx(1e-12 * (chip.digital_cost.neuron_update_pj * 50 * (20 + 2) +
                                   chip.digital_cost.learning_operation_pj *
                                       static_cast<double>(all[CoreCounter::learning_operations] +
                                                           all[CoreCounter::planning_operations]))));
    CHECK(all[CoreCounter::neuron_updates] == 50 * 20);
    CHECK(all[CoreCounter::readout_updates] == 50 * 2);
}

TEST_CASE("chip network: a time step longer than its budget is a deadline miss") {
    ChipBench relaxed({"network.inputs=5", "network.recurrent=6"}),
        tight({"network.inputs=5", "network.recurrent=6", "chip.step_budget_seconds=1e-7"});
    for (ChipBench* bench : {&relaxed, &tight}) {
        bench->load();
        bench->run(bench->random_trial(10, 0.5F));
    }
    CHECK(relaxed.counter(HostCounter::deadline_misses) == 0);
    CHECK(tight.counter(HostCounter::deadline_misses) == 10);
}

TEST_CASE("chip network: a cost that is not known or has no source is refused") {
    const auto refused = [](const std::vector<std::string>& settings, std::string_view what) {
        CAPTURE(what);
        try {
            ChipBench bench(settings);
            FAIL("built");
        } catch (const InputError& error) {
            CHECK(std::string_view(error.what()).find(what) != std::string_view::npos);
        }
    };
    struct Group {
        std::string name;
        std::vector<std::string> costs;
    };
    for (const Group& group :
         {Group{"router_cost", {"east_west_pj", "north_south_pj", "local_pj"}},
          Group{"tile_cost", {"word_line_pj", "integration_pj", "conversion_pj", "pulse_driver_pj"}},
          Group{"sram_cost", {"word_read_pj", "word_write_pj", "add_pj"}},
          Group{"digital_cost", {"neuron_update_pj", "learning_operation_pj"}}}) {
        const std::string source = "chip." + group.name + ".source";
        for (const std::string& cost : group.costs) {
            const std::string key = "chip." + group.name + "." + cost;
            refused({key + "=-1"}, key + " = -1: is not known");
            refused({key + "=-1", source + "=measured"}, key + " = -1: is not known");
            refused({key + "=123"}, "name its source in " + source);
            CHECK_THROWS_AS(host::parse_experiment("", "test", std::vector{key + "=-2"}), InputError);
            host::Experiment known =
                host::parse_experiment("", "test", std::vector{key + "=123", source + "=measured"});
            CHECK_NOTHROW(known.chip.check_costs());
        }
        refused({source + "="}, "must name where the costs come from");
    }
}
