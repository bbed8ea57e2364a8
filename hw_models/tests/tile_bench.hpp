// What the tests of tiles share: arrays, pulses and a process that runs a script.
#pragma once

#include <cstdint>
#include <functional>
#include <systemc>
#include <vector>

#include "crossbar/base/random.hpp"
#include "hw_models/tile/synapse_tile.hpp"

namespace memprop::hw::tile {

inline const sc_core::sc_time kPeriod(10, sc_core::SC_NS);

inline std::uint64_t now_cycle() {
    return sc_core::sc_time_stamp().value() / kPeriod.value();
}

/// Pulses from -most to most, about half of them zero.
inline std::vector<std::int16_t> random_pulses(std::uint32_t count, std::uint32_t salt, int most = 3) {
    std::vector<std::int16_t> pulses(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t bits = random_bits({.seed = 17, .event = salt}, i);
        const auto size = static_cast<int>((bits >> 1) % (static_cast<std::uint32_t>(most) + 1));
        pulses[i] = static_cast<std::int16_t>((bits >> 16) % 2 == 0 ? 0 : (bits & 1U) != 0 ? size : -size);
    }
    return pulses;
}

/// Ascending; each of `rows` with probability percent / 100.
inline std::vector<std::uint32_t> random_rows(std::uint32_t rows, std::uint32_t percent, std::uint32_t salt) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t r = 0; r < rows; ++r) {
        if (random_bits({.seed = 18, .event = salt}, r) % 100 < percent) {
            out.push_back(r);
        }
    }
    return out;
}

/// The part of [row][column] numbers of an array with `array_columns` columns that belongs to a tile.
inline SynapseView<std::int16_t> part_of(const std::vector<std::int16_t>& all, std::uint32_t array_columns,
                                         const TileRegion& region) {
    return {all.data() + std::size_t{region.first_row} * array_columns + region.first_column, array_columns,
            region.rows, region.columns};
}

inline SynapseView<std::int16_t> whole(const std::vector<std::int16_t>& all, std::uint32_t columns) {
    return {all.data(), columns, static_cast<std::uint32_t>(all.size() / columns), columns};
}

inline CrossbarTileParams crossbar_params(ReadMode mode) {
    return {.read_mode = mode, .cost = hermes_cost()};
}

/// Runs `body` once as a thread of the kernel, from cycle 0 on.
struct Script : sc_core::sc_module {
    std::function<void()> body;
    bool finished = false;

    SC_HAS_PROCESS(Script);
    Script(const sc_core::sc_module_name& name, std::function<void()> script)
        : sc_module(name), body(std::move(script)) {
        SC_THREAD(run);
    }
    void run() {
        body();
        finished = true;
    }
};

inline void wait_cycles(std::uint64_t cycles) {
    sc_core::wait(sc_core::sc_time::from_value(cycles * kPeriod.value()));
}

}  // namespace memprop::hw::tile
