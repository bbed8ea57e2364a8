// The testbench around one tile: it writes random weights, then runs time steps, with more writes between
// them if asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <ostream>
#include <systemc>
#include <vector>

#include "hw_models/tile/synapse_tile.hpp"
#include "testbenches/support/stimulus.hpp"

namespace memprop::tb {

struct TileRunPlan {
    std::uint64_t steps = 0;
    std::uint64_t event_gap_cycles = 0;  ///< between the events of a step
    std::uint64_t write_every = 0;       ///< steps between write bursts; 0 = none after the first
    std::uint32_t initial_pulses = 0;    ///< the first burst: -initial_pulses .. initial_pulses per synapse
    double write_share = 0.0;            ///< later bursts: share of the synapses that get one pulse
    std::uint64_t seed = 0;
};

struct TileRunResult {
    std::uint64_t cycles = 0, longest_step_cycles = 0;
    double wall_s = 0.0;
};

class TileDriver : public sc_core::sc_module {
public:
    sc_core::sc_port<hw::tile::SynapseTileIf> port{"port"};

    SC_HAS_PROCESS(TileDriver);
    /// Writes a line per step to `csv` unless it is null.
    TileDriver(const sc_core::sc_module_name& name, const hw::tile::SynapseTile& tile, Stimulus& stimulus,
               const TileRunPlan& plan, std::ostream* csv);

    const TileRunResult& result() const { return result_; }

private:
    void run();
    void run_step(std::uint64_t step);
    void write(std::uint32_t event);
    void wait_cycles(std::uint64_t cycles);
    void progress(std::uint64_t step);

    const hw::tile::SynapseTile& tile_;
    Stimulus& stimulus_;
    TileRunPlan plan_;
    std::ostream* csv_;
    std::vector<std::int16_t> pulses_;
    std::uint32_t sample_ = 0;
    TileRunResult result_;
    std::chrono::steady_clock::time_point last_line_;
};

}  // namespace memprop::tb
