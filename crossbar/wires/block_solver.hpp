// Reduces blocks of a crossbar to the conductances between their ports, and goes back from the voltages
// of the ports to those of all nodes. The matrix of a block has `ports` rows of padded(ports) columns, of
// which the part above the diagonal is used.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "crossbar/wires/aligned_doubles.hpp"
#include "crossbar/wires/block_shapes.hpp"
#include "crossbar/wires/elimination.hpp"
#include "crossbar/wires/wire_parameters.hpp"

namespace memprop::crossbar {

/// Memory for doubles that grows when asked for more; it keeps no content then.
class Scratch {
public:
    double* at_least(std::size_t count);

private:
    AlignedDoubles memory_;
    std::size_t size_ = 0;
};

inline std::size_t matrix_size(const Shape& shape) {
    return shape.ports * padded(shape.ports);
}

/// Where a block begins in the array, and the devices of the array.
struct BlockDevices {
    const double* siemens;  ///< of the block's first device
    std::size_t stride;     ///< from one row of devices to the next

    BlockDevices second_child(const Shape& parent) const;
};

/// Node voltages of a block [rows][columns], several vectors of them.
struct BlockVoltages {
    double* word_lines;
    double* bit_lines;
    std::size_t row_stride, vector_stride;

    BlockVoltages second_child(const Shape& parent) const;
};

class BlockSolver {
public:
    explicit BlockSolver(const WireParameters& wires);

    /// Called now and then from here on by everything below; may throw to give up.
    void call_between_blocks(std::function<void()> function) { between_blocks_ = std::move(function); }

    /// Matrix of a block from its devices.
    void reduce(const Shape& shape, const BlockDevices& devices, double* matrix, std::size_t depth = 0);

    /// Matrix of a block from those of its two children; only its first `rows` rows.
    void join(const Shape& shape, const double* first, const double* second, double* matrix,
              std::size_t rows);

    /// Matrix of child `c` of a block; valid until the same child of that depth is asked for again.
    const double* reduce_child(const Shape& shape, const BlockDevices& devices, std::size_t c,
                               std::size_t depth);

    /// Voltages inside a strip from those of its ports, [port][padded(vectors)].
    void strip_voltages(const Shape& shape, const BlockDevices& devices, const double* port_volts,
                        std::size_t vectors, const BlockVoltages& out);
    /// Voltages of the ports of both children, [port][padded(vectors)], from those of the block's; valid
    /// until that depth is asked for again.
    using ChildMatrices = std::array<const double*, 2>;
    using ChildVolts = std::array<const double*, 2>;
    ChildVolts child_volts(const Shape& shape, const ChildMatrices& children, const double* port_volts,
                           std::size_t vectors, std::size_t depth);
    /// Voltages inside a block from those of its ports.
    void voltages(const Shape& shape, const BlockDevices& devices, const double* port_volts,
                  std::size_t vectors, const BlockVoltages& out, std::size_t depth);

private:
    void pause(const Shape& shape) const;
    Front clear_front(const Shape& shape);
    Front strip_front(const Shape& shape, const double* siemens, double* matrix);
    Front join_front(const Shape& shape, const ChildMatrices& children, double* matrix, std::size_t rows);
    const double* eliminated_volts(const Front& front, const double* port_volts, std::size_t ports,
                                   std::size_t vectors);

    std::array<double, 5> segment_siemens_{};  // by Link::Kind
    std::function<void()> between_blocks_;
    Scratch rows_, weights_, inner_volts_;
    // By depth of the recursion; a deque does not move what it has when it grows.
    std::deque<std::array<Scratch, 2>> matrices_, volts_;
};

}  // namespace memprop::crossbar
