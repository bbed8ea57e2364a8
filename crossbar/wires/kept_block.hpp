// The blocks whose matrices a WiredArray keeps from one renewal to the next, as a tree.
#pragma once

#include <cstddef>
#include <memory>

#include "crossbar/wires/aligned_doubles.hpp"
#include "crossbar/wires/block_shapes.hpp"

namespace memprop::crossbar {

struct KeptBlock {
    const Shape* shape;
    std::size_t row, column;  ///< of its first device
    AlignedDoubles matrix;
    std::unique_ptr<KeptBlock> child[2];  ///< null if too small
    bool current = false;

    /// Children that have at least `kept_devices` devices are kept too.
    KeptBlock(const Shape& block_shape, std::size_t first_row, std::size_t first_column,
              std::size_t kept_devices);

    /// The child that holds a device of this block, or null.
    KeptBlock* child_holding(std::size_t device_row, std::size_t device_column) const;

    /// Marks every block in which two sets of conductances of the array differ; whether this one is one.
    bool mark_changes(const double* before, const double* after, std::size_t stride);
};

}  // namespace memprop::crossbar
