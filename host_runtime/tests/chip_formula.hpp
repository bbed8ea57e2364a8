// The cycles of a one-core chip by the formula in hw_models/chip/README.md, from settings alone.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "host_runtime/tests/chip_bench.hpp"

namespace memprop::test {

using Count = std::int64_t;  // differences may be negative on the way

inline Count ceil_div(Count a, Count b) {
    return (a + b - 1) / b;
}

/// The formula, with the names of the document.
class Formula {
public:
    explicit Formula(const ChipBench& bench)
        : c_(bench.experiment.chip),
          numbers_(bench.experiment.update.scheme == "vanilla"),
          n_(bench.sizes.recurrent),
          i_(bench.sizes.inputs),
          k_(bench.sizes.outputs),
          rows_(bench.experiment.crossbar.tile_rows),
          columns_(bench.experiment.crossbar.tile_columns),
          p_(bench.experiment.crossbar.adc.columns_per_converter),
          hop_(c_.router_cycles + c_.link_cycles),
          held_(bench.experiment.learning.update_every_steps > 0) {}

    struct Phases {
        Count neurons, readouts, learning;
    };

    /// What a step has to do: events of its inputs and of its neurons in the step before, what its neurons
    /// then put out, and readouts that are not 0.
    struct Work {
        std::span<const std::uint32_t> inputs, before, spikes;
        Count values;
    };
    static Work work(const ChipBench& bench, const learning::Trial& trial, std::size_t t) {
        const auto output =
            std::span(bench.tape.objectives[0].output).subspan(t * bench.sizes.outputs, bench.sizes.outputs);
        return {.inputs = trial.input.at(t),
                .before = bench.neurons().arriving(t, 1),
                .spikes = bench.neurons().own.at(t),
                .values = std::count_if(output.begin(), output.end(), [](float y) { return y != 0.0F; })};
    }

    /// The step that begins in cycle c0.
    Phases step(Count c0, const Work& work, bool learns) {
        const auto& [inputs, before, spikes, values] = work;
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
                hop_ + read_out + update(k_, row_blocks(n_)) + values,
                learns ? 2 * k_ - 1 + 2 * 2 * hop_ + learning() : 0};
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

    const hw::chip::ChipConfig& c_;
    const bool numbers_;
    const Count n_, i_, k_, rows_, columns_, p_, hop_;
    const bool held_;    // spikes of a step wait for its step flit
    Count arrival_ = 0;  // of the first spike of the last step, at its own core
};

inline std::vector<std::string> settings(std::vector<std::string> more) {
    std::vector<std::string> all{"network.inputs=20", "network.recurrent=24", "network.outputs=3",
                                 "network.threshold=0.004"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

/// One value per line differs from the default, then several together.
inline std::vector<std::vector<std::string>> grid() {
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
        {"chip.fifo_depth=6", "chip.router_cycles=1", "chip.link_cycles=2", "chip.credit_cycles=1"},
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

}  // namespace memprop::test
