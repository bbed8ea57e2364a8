// Exact solution of a crossbar with wire resistance (wire_parameters.hpp shows the circuit).
//
// The circuit is linear: with fixed conductances the output currents are I_out = G_eff^T V with a dense
// effective conductance matrix, and the source currents follow from the conductances that the wires make
// appear between the sources. Both come from eliminating all inner nodes block by block (nested
// dissection, block_shapes.hpp) with the subtraction-free star-mesh transform (elimination.hpp): about
// 38 n^3 operations for an n x n array instead of the 2 n^4 of a row-by-row elimination, and no loss of
// accuracy next to shorts, opens and almost ideal wires. Opens (0 S), open lines, single rows and columns
// and wires without resistance need no special treatment.
//
// The results of the larger blocks can be kept: after a change only the blocks around the changed devices
// are eliminated again. The result is that of a new array with the same conductances bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "crossbar/wires/aligned_doubles.hpp"
#include "crossbar/wires/block_shapes.hpp"
#include "crossbar/wires/wire_parameters.hpp"

namespace memprop::crossbar {

struct KeptBlock;
class BlockSolver;

/// Where the power of one read goes, in watts; drawn = devices + word_lines + bit_lines + drivers + sense.
struct ReadPower {
    double drawn_watts = 0.0;  ///< from the sources
    double devices_watts = 0.0;
    double word_lines_watts = 0.0;
    double bit_lines_watts = 0.0;
    double drivers_watts = 0.0;
    double sense_watts = 0.0;

    double wires_watts() const { return word_lines_watts + bit_lines_watts; }
};

/// What renew() eliminates again, and so what has to be kept in between.
enum class Renewal {
    changed_blocks,  ///< the blocks around changed devices; keeps 50 MB for a 256 x 256 array
    whole_array      ///< all of it; less memory, and faster if most devices change (drift)
};

class WiredArray {
public:
    /// All devices open. Throws InputError if a size is 0 or above 16384, or a resistance is invalid.
    WiredArray(std::size_t rows, std::size_t columns, const WireParameters& wires,
               Renewal renewal = Renewal::changed_blocks);
    ~WiredArray();
    WiredArray(WiredArray&&) noexcept;
    WiredArray& operator=(WiredArray&&) noexcept;

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    const WireParameters& wires() const { return wires_; }

    /// Conductances in siemens, row by row, each in [0, 1e9]; InputError names the first that is not.
    /// Takes effect with the next renew().
    void set_conductances(std::span<const double> siemens);
    void set_conductance(std::size_t row, std::size_t column, double siemens);

    /// Brings the effective conductances up to date if a device has changed since the last call.
    /// `between_blocks` is called now and then and may throw to give up; what is finished by then is kept.
    void renew(const std::function<void()>& between_blocks = {});

    /// Whether every change has been renewed. What follows throws std::logic_error if not.
    bool is_current() const;

    /// G_eff(row, column) in siemens.
    double effective_conductance(std::size_t row, std::size_t column) const;
    /// Row `row` of G_eff, `columns()` values.
    std::span<const double> effective_conductances(std::size_t row) const;
    /// What appears between source `row` and every source, `rows()` values in siemens; 0 to itself.
    std::span<const double> conductances_between_sources(std::size_t row) const;

    /// Output currents in amperes [vectors][columns] for source voltages in volts [vectors][rows].
    void read(std::span<const double> volts, std::span<double> out_amperes) const;
    /// Source currents in amperes [vectors][rows] for source voltages in volts [vectors][rows].
    void source_currents(std::span<const double> volts, std::span<double> in_amperes) const;
    /// Power drawn from the sources, in watts, for one vector of source voltages.
    double drawn_power_watts(std::span<const double> volts) const;

    /// Voltages of all nodes W(i,j), B(i,j) [vectors][rows][columns] for source voltages
    /// [vectors][rows]; up to 64 vectors cost about two renewals of the whole array. `between_blocks`:
    /// as in renew().
    void node_voltages(std::span<const double> volts, std::span<double> word_line_volts,
                       std::span<double> bit_line_volts,
                       const std::function<void()>& between_blocks = {}) const;
    /// Where the power of each vector goes; costs as much as node_voltages.
    std::vector<ReadPower> read_power(std::span<const double> volts,
                                      const std::function<void()>& between_blocks = {}) const;

private:
    std::size_t vectors_in(std::span<const double> volts) const;
    static void check_size(std::string_view name, std::size_t size, std::size_t expected);
    void require_current() const;
    void renew_block(KeptBlock& block);
    void store_results();
    ReadPower power_of(std::span<const double> source, const double* word, const double* bit) const;

    std::size_t rows_, columns_;
    WireParameters wires_;
    BlockShapes shapes_;
    std::vector<double> siemens_;
    std::unique_ptr<KeptBlock> root_;
    std::unique_ptr<BlockSolver> solver_;
    AlignedDoubles effective_;        // G_eff [rows][padded columns]
    AlignedDoubles between_sources_;  // [rows][padded rows], symmetric, zero diagonal
    std::vector<double> source_sum_;  // per source: all conductances that leave it
};

}  // namespace memprop::crossbar
