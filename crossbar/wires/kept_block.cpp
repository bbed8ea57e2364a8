#include "crossbar/wires/kept_block.hpp"

#include <algorithm>

#include "crossbar/wires/block_solver.hpp"

namespace memprop::crossbar {

KeptBlock::KeptBlock(const Shape& block_shape, std::size_t first_row, std::size_t first_column,
                     std::size_t kept_devices)
    : shape(&block_shape),
      row(first_row),
      column(first_column),
      matrix(allocate_doubles(matrix_size(block_shape))) {
    for (std::size_t c = 0; c < 2 && !shape->is_strip(); ++c) {
        const Extent& first = shape->child[0]->extent;
        const Extent& extent = shape->child[c]->extent;
        if (std::size_t{extent.rows} * extent.columns >= kept_devices) {
            const bool below = c == 1 && shape->split_rows;
            const bool beside = c == 1 && !shape->split_rows;
            child[c] = std::make_unique<KeptBlock>(*shape->child[c], row + (below ? first.rows : 0),
                                                   column + (beside ? first.columns : 0), kept_devices);
        }
    }
}

KeptBlock* KeptBlock::child_holding(std::size_t device_row, std::size_t device_column) const {
    for (const auto& c : child) {
        if (c != nullptr && device_row >= c->row && device_row - c->row < c->shape->extent.rows &&
            device_column >= c->column && device_column - c->column < c->shape->extent.columns) {
            return c.get();
        }
    }
    return nullptr;
}

bool KeptBlock::mark_changes(const double* before, const double* after, std::size_t stride) {
    bool changed = false;
    for (const auto& c : child) {
        if (c != nullptr && c->mark_changes(before, after, stride)) {
            changed = true;
        }
    }
    if (!changed && (child[0] == nullptr || child[1] == nullptr)) {
        for (std::size_t i = row; i < row + shape->extent.rows && !changed; ++i) {
            const std::size_t begin = i * stride + column;
            changed = !std::equal(before + begin, before + begin + shape->extent.columns, after + begin);
        }
    }
    if (changed) {
        current = false;
    }
    return changed;
}

}  // namespace memprop::crossbar
