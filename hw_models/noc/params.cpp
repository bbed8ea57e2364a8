#include "hw_models/noc/params.hpp"

#include <fmt/format.h>

#include <cmath>

#include "crossbar/base/error.hpp"

namespace memprop::hw::noc {
namespace {

void check_range(std::string_view where, std::string_view field, std::uint32_t value, std::uint32_t low,
                 std::uint32_t high) {
    if (value < low || value > high) {
        throw InputError(fmt::format("{}.{}", where, field), value,
                         fmt::format("must be from {} to {}", low, high));
    }
}

void check_cost(std::string_view where, std::string_view field, const std::optional<double>& cost_pj) {
    if (!cost_pj) {
        throw InputError(
            fmt::format("{}.cost.{} is not set: give a cost in pJ and its source", where, field));
    }
    if (!(std::isfinite(*cost_pj) && *cost_pj >= 0.0)) {
        throw InputError(fmt::format("{}.cost.{}", where, field), *cost_pj, "must be finite and >= 0 pJ");
    }
}

}  // namespace

HopCost loihi_hop_cost() {
    return {.east_west_pj = 3.0,
            .north_south_pj = 4.0,
            .local_pj = 1.7,
            .source = "Davies et al., IEEE Micro 38(1), 2018, table 2 (Loihi, 14 nm)"};
}

void NocParams::validate(std::string_view where) const {
    check_range(where, "width", width, 1, kMaxSide);
    check_range(where, "height", height, 1, kMaxSide);
    check_range(where, "fifo_depth", fifo_depth, 1, kMaxFifoDepth);
    check_range(where, "router_cycles", router_cycles, 1, kMaxCycles);
    check_range(where, "link_cycles", link_cycles, 1, kMaxCycles);
    check_range(where, "credit_cycles", credit_cycles, 0, kMaxCycles);
    check_range(where, "multicast_trees", multicast_trees, 0, 65536);
    check_cost(where, "east_west_pj", cost.east_west_pj);
    check_cost(where, "north_south_pj", cost.north_south_pj);
    check_cost(where, "local_pj", cost.local_pj);
    check_range(where, "boundary_cycles", boundary_cycles, 1, kMaxCycles);
    check_range(where, "columns_before", columns_before, 0, width - 1);
    if (has_boundaries()) {
        check_cost(where, "boundary_pj", cost.boundary_pj);
        if (cost.boundary_source.empty()) {
            throw InputError(
                fmt::format("{}.cost.boundary_source is empty: name where the cost comes from", where));
        }
    }
    if (cost.source.empty()) {
        throw InputError(fmt::format("{}.cost.source is empty: name where the costs come from", where));
    }
}

}  // namespace memprop::hw::noc
