// The cycles of a time step of a one-core chip against the formula in hw_models/chip/README.md, recomputed
// here from the settings alone; and how often processes run.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_bench.hpp"
#include "learning/update/fast_array.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::test::ChipBench;

namespace {

using Count = std::int64_t;  // differences may be negative on the way

Count ceil_div(Count a, Count b) {
    return (a + b - 1) / b;
}

/// The formula, with the names of the document.
class Formula {
public:
    explicit Formula(const ChipBench& bench)
        : c_(bench.experiment.chip),
          numbers_(bench.experiment.update.scheme == "vanilla"),
          n_(bench.parameters.recurrent),
          i_(bench.parameters.inputs),
          k_(bench.parameters.outputs),
          rows_(bench.experiment.crossbar.tile_rows),
          columns_(bench.experiment.crossbar.tile_columns),
          p_(bench.experiment.crossbar.adc.columns_per_converter),
          hop_(c_.router_cycles + c_.link_cycles),
          held_(bench.experiment.learning.update_every_steps > 0) {}

    struct Phases {
        Count neurons, readouts, learning;
    };

    /// The step that begins in cycle c0 and follows one with the spikes `before`.
    Phases step(Count c0, std::span<const std::uint32_t> inputs, std::span<const std::uint32_t> before,
                std::span<const std::uint32_t> spikes, bool learns) {
        const Count events = Count(inputs.size()), z = Count(spikes.size());
        const Count e = c0 + 2 * hop_ + events;
        const Count read =
            held_ ? std::max(layer_read(inputs, i_, n_, kHeld, e), layer_read(before, n_, n_, kHeld, e))
                  : std::max(layer_read(inputs, i_, n_, e - events, e),
                             layer_read(before, n_, n_, arrival_, e));
        const Count u = e + read + update(n_, row_blocks(i_) + row_blocks(n_));
        arrival_ = u + hop_;
        const Count read_out = layer_read(spikes, n_, k_, arrival_, arrival_ + z);
        return {events + 2 * 2 * hop_ + read + update(n_, row_blocks(i_) + row_blocks(n_)) + z,
                hop_ + read_out + update(k_, row_blocks(n_)) + k_ - 1,
                learns ? 2 * k_ - 1 + 2 * 2 * hop_ + learning() : 1};
    }
    Count learning() const {
        const Count lanes = c_.learning_lanes;
        return ceil_div(n_ * k_, lanes) + ceil_div(i_ + n_ + n_, lanes) + ceil_div(n_ * (i_ + n_), lanes) +
               ceil_div(k_ * n_, lanes);
    }
    Count planning() const { return c_.update_cycles * pass(); }
    Count pass() const { return ceil_div(n_ * (i_ + n_) + k_ * n_, c_.learning_lanes); }
    Count traces() const {
        return ceil_div(i_ + n_ + n_, c_.learning_lanes) + ceil_div(n_ * (i_ + n_), c_.learning_lanes);
    }
    Count reward() const {
        return k_ + ceil_div(n_ * k_, c_.learning_lanes) + ceil_div(n_ * (i_ + n_), c_.learning_lanes) +
               ceil_div(k_ * n_, c_.learning_lanes);
    }
    Count hop() const { return hop_; }
    Count lanes() const { return c_.learning_lanes; }
    Count adaptation() const { return hop_ + n_ * k_ - 1 + ceil_div(n_ * k_, c_.learning_lanes); }
    Count round_trip() const { return 2 * 2 * hop_; }

private:
    static constexpr Count kHeld = -1;  // events of a layer that are all driven in cycle e

    Count row_blocks(Count rows) const { return numbers_ ? 1 : ceil_div(rows, rows_); }
    Count update(Count count, Count tiles) const {
        return ceil_div(count * tiles, c_.neuron_lanes) + ceil_div(count, c_.neuron_lanes) * c_.neuron_cycles;
    }
    // What is left of the reads of a projection in cycle e, when event i has come in cycle a + i.
    Count layer_read(std::span<const std::uint32_t> active, Count rows, Count columns, Count a,
                     Count e) const {
        const Count tile_rows = numbers_ ? rows : rows_;
        Count longest = 0, first = 0;
        for (Count row = 0; row < rows; row += tile_rows) {
            const Count count = std::count_if(active.begin(), active.end(),
                                              [&](Count r) { return r >= row && r < row + tile_rows; });
            if (count > 0) {
                const Count begin = a == kHeld ? e : a + first;
                longest = std::max(longest, tile_read(count, widest_tile(columns), begin, e));
            }
            first += count;
        }
        return longest;
    }
    Count widest_tile(Count columns) const {
        if (numbers_) {
            return columns;
        }
        const Count even = ceil_div(columns, ceil_div(columns, columns_));
        const Count whole = ceil_div(even, p_) * p_;
        return std::min(columns, whole > columns_ ? columns_ / p_ * p_ : whole);
    }
    Count tile_read(Count count, Count columns, Count a, Count e) const {
        const bool together = c_.read_mode == hw::tile::ReadMode::per_timestep;
        if (numbers_) {
            const Count row = ceil_div(columns, 2);
            return together ? count * row : std::max<Count>(0, a + count * row - e);
        }
        const Count drive = c_.drive_cycles;
        const Count driven = together ? drive : std::max<Count>(0, a + count * drive - e);
        return driven + std::min(p_, columns) * c_.conversion_cycles;
    }

    const ChipConfig& c_;
    const bool numbers_;
    const Count n_, i_, k_, rows_, columns_, p_, hop_;
    const bool held_;    // spikes of a step wait for its step flit
    Count arrival_ = 0;  // of the first spike of the last step, at its own core
};

std::vector<std::string> settings(std::vector<std::string> more) {
    std::vector<std::string> all{"network.inputs=20", "network.recurrent=24", "network.outputs=3",
                                 "network.threshold=0.004"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

// One value per line differs from the default, then several together.
std::vector<std::vector<std::string>> grid() {
    return {
        {},
        {"network.inputs=1", "network.recurrent=1", "network.outputs=1"},
        {"network.inputs=100", "network.recurrent=100", "network.outputs=1"},
        {"network.inputs=3", "network.recurrent=65", "network.outputs=17"},
        {"chip.neuron_lanes=1"},
        {"chip.neuron_lanes=5", "chip.neuron_cycles=9"},
        {"chip.learning_lanes=1"},
        {"chip.learning_lanes=7", "chip.update_cycles=5"},
        {"chip.router_cycles=3", "chip.link_cycles=2"},
        {"chip.router_cycles=1", "chip.link_cycles=4"},
        {"chip.drive_cycles=1", "chip.conversion_cycles=1"},
        {"chip.drive_cycles=400", "chip.conversion_cycles=3"},
        {"chip.read_mode=per_timestep"},
        {"chip.read_mode=per_timestep", "chip.drive_cycles=9", "crossbar.adc_bits=6"},
        {"crossbar.adc.columns_per_converter=4", "crossbar.adc_bits=6"},
        {"crossbar.adc.columns_per_converter=5", "crossbar.tile_columns=11"},
        {"crossbar.tile_rows=7", "crossbar.tile_columns=5"},
        {"crossbar.tile_rows=7", "crossbar.tile_columns=5", "chip.read_mode=per_timestep"},
        {"crossbar.tile_rows=3", "chip.drive_cycles=30", "chip.neuron_lanes=4"},
        {"update.scheme=vanilla"},
        {"update.scheme=vanilla", "chip.read_mode=per_timestep"},
        {"network.inputs=60", "network.recurrent=40", "network.outputs=9", "crossbar.tile_rows=16",
         "crossbar.tile_columns=12", "crossbar.adc.columns_per_converter=3", "chip.router_cycles=2",
         "chip.link_cycles=3", "chip.neuron_lanes=7", "chip.learning_lanes=33", "chip.bus_cycles_per_word=3"},
    };
}

}  // namespace

TEST_CASE("chip timing: every phase of every step takes the cycles of the formula") {
    std::vector<std::unique_ptr<ChipBench>> benches;  // all built before the kernel starts
    for (const auto& more : grid()) {
        benches.push_back(std::make_unique<ChipBench>(settings(more)));
    }
    std::uint64_t spikes = 0, silent_steps = 0;
    for (std::size_t b = 0; b < benches.size(); ++b) {
        ChipBench& bench = *benches[b];
        CAPTURE(b);
        bench.load(2.0F);
        Formula formula(bench);
        std::size_t done = 0;
        for (const float rate : {0.0F, 0.02F, 0.2F, 1.0F}) {
            for (const bool learns : {false, true}) {
                const learning::Trial trial = bench.random_trial(12, rate);
                bench.run(trial, learns);
                for (std::size_t t = 0; t < 12; ++t, ++done) {
                    const auto& step = bench.log.steps().at(done);
                    const auto now = bench.tape.populations[1].own.at(t);
                    const auto expected = formula.step(Count(step.begin_cycle), trial.input.at(t),
                                                       bench.tape.populations[1].arriving(t, 1), now, learns);
                    CAPTURE(rate);
                    CAPTURE(learns);
                    CAPTURE(t);
                    CHECK(Count(step.neuron_cycles) == expected.neurons);
                    CHECK(Count(step.readout_cycles) == expected.readouts);
                    CHECK(Count(step.learning_cycles) == expected.learning);
                    spikes += now.size();
                    silent_steps += now.empty();
                }
            }
        }
        const auto& host = bench.counters();
        CHECK(host[HostCounter::step_cycles] == host[HostCounter::neuron_phase_cycles] +
                                                    host[HostCounter::readout_phase_cycles] +
                                                    host[HostCounter::learning_phase_cycles]);
        CHECK(bench.chip().cores()[0]->stats()[CoreCounter::learning_cycles] ==
              std::uint64_t(4 * 12 * formula.learning()));
    }
    CHECK(spikes > 5000);  // activities from none to many
    CHECK(silent_steps > 500);
}

TEST_CASE("chip timing: samples begin, updates and measurements take the cycles of the formula") {
    std::vector<std::unique_ptr<ChipBench>> benches;
    for (const auto& more : grid()) {
        benches.push_back(std::make_unique<ChipBench>(settings(more)));
    }
    for (std::size_t b = 0; b < benches.size(); ++b) {
        ChipBench& bench = *benches[b];
        CAPTURE(b);
        bench.load();
        Formula formula(bench);
        const auto host = [&](HostCounter which) { return Count(bench.counter(which)); };
        bench.run(bench.random_trial(2, 0.1F), true, 0);
        // The first tells learns, device tick and event besides; the second nothing new.
        CHECK(host(HostCounter::sample_begin_cycles) == formula.round_trip() + 3);
        bench.run(bench.random_trial(2, 0.1F), true, 1);
        CHECK(host(HostCounter::sample_begin_cycles) == 2 * formula.round_trip() + 3);

        const auto longest_write = [&] {
            Count longest = 0;
            for (const auto& tile : bench.chip().cores()[0]->tiles()) {
                longest = std::max(longest, Count(tile->stats().write_cycles));
            }
            return longest;
        };
        const auto in = bench.drawn_weights(0, 0.3F), rec = bench.drawn_weights(1, 0.3F),
                   out = bench.drawn_weights(2, 0.3F);
        bench.update({in, rec, out}, 1, 2);
        CHECK(longest_write() > 0);
        CHECK(host(HostCounter::update_cycles) ==
              formula.round_trip() + 2 + formula.planning() + longest_write());
        CHECK(host(HostCounter::refresh_cycles) == 0);

        std::vector<float> weights(rec.size());
        bench.hardware.measure(learning::classic::w_rec, 3, 2, weights);
        Count longest_measurement = 0;
        for (const auto& tile : bench.chip().cores()[0]->tiles()) {
            longest_measurement = std::max(longest_measurement, Count(tile->stats().measure_cycles));
        }
        CHECK(longest_measurement > 0);
        CHECK(host(HostCounter::measure_cycles) == formula.round_trip() + 1 + longest_measurement);
        CHECK(std::any_of(weights.begin(), weights.end(), [](float w) { return w != 0.0F; }) ==
              (weights.size() > 1));  // a neuron has no synapse with itself
    }
}

TEST_CASE("chip timing: learning for a reward keeps traces beside the readouts, and ends after the sample") {
    std::vector<std::unique_ptr<ChipBench>> benches;
    for (auto more : grid()) {
        more.insert(more.end(), {"learning.supervision=reward", "learning.loss=cross_entropy"});
        benches.push_back(std::make_unique<ChipBench>(settings(more)));
    }
    std::uint64_t hidden = 0, waited = 0;
    for (std::size_t b = 0; b < benches.size(); ++b) {
        ChipBench& bench = *benches[b];
        CAPTURE(b);
        bench.load(2.0F);
        Formula formula(bench);
        learning::Trial trial = bench.random_trial(12, 0.2F);
        trial.label = 0;
        bench.run(trial, true);
        for (std::size_t t = 0; t < 12; ++t) {
            const auto& step = bench.log.steps().at(t);
            const auto expected = formula.step(Count(step.begin_cycle), trial.input.at(t),
                                               bench.tape.populations[1].arriving(t, 1),
                                               bench.tape.populations[1].own.at(t), false);
            CAPTURE(t);
            CHECK(Count(step.neuron_cycles) == expected.neurons);
            CHECK(Count(step.readout_cycles) == expected.readouts);
            const Count left = formula.traces() + formula.hop() - expected.readouts;
            CHECK(Count(step.learning_cycles) == std::max<Count>(1, left));
            ++(left > 1 ? waited : hidden);
        }
        const auto core = [&](CoreCounter which) { return Count(bench.chip().cores()[0]->stats()[which]); };
        const CoreShape& shape = bench.chip().cores()[0]->shape();
        CHECK(core(CoreCounter::learning_cycles) == 12 * formula.traces());
        CHECK(core(CoreCounter::learning_operations) ==
              Count(12 * (shape.neuron_inputs + shape.readout_inputs + shape.neurons * shape.neuron_inputs)));
        const std::vector<float> tape_before = bench.tape.objectives[0].error,
                                 errors(bench.parameters.outputs, 0.25F);
        bench.hardware.reward(errors);
        CHECK(Count(bench.counter(HostCounter::reward_cycles)) == formula.round_trip() + formula.reward());
        CHECK(core(CoreCounter::planning_operations) ==
              Count(shape.synapses() + shape.neurons * shape.network_outputs));
        CHECK(core(CoreCounter::refused_flits) == 0);
        CHECK(bench.tape.objectives[0].error == tape_before);  // the host has the errors already
    }
    CHECK(hidden > 12);
    CHECK(waited > 12);
}

TEST_CASE("chip timing: steps with updates between them, and what they add to the deadline") {
    std::vector<std::unique_ptr<ChipBench>> benches;
    for (auto more : grid()) {
        more.insert(more.end(), {"learning.update_every_steps=1", "learning.gradient=online",
                                 "learning.regularizer=running_average", "chip.step_budget_seconds=1e-5"});
        benches.push_back(std::make_unique<ChipBench>(settings(more)));
    }
    std::uint64_t late = 0;
    for (std::size_t b = 0; b < benches.size(); ++b) {
        ChipBench& bench = *benches[b];
        CAPTURE(b);
        bench.load(2.0F);
        Formula formula(bench);
        const auto host = [&](HostCounter which) { return Count(bench.counter(which)); };
        const learning::Trial trial = bench.random_trial(12, 0.2F);
        const auto in = bench.drawn_weights(0, 0.3F), out = bench.drawn_weights(2, 0.3F);
        std::vector<float> w_in_before(in.size()), w_in_after(in.size());
        bench.stores[0]->snapshot(1, w_in_before);
        bench.hardware.begin(trial, 0, 1, bench.tape);
        Count expected_late = 0, update = 0, longest_step = 0;
        for (std::uint32_t t = 0; t < 12; ++t) {
            const Count updates_before = host(HostCounter::update_cycles);
            if (t % 3 == 2) {  // of two projections
                std::vector<Count> writes_before;
                for (const auto& tile : bench.chip().cores()[0]->tiles()) {
                    writes_before.push_back(Count(tile->stats().write_cycles));
                }
                bench.update({in, {}, out}, t, 1);
                Count longest = 0;
                for (std::size_t i = 0; i < writes_before.size(); ++i) {
                    const auto& tile = bench.chip().cores()[0]->tiles()[i];
                    longest = std::max(longest, Count(tile->stats().write_cycles) - writes_before[i]);
                }
                CHECK(longest > 0);
                CHECK(host(HostCounter::update_cycles) - updates_before ==
                      formula.round_trip() + 1 + formula.planning() + longest);
            }
            update = host(HostCounter::update_cycles) - updates_before;
            bench.hardware.step(t);
            const auto& step = bench.log.steps().at(t);
            const auto expected = formula.step(Count(step.begin_cycle), trial.input.at(t),
                                               bench.tape.populations[1].arriving(t, 1),
                                               bench.tape.populations[1].own.at(t), true);
            CAPTURE(t);
            CHECK(Count(step.neuron_cycles) == expected.neurons);
            CHECK(Count(step.readout_cycles) == expected.readouts);
            CHECK(Count(step.learning_cycles) == expected.learning);
            const Count whole = expected.neurons + expected.readouts + expected.learning + update;
            longest_step = std::max(longest_step, whole);
            expected_late += whole > 1000;  // 10 us at 10 ns
        }
        CHECK(host(HostCounter::longest_step_cycles) == longest_step);
        CHECK(host(HostCounter::deadline_misses) == expected_late);
        late += static_cast<std::uint64_t>(expected_late);
        bench.stores[0]->snapshot(1, w_in_after);
        CHECK(w_in_after != w_in_before);
        for (const auto& tile : bench.chip().cores()[0]->tiles()) {
            CHECK(tile->stats().refused(hw::tile::TileResponse::busy) == 0);
        }
    }
    CHECK(late > 5);
}

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
        const auto core = [&](CoreCounter which) { return Count(bench.chip().cores()[0]->stats()[which]); };
        bench.hardware.limit_gradient(1.0F);
        CHECK(host(HostCounter::limit_cycles) == formula.round_trip() + formula.pass());
        bench.hardware.limit_gradient(0.5F);  // exceeded: products besides
        CHECK(host(HostCounter::limit_cycles) == 3 * (formula.round_trip() + formula.pass()));
        CHECK(core(CoreCounter::planning_cycles) == 3 * formula.pass());
        const auto synapses = Count(bench.chip().cores()[0]->shape().synapses());
        CHECK(core(CoreCounter::planning_operations) == 3 * synapses);

        const std::vector<float> before = bench.feedback, changes = bench.drawn_weights(2, 0.3F);
        bench.hardware.adapt_feedback({{}, {}, changes});
        CHECK(host(HostCounter::adaptation_cycles) == formula.round_trip() + formula.adaptation());
        CHECK(core(CoreCounter::planning_operations) == 3 * synapses + Count(changes.size()));
        const std::size_t n = bench.parameters.recurrent, outputs = bench.parameters.outputs;
        for (std::size_t i = 0; i < before.size(); ++i) {
            const float change = changes[i % n * outputs + i / n];
            CHECK(bench.feedback[i] == before[i] + (change - 0.25F * before[i]));
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
    std::vector<std::unique_ptr<ChipBench>> benches;
    for (const auto& more : schemes) {
        benches.push_back(std::make_unique<ChipBench>(settings(more)));
    }
    for (std::size_t b = 0; b < benches.size(); ++b) {
        ChipBench& bench = *benches[b];
        CAPTURE(b);
        bench.load();
        const Formula formula(bench);
        const ChipConfig& c = bench.experiment.chip;
        const Core& core = *bench.chip().cores()[0];
        REQUIRE(core.fast_tiles().size() == core.tiles().size());
        const auto in = bench.drawn_weights(0, 0.3F), rec = bench.drawn_weights(1, 0.3F),
                   out = bench.drawn_weights(2, 0.3F);
        bench.update({in, rec, out}, 1, 2);

        Count longest = 0, resets = 0;
        for (const TilePlacement& placed : core.plan().tiles) {
            const WeightArray& array = bench.chip().weights(placed.projection);
            auto& store = dynamic_cast<learning::CrossbarWeights&>(
                *bench.stores[static_cast<std::size_t>(placed.projection)]);
            const learning::FastArray& fast = *store.scheme().fast_array();
            const hw::tile::TileRegion& region = array.tiles()[placed.tile];
            const Count columns = region.columns, together = c.columns_written_together;
            Count cycles = 0;
            for (Count r = region.first_row; r < Count(region.first_row + region.rows); ++r) {
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
        }
        Count passes = 0;
        for (const Count columns : {Count(24), Count(24), Count(3)}) {
            passes += rows_read[b] * numbers[b] * ceil_div(columns, formula.lanes());
        }
        CHECK(longest > 0);
        CHECK((resets > 0) == (b == 3));
        CHECK(Count(core.stats()[CoreCounter::transfer_cycles]) == longest + passes);
        Count longest_write = 0;
        for (const auto& tile : core.tiles()) {
            longest_write = std::max(longest_write, Count(tile->stats().write_cycles));
        }
        CHECK(Count(bench.counter(HostCounter::update_cycles)) ==
              formula.round_trip() + 2 + formula.planning() + longest + passes + longest_write);
        // Conversions of rows read are charged like those of any tile.
        double conversions = 0.0, energy_j = 0.0;
        for (const auto& tile : core.fast_tiles()) {
            conversions += static_cast<double>(tile->periphery().conversions);
            energy_j += tile->energy_j();
        }
        CHECK(conversions == static_cast<double>(rows_read[b] * (24 + 24 + 3)));
        CHECK(energy_j == doctest::Approx(1e-12 * conversions * c.tile_cost.conversion_pj));
        CHECK(bench.chip().energy().tile_periphery_j >= energy_j);
    }
}

TEST_CASE("chip timing: a chip without work sleeps, and a step without events runs nothing but itself") {
    ChipBench small(settings({})), large(settings({"network.inputs=200", "network.recurrent=150"})),
        four(settings({"chip.mesh_width=2", "chip.mesh_height=2"}));
    std::vector<std::uint64_t> per_step;
    for (ChipBench* bench : {&small, &large, &four}) {
        bench->load();
        bench->run(bench->random_trial(50, 0.0F));
        std::uint64_t tiles = 0;
        for (const auto* core : bench->chip().cores()) {
            for (const auto& tile : core->tiles()) {
                tiles += tile->stats().steps_with_events + tile->activations();
            }
        }
        CHECK(tiles == 0);
        CHECK(bench->tape.populations[1].own.spikes() == 0);
        const auto& steps = bench->log.steps();
        per_step.push_back(steps[20].activations - steps[19].activations);
        for (std::size_t t = 2; t < 50; ++t) {
            CHECK(steps[t].activations - steps[t - 1].activations == per_step.back());
        }
        const std::uint64_t before = bench->chip().activations();
        bench->wait_cycles(1'000'000);
        CHECK(bench->chip().activations() == before);
    }
    CHECK(per_step[0] == per_step[1]);  // whatever the size
    // Three processes in turn: the host gives the tick, the mesh moves it, the core updates its neurons and
    // then its readouts, the mesh moves neurons_done, three readout values and core_done.
    CHECK(per_step[0] <= 20);
    CHECK(per_step[2] <= 4 * per_step[0]);
}
