// Parameters of routers, links and meshes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memprop::hw::noc {

/// Energy of one flit over one link, in picojoules, and where the figures come from. There is no
/// default: a cost that nobody gave is an error, not a zero.
struct HopCost {
    std::optional<double> east_west_pj;
    std::optional<double> north_south_pj;
    std::optional<double> local_pj;  ///< from a router to what is attached to its local port
    std::string source;
    std::optional<double> boundary_pj{};  ///< to a router on another chip; only asked for if there is one
    std::string boundary_source{};
};

/// Davies et al., "Loihi: a neuromorphic manycore processor with on-chip learning", IEEE Micro 38(1),
/// 2018, table 2: energy per tile hop E-W 3.0 pJ, N-S 4.0 pJ; within-tile spike 1.7 pJ (14 nm).
HopCost loihi_hop_cost();

struct NocParams {
    static constexpr std::uint32_t kMaxSide = 64, kMaxFifoDepth = 256, kMaxCycles = 31;

    std::uint32_t width = 8;               ///< routers per row, 1 .. 64
    std::uint32_t height = 8;              ///< rows, 1 .. 64
    std::uint32_t fifo_depth = 16;         ///< flits per input FIFO, 1 .. 256
    std::uint32_t router_cycles = 1;       ///< from arrival at a FIFO to the crossbar, 1 .. 31
    std::uint32_t link_cycles = 1;         ///< from the crossbar to the next FIFO, 1 .. 31; credits too
    std::uint32_t credit_cycles = 0;       ///< more cycles before a freed place can be filled, 0 .. 31
    std::uint32_t multicast_trees = 1024;  ///< rows of each router's multicast table, 0 .. 65536
    HopCost cost;

    // Several chips that are joined to one mesh. The last of a row or column of chips may be smaller.
    std::uint32_t chip_columns = 0;     ///< routers per chip in x; 0 = one chip
    std::uint32_t chip_rows = 0;        ///< the same in y
    std::uint32_t columns_before = 0;   ///< columns that the westmost chips have more than chip_columns
    std::uint32_t boundary_cycles = 1;  ///< instead of link_cycles to a router on another chip, 1 .. 31

    std::uint32_t nodes() const { return width * height; }
    std::uint32_t chip_column(std::uint32_t x) const {
        return chip_columns == 0 || x < columns_before ? 0 : (x - columns_before) / chip_columns;
    }
    std::uint32_t chip_row(std::uint32_t y) const { return chip_rows == 0 ? 0 : y / chip_rows; }
    bool has_boundaries() const { return chip_column(width - 1) != 0 || chip_row(height - 1) != 0; }

    /// Throws InputError naming `where`.field, the value and the range.
    void validate(std::string_view where) const;
};

}  // namespace memprop::hw::noc
