// The cycles of a time step of a one-core chip against the formula in hw_models/chip/README.md; several cores
// and phases: test_chip_phases.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_formula.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::test::ChipBench;
using memprop::test::Count;
using memprop::test::Formula;
using memprop::test::grid;
using memprop::test::settings;

TEST_CASE("chip timing: every phase of every step takes the cycles of the formula") {
    std::vector<std::unique_ptr<ChipBench>> benches;
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
                    const auto now = bench.neurons().own.at(t);
                    const auto expected =
                        formula.step(Count(step.begin_cycle), Formula::work(bench, trial, t), learns);
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
        CHECK(bench.core().stats()[CoreCounter::learning_cycles] ==
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
            bench.core().for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
                longest = std::max(longest, Count(placed.tile->stats().write_cycles));
            });
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
        bench.core().for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
            longest_measurement = std::max(longest_measurement, Count(placed.tile->stats().measure_cycles));
        });
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
            const auto expected =
                formula.step(Count(step.begin_cycle), Formula::work(bench, trial, t), false);
            CAPTURE(t);
            CHECK(Count(step.neuron_cycles) == expected.neurons);
            CHECK(Count(step.readout_cycles) == expected.readouts);
            // The last barrier, which the core enters behind that of the readouts and its traces.
            const Count hop = formula.hop(), readouts = expected.readouts - hop;
            const Count traces = formula.traces() - readouts;
            CHECK(Count(step.learning_cycles) == std::max({hop, 3 * hop - readouts, traces}));
            ++(traces > std::max(hop, 3 * hop - readouts) ? waited : hidden);
        }
        const auto core = [&](CoreCounter which) { return Count(bench.core().stats()[which]); };
        const CoreShape& shape = bench.core().shape();
        CHECK(core(CoreCounter::learning_cycles) == 12 * formula.traces());
        CHECK(core(CoreCounter::learning_operations) ==
              Count(12 * (shape.trace_rows + shape.neuron_synapses)));
        const std::vector<float> tape_before = bench.tape.objectives[0].error,
                                 errors(bench.sizes.outputs, 0.25F);
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
                bench.core().for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
                    writes_before.push_back(Count(placed.tile->stats().write_cycles));
                });
                bench.update({in, {}, out}, t, 1);
                Count longest = 0;
                std::size_t i = 0;
                bench.core().for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
                    longest =
                        std::max(longest, Count(placed.tile->stats().write_cycles) - writes_before[i++]);
                });
                CHECK(longest > 0);
                CHECK(host(HostCounter::update_cycles) - updates_before ==
                      formula.round_trip() + 1 + formula.planning() + longest);
            }
            update = host(HostCounter::update_cycles) - updates_before;
            bench.hardware.step(t);
            const auto& step = bench.log.steps().at(t);
            const auto expected = formula.step(Count(step.begin_cycle), Formula::work(bench, trial, t), true);
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
        bench.core().for_each_tile([](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
            CHECK(placed.tile->stats().refused(hw::tile::TileResponse::busy) == 0);
        });
    }
    CHECK(late > 5);
}

TEST_CASE("chip timing: a chip without work sleeps, and a step without events runs nothing but itself") {
    ChipBench small(settings({})), large(settings({"network.inputs=200", "network.recurrent=150"})),
        four(settings({"chip.mesh_width=2", "chip.mesh_height=2"}));
    std::vector<std::uint64_t> per_step;
    for (ChipBench* bench : {&small, &large, &four}) {
        bench->load();
        bench->run(bench->random_trial(50, 0.0F));
        std::uint64_t tiles = 0;
        for (const auto& core : bench->chip().cores()) {
            core->for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
                tiles += placed.tile->stats().steps_with_events;
            });
        }
        CHECK(tiles == 0);
        CHECK(bench->neurons().own.spikes() == 0);
        const auto& steps = bench->log.steps();
        per_step.push_back(steps[20].activations - steps[19].activations);
        for (std::size_t t = 2; t < 50; ++t) {
            CHECK(steps[t].activations - steps[t - 1].activations == per_step.back());
        }
        const std::uint64_t before = bench->chip().activations();
        bench->bus.master.advance(1'000'000);
        CHECK(bench->chip().activations() == before);
    }
    CHECK(per_step[0] == per_step[1]);  // whatever the size
    // Cycles in which anything is done: the host sends, flits and tokens cross routers, the core updates its
    // neurons and then its readouts, and the barriers pass.
    CHECK(per_step[0] <= 20);
    CHECK(per_step[2] <= 4 * per_step[0]);
}
