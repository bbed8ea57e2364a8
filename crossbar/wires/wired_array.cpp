#include "crossbar/wires/wired_array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "crossbar/base/error.hpp"
#include "crossbar/wires/block_solver.hpp"
#include "crossbar/wires/elimination.hpp"
#include "crossbar/wires/kept_block.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::size_t kMaxLines = 16384;
constexpr double kMaxSiemens = 1e9;

std::uint32_t checked_size(std::string_view name, std::size_t size) {
    if (size == 0 || size > kMaxLines) {
        throw InputError(name, size, fmt::format("must be in [1, {}]", kMaxLines));
    }
    return static_cast<std::uint32_t>(size);
}

const WireParameters& checked(const WireParameters& wires) {
    wires.validate();
    return wires;
}

// Blocks of at least this many devices keep their matrix; a smaller one is done again in 0.1 ms.
std::size_t kept_devices(Renewal renewal) {
    return renewal == Renewal::changed_blocks ? 512 : std::numeric_limits<std::size_t>::max();
}

bool valid(double siemens) {
    return siemens >= 0.0 && siemens <= kMaxSiemens;  // false for NaN
}

}  // namespace

WiredArray::WiredArray(std::size_t rows, std::size_t columns, const WireParameters& wires, Renewal renewal)
    : rows_(rows),
      columns_(columns),
      wires_(checked(wires)),
      shapes_(checked_size("rows", rows), checked_size("columns", columns), wires),
      siemens_(rows * columns, 0.0),
      root_(std::make_unique<KeptBlock>(shapes_.root(), 0, 0, kept_devices(renewal))),
      solver_(std::make_unique<BlockSolver>(wires)),
      effective_(allocate_doubles(rows * padded(columns))),
      between_sources_(allocate_doubles(rows * padded(rows))),
      source_sum_(rows) {}

void WiredArray::check_size(std::string_view name, std::size_t size, std::size_t expected) {
    if (size != expected) {
        throw InputError(fmt::format("{}: {} values given, {} expected", name, size, expected));
    }
}

WiredArray::~WiredArray() = default;
WiredArray::WiredArray(WiredArray&&) noexcept = default;
WiredArray& WiredArray::operator=(WiredArray&&) noexcept = default;

void WiredArray::set_conductances(std::span<const double> siemens) {
    check_size("conductances", siemens.size(), siemens_.size());
    for (std::size_t d = 0; d < siemens.size(); ++d) {
        if (!valid(siemens[d])) {
            throw InputError(fmt::format("conductance[{}][{}]", d / columns_, d % columns_), siemens[d],
                             fmt::format("must be in [0, {:g}] S", kMaxSiemens));
        }
    }
    root_->mark_changes(siemens_.data(), siemens.data(), columns_);
    std::copy(siemens.begin(), siemens.end(), siemens_.begin());
}

void WiredArray::set_conductance(std::size_t row, std::size_t column, double siemens) {
    if (row >= rows_ || column >= columns_) {
        throw InputError(fmt::format("device [{}][{}]: the array has {} x {}", row, column, rows_, columns_));
    }
    if (!valid(siemens)) {
        throw InputError(fmt::format("conductance[{}][{}]", row, column), siemens,
                         fmt::format("must be in [0, {:g}] S", kMaxSiemens));
    }
    if (siemens_[row * columns_ + column] != siemens) {
        siemens_[row * columns_ + column] = siemens;
        for (KeptBlock* block = root_.get(); block != nullptr; block = block->child_holding(row, column)) {
            block->current = false;
        }
    }
}

bool WiredArray::is_current() const {
    return root_->current;
}

void WiredArray::require_current() const {
    if (!is_current()) {
        throw std::logic_error("a WiredArray was read before its changes were renewed");
    }
}

void WiredArray::renew(const std::function<void()>& between_blocks) {
    if (!root_->current) {
        solver_->call_between_blocks(between_blocks);
        renew_block(*root_);
        store_results();
    }
}

void WiredArray::renew_block(KeptBlock& block) {
    if (block.current) {
        return;
    }
    const Shape& shape = *block.shape;
    BlockSolver& solver = *solver_;
    const BlockDevices devices{siemens_.data() + block.row * columns_ + block.column, columns_};
    if (shape.is_strip()) {
        solver.reduce(shape, devices, block.matrix.get());
    } else {
        // A kept child may not overwrite the matrix of one that is not, so the kept ones come first.
        const double* matrices[2] = {};
        for (std::size_t c = 0; c < 2; ++c) {
            if (block.child[c] != nullptr) {
                renew_block(*block.child[c]);
                matrices[c] = block.child[c]->matrix.get();
            }
        }
        for (std::size_t c = 0; c < 2; ++c) {
            if (block.child[c] == nullptr) {
                matrices[c] = solver.reduce_child(shape, devices, c, 0);
            }
        }
        // Nobody asks for the conductances between the virtual grounds.
        solver.join(shape, matrices[0], matrices[1], block.matrix.get(),
                    &block == root_.get() ? rows_ : shape.ports);
    }
    block.current = true;
}

void WiredArray::store_results() {
    const double* matrix = root_->matrix.get();
    const std::size_t stride = padded(root_->shape->ports);
    const std::size_t effective_stride = padded(columns_);
    const std::size_t between_stride = padded(rows_);
    std::fill_n(effective_.get(), rows_ * effective_stride, 0.0);
    std::fill_n(between_sources_.get(), rows_ * between_stride, 0.0);
    for (std::size_t i = 0; i < rows_; ++i) {
        std::copy_n(matrix + i * stride + rows_, columns_, effective_.get() + i * effective_stride);
        for (std::size_t k = i + 1; k < rows_; ++k) {
            between_sources_[i * between_stride + k] = matrix[i * stride + k];
            between_sources_[k * between_stride + i] = matrix[i * stride + k];
        }
    }
    for (std::size_t i = 0; i < rows_; ++i) {
        const double* row = effective_.get() + i * effective_stride;
        double sum = 0.0;
        for (std::size_t j = 0; j < columns_; ++j) {
            sum += row[j];
        }
        source_sum_[i] = sum;
    }
}

double WiredArray::effective_conductance(std::size_t row, std::size_t column) const {
    return effective_conductances(row)[column];
}

std::span<const double> WiredArray::effective_conductances(std::size_t row) const {
    require_current();
    return {effective_.get() + row * padded(columns_), columns_};
}

std::span<const double> WiredArray::conductances_between_sources(std::size_t row) const {
    require_current();
    return {between_sources_.get() + row * padded(rows_), rows_};
}

std::size_t WiredArray::vectors_in(std::span<const double> volts) const {
    require_current();
    if (volts.size() % rows_ != 0) {
        throw InputError(
            fmt::format("volts: {} values given, a multiple of {} expected", volts.size(), rows_));
    }
    return volts.size() / rows_;
}

void WiredArray::read(std::span<const double> volts, std::span<double> out_amperes) const {
    const std::size_t vectors = vectors_in(volts);
    check_size("output currents", out_amperes.size(), vectors * columns_);
    constexpr std::size_t kVectors = 8;
    constexpr std::size_t kColumns = 64;
    alignas(64) double tile[kVectors * kColumns];
    for (std::size_t v = 0; v < vectors; v += kVectors) {
        const std::size_t v_count = std::min(kVectors, vectors - v);
        for (std::size_t j = 0; j < columns_; j += kColumns) {
            const std::size_t j_count = std::min(kColumns, columns_ - j);
            std::fill_n(tile, v_count * kColumns, 0.0);
            add_product({volts.data() + v * rows_, rows_, effective_.get() + j, padded(columns_), tile,
                         kColumns, v_count, j_count, rows_});
            for (std::size_t i = 0; i < v_count; ++i) {
                std::copy_n(tile + i * kColumns, j_count, out_amperes.data() + (v + i) * columns_ + j);
            }
        }
    }
}

// I_i = V_i sum_j G_ij + sum_k S_ik (V_i - V_k): the differences are exact where rounding would matter.
void WiredArray::source_currents(std::span<const double> volts, std::span<double> in_amperes) const {
    const std::size_t vectors = vectors_in(volts);
    check_size("source currents", in_amperes.size(), vectors * rows_);
    const std::size_t stride = padded(rows_);
    for (std::size_t v = 0; v < vectors; ++v) {
        const double* volt = volts.data() + v * rows_;
        double* ampere = in_amperes.data() + v * rows_;
        for (std::size_t i = 0; i < rows_; ++i) {
            ampere[i] = volt[i] * source_sum_[i];
        }
        for (std::size_t k = 0; k < rows_; ++k) {
            const double* between = between_sources_.get() + k * stride;
            for (std::size_t i = 0; i < rows_; ++i) {
                ampere[i] += between[i] * (volt[i] - volt[k]);
            }
        }
    }
}

double WiredArray::drawn_power_watts(std::span<const double> volts) const {
    require_current();
    check_size("volts", volts.size(), rows_);
    const std::size_t stride = padded(rows_);
    double watts = 0.0;
    for (std::size_t i = 0; i < rows_; ++i) {
        double row = volts[i] * volts[i] * source_sum_[i];
        for (std::size_t k = 0; k < i; ++k) {
            const double difference = volts[i] - volts[k];
            row += between_sources_[i * stride + k] * difference * difference;
        }
        watts += row;
    }
    return watts;
}

}  // namespace memprop::crossbar
