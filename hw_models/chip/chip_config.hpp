// What a user sets about the chip: the [chip] table of an experiment. `describe` names every field once.
//
// Costs come in groups, each with its source. The defaults are published figures; a group whose figures are
// changed needs its own source, and -1 stands for a cost that is not known, with which no chip is built.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "crossbar/device/energy_config.hpp"
#include "hw_models/noc/params.hpp"
#include "hw_models/tile/tile_params.hpp"

namespace memprop::hw::chip {

inline constexpr std::array<std::pair<std::string_view, tile::ReadMode>, 2> kReadModeNames{
    {{"per_event", tile::ReadMode::per_event}, {"per_timestep", tile::ReadMode::per_timestep}}};

inline constexpr double kUnknownCost = -1.0;

/// Energy of links, pJ per flit. Davies et al., IEEE Micro 38(1), 2018, table 2 (14 nm).
struct RouterCostConfig {
    double east_west_pj = 3.0;
    double north_south_pj = 4.0;
    double local_pj = 1.7;
    std::string source =
        "Davies et al., IEEE Micro 38(1), 2018, table 2 (Loihi, 14 nm): tile hop E-W 3.0 pJ, N-S 4.0 pJ, "
        "within-tile spike 1.7 pJ";

    template <class Field>
    void describe(Field&& field) {
        field("east_west_pj", east_west_pj, {kUnknownCost, 1e9}, "a flit to a router east or west, pJ");
        field("north_south_pj", north_south_pj, {kUnknownCost, 1e9}, "a flit to a router north or south, pJ");
        field("local_pj", local_pj, {kUnknownCost, 1e9}, "a flit to a core, pJ");
        field.text("source", source, "where these figures come from");
    }
};

/// Energy of the periphery of crossbar tiles; the devices are charged by crossbar.energy.
struct TileCostConfig {
    double word_line_pj = 0.0;
    double integration_pj = 0.0;
    double conversion_pj = 2.0 * 256 / 10.5;
    double pulse_driver_pj = 0.0;
    std::string source = tile::hermes_cost().source;

    template <class Field>
    void describe(Field&& field) {
        field("word_line_pj", word_line_pj, {kUnknownCost, 1e9}, "driving a word line once, pJ");
        field("integration_pj", integration_pj, {kUnknownCost, 1e9}, "a column integrating once, pJ");
        field("conversion_pj", conversion_pj, {kUnknownCost, 1e9}, "a conversion, pJ");
        field("pulse_driver_pj", pulse_driver_pj, {kUnknownCost, 1e9}, "the driver for a pulse, pJ");
        field.text("source", source, "where these figures come from");
    }
};

/// Energy of digital memories: weights that are numbers.
struct SramCostConfig {
    double word_read_pj = 10.0;
    double word_write_pj = 10.0;
    double add_pj = 0.9;
    std::string source =
        "Horowitz, ISSCC 2014 (45 nm): 8 KB SRAM, 64 bits 10 pJ, 32-bit floating-point addition 0.9 pJ; a "
        "write is assumed to cost as much as a read";

    template <class Field>
    void describe(Field&& field) {
        field("word_read_pj", word_read_pj, {kUnknownCost, 1e9}, "reading a word, pJ");
        field("word_write_pj", word_write_pj, {kUnknownCost, 1e9}, "writing a word, pJ");
        field("add_pj", add_pj, {kUnknownCost, 1e9}, "adding a weight to a sum, pJ");
        field.text("source", source, "where these figures come from");
    }
};

/// Energy of the digital part of a core.
struct DigitalCostConfig {
    double neuron_update_pj = 81.0;
    double learning_operation_pj = 5.3;
    std::string source =
        "Davies et al., IEEE Micro 38(1), 2018, table 2 (Loihi, 14 nm): active neuron update 81 pJ; Frenkel "
        "and Indiveri, ISSCC 2022 (ReckOn, 28 nm, 0.5 V): 5.3 pJ per synaptic operation";

    template <class Field>
    void describe(Field&& field) {
        field("neuron_update_pj", neuron_update_pj, {kUnknownCost, 1e9},
              "a neuron or readout in a time step, pJ");
        field("learning_operation_pj", learning_operation_pj, {kUnknownCost, 1e9},
              "one operation of the learning engine on a synapse, pJ");
        field.text("source", source, "where these figures come from");
    }
};

struct ChipConfig {
    std::int64_t mesh_width = 1;
    std::int64_t mesh_height = 1;
    std::int64_t tiles_per_core = 0;
    std::int64_t neurons_per_core = 0;
    std::int64_t axon_ranges = 64;
    std::int64_t delay_slots = 0;
    std::int64_t multicast_trees = 1024;
    tile::ReadMode read_mode = tile::ReadMode::per_event;
    std::int64_t fifo_depth = 16;
    std::int64_t event_fifo_depth = 65536;
    double clock_period_ns = 10.0;
    std::int64_t router_cycles = 1;
    std::int64_t link_cycles = 1;
    std::int64_t credit_cycles = 0;
    std::int64_t chip_columns = 0;
    std::int64_t chip_rows = 0;
    std::int64_t boundary_cycles = 1;
    double boundary_pj = kUnknownCost;
    std::string boundary_source;
    std::int64_t bus_cycles_per_word = 1;
    std::int64_t neuron_lanes = 16;
    std::int64_t neuron_cycles = 4;
    std::int64_t learning_lanes = 64;
    std::int64_t update_cycles = 2;
    std::int64_t drive_cycles = 5;
    std::int64_t conversion_cycles = 8;
    std::int64_t row_select_cycles = 1;
    std::int64_t pulse_cycles = 5;
    std::int64_t reset_cycles = 5;
    std::int64_t columns_written_together = 8;
    double step_budget_seconds = 0.0;
    RouterCostConfig router_cost;
    TileCostConfig tile_cost;
    SramCostConfig sram_cost;
    DigitalCostConfig digital_cost;

    template <class Field>
    void describe(Field&& field) {
        field("mesh_width", mesh_width, {1, 63},
              "cores per row; a column of routers to the outside is added");
        field("mesh_height", mesh_height, {1, 64}, "rows of cores");
        field("tiles_per_core", tiles_per_core, {0, 240}, "most tiles of a core; 0 = as many as it takes");
        field("neurons_per_core", neurons_per_core, {0, 65536},
              "most neurons and readouts of a core; 0 = as many as it takes");
        field("axon_ranges", axon_ranges, {1, 4096}, "rows of a core's axon table");
        field("delay_slots", delay_slots, {0, 1000000},
              "longest delay of an event, in steps; 0 = as long as it takes");
        field("multicast_trees", multicast_trees, {0, 65536}, "rows of a router's multicast table");
        field.choice("read_mode", read_mode, kReadModeNames,
                     "when word lines are driven; changes cycles and energy, never the numbers");
        field("fifo_depth", fifo_depth, {1, 256}, "flits in an input FIFO of a router");
        field("event_fifo_depth", event_fifo_depth, {1, 1 << 24}, "events in the FIFOs to and from the host");
        field("clock_period_ns", clock_period_ns, {0.01, 1e6}, "clock, ns");
        field("router_cycles", router_cycles, {1, 31}, "cycles of a flit in a router");
        field("link_cycles", link_cycles, {1, 31}, "cycles of a flit on a link");
        field("credit_cycles", credit_cycles, {0, 31},
              "cycles, besides those of the link, before a place freed in a FIFO can be used again");
        field("chip_columns", chip_columns, {0, 63},
              "cores per row of a chip, if several chips make up the mesh; 0 = all on one");
        field("chip_rows", chip_rows, {0, 64}, "rows of cores of a chip; 0 = all on one");
        field("boundary_cycles", boundary_cycles, {1, 31}, "cycles of a flit on a link between two chips");
        field("boundary_pj", boundary_pj, {kUnknownCost, 1e9},
              "a flit to a router on another chip, pJ; there is no published default");
        field.text("boundary_source", boundary_source, "where chip.boundary_pj comes from");
        field("bus_cycles_per_word", bus_cycles_per_word, {1, 1000},
              "cycles of a 32-bit word on the host bus");
        field("neuron_lanes", neuron_lanes, {1, 4096}, "neurons updated side by side");
        field("neuron_cycles", neuron_cycles, {1, 1000}, "cycles of a neuron update");
        field("learning_lanes", learning_lanes, {1, 65536},
              "synapses the learning engine works on per cycle");
        field("update_cycles", update_cycles, {1, 1000},
              "passes over its synapses that the learning engine takes to plan an update");
        field("drive_cycles", drive_cycles, {1, 1000000}, "cycles a word line is driven");
        field("conversion_cycles", conversion_cycles, {1, 1000000},
              "cycles of a conversion; crossbar.adc.columns_per_converter follow each other");
        field("row_select_cycles", row_select_cycles, {0, 1000000},
              "cycles before the pulses of a word line");
        field("pulse_cycles", pulse_cycles, {1, 1000000}, "cycles of a SET pulse");
        field("reset_cycles", reset_cycles, {1, 1000000}, "cycles of a RESET");
        field("columns_written_together", columns_written_together, {1, 65536},
              "columns that get pulses at the same time");
        field("step_budget_seconds", step_budget_seconds, {0.0, 1e6},
              "time step that takes longer is a deadline miss, s; 0 = network.time_step_seconds");
        field.table("router_cost", router_cost);
        field.table("tile_cost", tile_cost);
        field.table("sram_cost", sram_cost);
        field.table("digital_cost", digital_cost);
    }

    /// Throws InputError for a cost that is not known and for one that was changed without its source.
    void check_costs() const;
    /// The costs of the devices `device` on this chip: a pulse whose length is not known takes pulse_cycles
    /// or reset_cycles. Throws InputError naming the costs that are not known.
    crossbar::EnergyConfig device_costs(const crossbar::EnergyConfig& costs, std::string_view device) const;

    /// Whether the mesh is made up of several chips.
    bool has_boundaries() const;
    /// How many links within a chip a link between two chips counts as when cores are placed: as many as take
    /// its cycles (with those of a router) or its energy, whichever are more; at least 1.
    std::uint32_t links_per_boundary() const;

    /// Routers: the cores and, west of them, a column whose first router leads to the host.
    noc::NocParams noc_params() const;
    tile::CrossbarTileParams crossbar_tile(std::int64_t columns_per_converter) const;
    tile::SramTileParams float_tile(std::uint32_t rows, std::uint32_t columns) const;
};

}  // namespace memprop::hw::chip
