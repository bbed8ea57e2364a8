// Wire resistance in an array of synapses: every tile and plane of devices (all G+ of one device per synapse,
// all G- of it) is a crossbar of its own with own word and bit lines, whose effective conductances
// (wires/wired_array.hpp) are exact for the conductances of the last solution. Between two solutions
// (crossbar.wires.renew) a device that has changed is seen through the factor its current had then:
//     G_eff = G_eff' + f (G - G'),  f = G_eff' / G' (at most 1; 1 if G' = 0).
// The noise of a read is attenuated by f too, which leaves out what it changes in the currents of others.
// Word lines without a spike are held at 0 V. Reads that verify or measure devices one by one do not see the
// wires.
//
// Energy: a read draws P = V^2 (sum_i d_i - sum_ik b_ik) of its driven word lines i, k, exactly, d_i drawn by
// line i alone and b_ik the conductance between two sources. Without wires it were P0; devices dissipate
// P^2 / P0, wires, drivers and sense amplifiers the rest: exact for one resistance in series, else to the
// second order in the wires.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crossbar/base/aligned.hpp"
#include "crossbar/base/state_archive.hpp"
#include "crossbar/config.hpp"
#include "crossbar/wires/wired_array.hpp"

namespace memprop::crossbar {

class ArrayWires {
public:
    struct Shape {
        std::uint32_t planes, rows, columns;
    };

    /// Throws InputError for resistances that cannot be and settings that do not go together.
    ArrayWires(const CrossbarConfig& config, const Shape& shape);

    /// Whether no wire has a resistance.
    bool none() const { return factor_.empty(); }

    /// conductance_us[plane][row][column] is what devices have at device time `tick`; solves what is due.
    void renew(std::span<const float> conductance_us, float g_max_us, std::int32_t tick);

    /// Turns conductances and noise of the devices first .. into what a read sees of them.
    void apply(std::uint32_t first, std::span<float> mean_us, std::span<float> sigma_us) const;

    /// Drawn by the devices of a driven row, summed over planes: without wires, and alone with wires.
    double ideal_us(std::uint32_t row) const { return ideal_us_[row]; }
    double drawn_us(std::uint32_t row) const { return drawn_us_[row] * scale_[row / tile_rows_]; }

    /// A read of rows of one row block; empty `drive`: all 1.
    void count_read(std::span<const std::uint32_t> rows, std::span<const float> drive);
    /// Sum over the reads since the last call of what lines driven together do not draw.
    double take_shared_us();

    std::uint64_t solutions() const { return solutions_; }

    void serialize(StateArchive& archive);

private:
    bool due(std::span<const float> conductance_us, float g_max_us, std::int32_t tick) const;
    void solve_block(std::uint32_t block);
    void solve_tile(std::uint32_t plane, std::uint32_t block, std::uint32_t first_column);
    WiredArray& solver(std::uint32_t rows, std::uint32_t columns);
    std::uint32_t rows_of(std::uint32_t block) const;

    WiresConfig config_;
    WireParameters parameters_;
    Shape shape_;
    std::uint32_t tile_rows_, tile_columns_, blocks_;
    std::vector<std::unique_ptr<WiredArray>> solvers_;  // one per shape of tile
    std::vector<double> siemens_;

    std::vector<float> solved_us_;  // conductances of the last solution; negative: there was none
    std::uint64_t next_tick_ = 0;   // 1 + device time of the last solution
    bool current_ = false;          // whether what follows belongs to solved_us_
    std::vector<float> factor_, offset_us_;
    std::vector<double> drawn_us_, ideal_us_, scale_;
    std::size_t between_stride_;
    AlignedVector<float> between_us_;  // [row][row of the same block]
    std::vector<double> shared_us_;    // by block, so that blocks may be read in any order
    AlignedVector<float> sum_;
    std::uint64_t solutions_ = 0;
};

}  // namespace memprop::crossbar
