// Waveforms of a chip (docs: README.md beside this file). Scopes and variables:
//   host                      busy, step (its number), steps_done, events_out
//   mesh                      flits_inside, tokens_inside
//   mesh.router_xX_yY         PORT_level of each input FIFO: flits in it and on the link to it
//   core_N                    flits_to_send, spikes (so far); if it learns engine_WHAT of the learning engine
//   core_N.unit_K_POPULATION  reading (the blocks' sums are awaited), updating
//   core_N.block_K_PROJECTION reading, events (of the step)
//   core_N.tile_K_PROJECTION  driving, reading_out, writing, refreshing, measuring, active_rows
// A value holds from the beginning of its cycle. A core looks at the events of a step when the tick or token
// behind them comes; its tiles show them from then on.
//
// Variables are compared in each cycle in which the chip does something: meant for windows of some steps. A
// chip without a trace does nothing for it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hw_models/chip/chip.hpp"
#include "hw_models/trace/step_window.hpp"
#include "hw_models/trace/vcd_writer.hpp"

namespace memprop::hw::trace {

class ChipTrace final : public chip::ChipObserver {
public:
    /// Of the image that is loaded; `names` is its network. The chip outlives the trace. Steps that the
    /// window does not name, and what the chip does before and after them, are not written.
    ChipTrace(chip::Chip& chip, const network::Network& names, VcdWriter::Sink sink, StepWindow window = {});
    ~ChipTrace() override;
    ChipTrace(const ChipTrace&) = delete;
    ChipTrace& operator=(const ChipTrace&) = delete;

    /// The end of the waveforms, if the window has not ended before.
    void finish();
    /// Whether the first step of the window has been done.
    bool shows_a_step() const { return steps_done() > window_.first; }

    void cycle_begins(std::uint64_t cycle) override;
    void cycle_done(std::uint64_t cycle) override;

private:
    using Variable = VcdWriter::Variable;
    static constexpr std::size_t kEngines = 10;

    struct UnitVariables {
        Variable reading, updating;
    };
    struct BlockVariables {
        std::size_t block;
        Variable reading, events;
    };
    struct TileVariables {
        Variable driving, reading_out, writing, refreshing, measuring, active_rows;
    };
    struct CoreVariables {
        const chip::Core* core;
        Variable flits_to_send, spikes;
        std::optional<std::array<Variable, kEngines>> engine;
        std::vector<UnitVariables> units;
        std::vector<BlockVariables> blocks;
        std::vector<TileVariables> tiles;
    };
    struct FifoVariable {
        noc::NodeId router;
        noc::Port port;
        Variable level;
    };
    enum class State : std::uint8_t { before, inside, after };

    void add_routers();
    void add_core(const chip::Core& core, const network::Network& names);
    std::uint64_t steps_done() const;
    void show(std::uint64_t cycle);
    void show_parts(std::uint64_t cycle);
    void show_core(const CoreVariables& core, std::uint64_t cycle);
    void set(Variable variable, std::uint64_t value, std::uint64_t cycle) {
        writer_.set(variable, value, cycle);
    }
    /// 1 in the cycles from .. until - 1.
    void set_between(Variable variable, std::uint64_t from, std::uint64_t until, std::uint64_t cycle);

    chip::Chip& chip_;
    VcdWriter writer_;
    const StepWindow window_;
    const std::uint64_t steps_before_;
    State state_ = State::before;
    std::uint64_t next_change_ = ~std::uint64_t{0};  // without work of the chip
    Variable host_busy_{}, host_step_{}, host_steps_done_{}, host_events_out_{}, flits_inside_{},
        tokens_inside_{};
    std::vector<FifoVariable> fifos_;
    std::vector<CoreVariables> cores_;
};

}  // namespace memprop::hw::trace
