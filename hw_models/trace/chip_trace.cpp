#include "hw_models/trace/chip_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace memprop::hw::trace {

using namespace chip;
using tile::TileActivity;

namespace {

// In the order of Core::Engine, without idle.
constexpr std::array<std::string_view, 10> kEngineNames{"learning",     "planning", "writing",  "refreshing",
                                                        "measuring",    "sharing",  "limiting", "adapting",
                                                        "transferring", "rewarding"};

std::string named(std::string_view what, std::size_t number, const std::string& name) {
    return fmt::format("{}_{}_{}", what, number, VcdWriter::scope_name(name));
}

}  // namespace

ChipTrace::ChipTrace(Chip& chip, const network::Network& names, VcdWriter::Sink sink, StepWindow window)
    : chip_(chip),
      writer_(std::move(sink), chip.config().clock_period_ns),
      window_(window),
      steps_before_(chip.host().stats()[HostCounter::steps]) {
    host_busy_ = writer_.add("host", "busy");
    host_step_ = writer_.add("host", "step", 32);
    host_steps_done_ = writer_.add("host", "steps_done", 32);
    host_events_out_ = writer_.add("host", "events_out", 32);
    add_routers();
    for (const auto& core : chip.cores()) {
        if (core->is_used()) {
            add_core(*core, names);
        }
    }
    chip.observe(*this);
}

ChipTrace::~ChipTrace() {
    chip_.unobserve(*this);
}

void ChipTrace::add_routers() {
    const noc::NocParams& params = chip_.fabric().params();
    flits_inside_ = writer_.add("mesh", "flits_inside", 32);
    tokens_inside_ = writer_.add("mesh", "tokens_inside", 32);
    for (std::uint32_t node = 0; node < chip_.fabric().routers(); ++node) {
        const noc::NodeId router{static_cast<std::uint16_t>(node)};
        const noc::Position at = noc::position_of(router, params.width);
        const std::string scope = fmt::format("mesh.router_x{}_y{}", at.x, at.y);
        for (std::size_t port = 0; port < noc::kPorts; ++port) {
            fifos_.push_back({router, static_cast<noc::Port>(port),
                              writer_.add(scope, fmt::format("{}_level", noc::kPortNames[port]), 8)});
        }
    }
}

void ChipTrace::add_core(const Core& core, const network::Network& names) {
    CoreVariables of{.core = &core,
                     .flits_to_send = writer_.add(core.name(), "flits_to_send", 32),
                     .spikes = writer_.add(core.name(), "spikes", 32),
                     .engine = {},
                     .units = {},
                     .blocks = {},
                     .tiles = {}};
    const bool learns = std::any_of(core.units().begin(), core.units().end(),
                                    [](const Unit& unit) { return unit.program().role != UnitRole::plain; });
    if (learns) {
        std::array<Variable, kEngines>& engine = of.engine.emplace();
        for (std::size_t e = 0; e < kEngines; ++e) {
            engine[e] = writer_.add(core.name(), fmt::format("engine_{}", kEngineNames[e]));
        }
    }
    const std::string inside = core.name() + ".";
    for (std::size_t u = 0; u < core.units().size(); ++u) {
        const std::string& population = names.populations[core.units()[u].program().population].name;
        const std::string scope = inside + named("unit", u, population);
        of.units.push_back({writer_.add(scope, "reading"), writer_.add(scope, "updating")});
    }
    for (std::size_t b = 0; b < core.blocks().size(); ++b) {
        const std::string& projection = names.projections[core.program().blocks[b].number].name;
        const std::string scope = inside + named("block", b, projection);
        of.blocks.push_back({b, writer_.add(scope, "reading"), writer_.add(scope, "events", 32)});
    }
    core.for_each_tile([&](std::uint32_t projection, const ArrayBlock::PlacedTile&) {
        const std::string scope = inside + named("tile", of.tiles.size(), names.projections[projection].name);
        of.tiles.push_back({writer_.add(scope, "driving"), writer_.add(scope, "reading_out"),
                            writer_.add(scope, "writing"), writer_.add(scope, "refreshing"),
                            writer_.add(scope, "measuring"), writer_.add(scope, "active_rows", 32)});
    });
    cores_.push_back(std::move(of));
}

std::uint64_t ChipTrace::steps_done() const {
    return chip_.host().stats()[HostCounter::steps] - steps_before_;
}

void ChipTrace::set_between(Variable variable, std::uint64_t from, std::uint64_t until, std::uint64_t cycle) {
    set(variable, from <= cycle && cycle < until ? 1 : 0, cycle);
    if (cycle < until) {
        next_change_ = std::min(next_change_, cycle < from ? from : until);
    }
}

void ChipTrace::show_core(const CoreVariables& of, std::uint64_t cycle) {
    const Core& core = *of.core;
    if (of.engine) {
        const Core::Engine engine = core.engine_at(cycle);
        for (std::size_t e = 0; e < kEngines; ++e) {
            set((*of.engine)[e], static_cast<std::size_t>(engine) == e + 1 ? 1 : 0, cycle);
        }
        next_change_ =
            cycle < core.learns_until() ? std::min(next_change_, core.learns_until()) : next_change_;
    }
    for (std::size_t u = 0; u < of.units.size(); ++u) {
        const Unit& unit = core.units()[u];
        set(of.units[u].reading, unit.phase == Unit::Phase::reading ? 1 : 0, cycle);
        set_between(of.units[u].updating, unit.update_begins, unit.updated_at, cycle);
    }
    for (const BlockVariables& block : of.blocks) {
        set_between(block.reading, 0, core.sums_cycle(block.block), cycle);
        set(block.events, core.blocks()[block.block]->events(), cycle);
    }
    std::size_t t = 0;
    core.for_each_tile([&](std::uint32_t, const ArrayBlock::PlacedTile& placed) {
        const TileVariables& variables = of.tiles[t++];
        const tile::Tile& tile = *placed.tile;
        const TileActivity activity = tile.activity_at(cycle);
        set(variables.driving, activity == TileActivity::driving ? 1 : 0, cycle);
        set(variables.reading_out, activity == TileActivity::reading_out ? 1 : 0, cycle);
        set(variables.writing, activity == TileActivity::writing ? 1 : 0, cycle);
        set(variables.refreshing, activity == TileActivity::refreshing ? 1 : 0, cycle);
        set(variables.measuring, activity == TileActivity::measuring ? 1 : 0, cycle);
        set(variables.active_rows, tile.active_rows().size(), cycle);
        next_change_ = std::min(next_change_, tile.activity_changes_after(cycle));
    });
    set(of.flits_to_send, core.flits_to_send(), cycle);
    set(of.spikes, static_cast<std::uint32_t>(core.stats()[CoreCounter::spikes]), cycle);
}

void ChipTrace::show_parts(std::uint64_t cycle) {
    next_change_ = ~std::uint64_t{0};
    for (const CoreVariables& core : cores_) {
        show_core(core, cycle);
    }
}

void ChipTrace::show(std::uint64_t cycle) {
    const HostInterface& host = chip_.host();
    set(host_busy_, host.busy() ? 1 : 0, cycle);
    set(host_step_, host.step(), cycle);
    set(host_steps_done_, static_cast<std::uint32_t>(steps_done()), cycle);
    set(host_events_out_, host.events_out_level(), cycle);
    set(flits_inside_, chip_.fabric().flits_inside(), cycle);
    set(tokens_inside_, chip_.fabric().tokens_inside(), cycle);
    for (const FifoVariable& fifo : fifos_) {
        set(fifo.level, chip_.fabric().fifo_level(fifo.router, fifo.port), cycle);
    }
    show_parts(cycle);
}

/// What has ended since the last work, in its own cycles.
void ChipTrace::cycle_begins(std::uint64_t cycle) {
    while (state_ == State::inside && next_change_ < cycle) {
        show_parts(next_change_);
    }
}

void ChipTrace::cycle_done(std::uint64_t cycle) {
    const std::uint64_t done = steps_done();
    // A later step begins with its command, not with the end of the one before.
    if (state_ == State::before && done >= window_.first &&
        (window_.first == 0 || chip_.host().is_in_step())) {
        show(cycle);
        writer_.begin(cycle);
        state_ = State::inside;
    } else if (state_ == State::inside) {
        show(cycle);
    }
    if (state_ == State::inside && done > window_.last) {
        writer_.finish(cycle + 1);
        state_ = State::after;
    }
}

void ChipTrace::finish() {
    if (state_ == State::after) {
        return;
    }
    cycle_begins(chip_.cycle() + 1);
    writer_.finish(chip_.cycle() + 1);
    state_ = state_ == State::before ? State::before : State::after;
}

}  // namespace memprop::hw::trace
