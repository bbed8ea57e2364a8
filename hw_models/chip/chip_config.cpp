#include "hw_models/chip/chip_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::hw::chip {
namespace {

// Gathers what a group of costs says.
struct CostReader {
    std::vector<std::pair<std::string, double>> values;
    std::string source;

    void operator()(std::string_view name, double& value, std::pair<double, double>, std::string_view) {
        values.emplace_back(name, value);
    }
    void text(std::string_view, std::string& text, std::string_view) { source = text; }
};

template <class Group>
void check_group(std::string_view name, Group group) {
    Group published;
    CostReader given, standard;
    group.describe(given);
    published.describe(standard);
    if (given.source.empty()) {
        throw InputError(fmt::format("chip.{}.source", name), "", "must name where the costs come from");
    }
    for (std::size_t i = 0; i < given.values.size(); ++i) {
        const auto& [field, value] = given.values[i];
        const std::string key = fmt::format("chip.{}.{}", name, field);
        if (value < 0.0) {
            throw InputError(key, value, "is not known: a chip needs every cost, in pJ and at least 0");
        }
        if (value != standard.values[i].second && given.source == standard.source) {
            throw InputError(key, value,
                             fmt::format("differs from the published figure: name its source in "
                                         "chip.{}.source",
                                         name));
        }
    }
}

std::uint32_t u32(std::int64_t value) {
    return static_cast<std::uint32_t>(value);
}

}  // namespace

void ChipConfig::check_costs() const {
    check_group("router_cost", router_cost);
    check_group("tile_cost", tile_cost);
    check_group("sram_cost", sram_cost);
    check_group("digital_cost", digital_cost);
    if (has_boundaries() && boundary_pj < 0.0) {
        throw InputError("chip.boundary_pj", boundary_pj,
                         "is not known: a mesh of several chips needs the cost of a link between two, in pJ "
                         "and at least 0");
    }
    if (has_boundaries() && boundary_source.empty()) {
        throw InputError("chip.boundary_source", "", "must name where chip.boundary_pj comes from");
    }
}

bool ChipConfig::has_boundaries() const {
    return (chip_columns != 0 && chip_columns < mesh_width) || (chip_rows != 0 && chip_rows < mesh_height);
}

std::uint32_t ChipConfig::links_per_boundary() const {
    if (!has_boundaries()) {
        return 1;
    }
    const double cycles = static_cast<double>(router_cycles + boundary_cycles) /
                          static_cast<double>(router_cycles + link_cycles);
    const double link_pj = (router_cost.east_west_pj + router_cost.north_south_pj) / 2;
    const double energy = link_pj > 0.0 ? boundary_pj / link_pj : 1.0;
    constexpr double kMost = 1e6;  // sums of weighted links stay far from overflow
    return static_cast<std::uint32_t>(std::ceil(std::clamp(std::max(cycles, energy), 1.0, kMost)));
}

crossbar::EnergyConfig ChipConfig::device_costs(const crossbar::EnergyConfig& costs,
                                                std::string_view device) const {
    if (const auto keys = costs.missing(); !keys.empty()) {
        throw InputError(
            fmt::format("{}: not known for {}: a chip needs every cost; give figures of this "
                        "device and their source in crossbar.energy",
                        fmt::join(keys, ", "), device));
    }
    crossbar::EnergyConfig on_chip = costs;
    on_chip.set_pulse_ns = costs.set_pulse_ns.value_or(clock_period_ns * double(pulse_cycles));
    on_chip.reset_pulse_ns = costs.reset_pulse_ns.value_or(clock_period_ns * double(reset_cycles));
    return on_chip;
}

noc::NocParams ChipConfig::noc_params() const {
    return {.width = u32(mesh_width) + 1,
            .height = u32(mesh_height),
            .fifo_depth = u32(fifo_depth),
            .router_cycles = u32(router_cycles),
            .link_cycles = u32(link_cycles),
            .credit_cycles = u32(credit_cycles),
            .multicast_trees = u32(multicast_trees),
            .cost = {.east_west_pj = router_cost.east_west_pj,
                     .north_south_pj = router_cost.north_south_pj,
                     .local_pj = router_cost.local_pj,
                     .source = router_cost.source,
                     .boundary_pj = has_boundaries() ? std::optional(boundary_pj) : std::nullopt,
                     .boundary_source = boundary_source},
            .chip_columns = u32(chip_columns),
            .chip_rows = u32(chip_rows),
            .columns_before = 1,
            .boundary_cycles = u32(boundary_cycles)};
}

tile::CrossbarTileParams ChipConfig::crossbar_tile(std::int64_t columns_per_converter) const {
    return {.read_mode = read_mode,
            .timing = {.drive_cycles = u32(drive_cycles),
                       .columns_per_converter = u32(columns_per_converter),
                       .conversion_cycles = u32(conversion_cycles),
                       .row_select_cycles = u32(row_select_cycles),
                       .pulse_cycles = u32(pulse_cycles),
                       .reset_cycles = u32(reset_cycles),
                       .columns_written_together = u32(columns_written_together)},
            .cost = {.word_line_pj = tile_cost.word_line_pj,
                     .integration_pj = tile_cost.integration_pj,
                     .conversion_pj = tile_cost.conversion_pj,
                     .pulse_driver_pj = tile_cost.pulse_driver_pj,
                     .source = tile_cost.source}};
}

tile::SramTileParams ChipConfig::float_tile(std::uint32_t rows, std::uint32_t columns) const {
    return {.rows = rows,
            .columns = columns,
            .read_mode = read_mode,
            .timing = {.weight_bits = 32, .word_bits = 64, .access_cycles = 1},
            .cost = {.word_read_pj = sram_cost.word_read_pj,
                     .word_write_pj = sram_cost.word_write_pj,
                     .add_pj = sram_cost.add_pj,
                     .source = sram_cost.source}};
}

}  // namespace memprop::hw::chip
