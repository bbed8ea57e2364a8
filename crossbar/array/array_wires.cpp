#include "crossbar/array/array_wires.hpp"

#include <algorithm>
#include <cmath>

#include "crossbar/array/read_kernels.hpp"
#include "crossbar/base/error.hpp"

namespace memprop::crossbar {
namespace {

std::uint32_t parts(std::uint32_t whole, std::uint32_t part) {
    return (whole + part - 1) / part;
}

}  // namespace

ArrayWires::ArrayWires(const CrossbarConfig& config, const Shape& shape)
    : config_(config.wires),
      parameters_{.r_wl_ohm = config_.r_wl_ohm,
                  .r_bl_ohm = config_.r_bl_ohm,
                  .r_driver_ohm = config_.r_driver_ohm,
                  .r_sense_ohm = config_.r_sense_ohm,
                  .drive_both_ends = config_.drive_both_ends,
                  .sense_both_ends = config_.sense_both_ends},
      shape_(shape),
      tile_rows_(std::min(static_cast<std::uint32_t>(config.tile_rows), shape.rows)),
      tile_columns_(std::min(static_cast<std::uint32_t>(config.tile_columns), shape.columns)),
      blocks_(parts(shape.rows, tile_rows_)),
      between_stride_(row_stride(tile_rows_)) {
    parameters_.validate("crossbar.wires");
    if (config_.r_wl_ohm + config_.r_bl_ohm + config_.r_driver_ohm + config_.r_sense_ohm == 0.0) {
        return;
    }
    if (config.clamp_reads) {
        throw InputError("crossbar.clamp_reads", true,
                         "must be false with crossbar.wires: what is read is no device's conductance");
    }
    const std::size_t devices = std::size_t{shape.planes} * shape.rows * shape.columns;
    solved_us_.assign(devices, -1.0F);
    factor_.assign(devices, 1.0F);
    offset_us_.assign(devices, 0.0F);
    drawn_us_.assign(shape.rows, 0.0);
    ideal_us_.assign(shape.rows, 0.0);
    scale_.assign(blocks_, 1.0);
    between_us_.assign(shape.rows * between_stride_ + kWidestVector, 0.0F);
    shared_us_.assign(blocks_, 0.0);
    sum_.assign(between_stride_, 0.0F);
}

std::uint32_t ArrayWires::rows_of(std::uint32_t block) const {
    return std::min(tile_rows_, shape_.rows - block * tile_rows_);
}

WiredArray& ArrayWires::solver(std::uint32_t rows, std::uint32_t columns) {
    for (const auto& s : solvers_) {
        if (s->rows() == rows && s->columns() == columns) {
            return *s;
        }
    }
    solvers_.push_back(std::make_unique<WiredArray>(rows, columns, parameters_, Renewal::whole_array));
    return *solvers_.back();
}

bool ArrayWires::due(std::span<const float> conductance_us, float g_max_us, std::int32_t tick) const {
    if (next_tick_ == 0 || config_.renew == WireRenewal::every_sample) {
        return true;
    }
    if (config_.renew == WireRenewal::every_k) {
        return tick + 1 >= static_cast<std::int64_t>(next_tick_) + config_.renew_every;
    }
    const float limit = static_cast<float>(config_.renew_change) * g_max_us;
    for (std::size_t d = 0; d < conductance_us.size(); ++d) {
        if (std::abs(conductance_us[d] - solved_us_[d]) > limit) {
            return true;
        }
    }
    return false;
}

void ArrayWires::renew(std::span<const float> conductance_us, float g_max_us, std::int32_t tick) {
    const bool all = !current_;
    const bool solve = due(conductance_us, g_max_us, tick);
    const std::size_t synapses = std::size_t{shape_.rows} * shape_.columns;
    for (std::uint32_t block = 0; block < blocks_; ++block) {
        const std::size_t begin = std::size_t{block} * tile_rows_ * shape_.columns;
        const std::size_t count = std::size_t{rows_of(block)} * shape_.columns;
        bool changed = all;
        for (std::uint32_t plane = 0; solve && plane < shape_.planes; ++plane) {
            const auto now = conductance_us.subspan(plane * synapses + begin, count);
            const auto then = std::span(solved_us_).subspan(plane * synapses + begin, count);
            if (!std::equal(now.begin(), now.end(), then.begin())) {
                std::copy(now.begin(), now.end(), then.begin());
                changed = true;
            }
        }
        if (changed) {
            solve_block(block);
        }
        double ideal_now = 0.0, ideal_then = 0.0;
        for (std::uint32_t r = 0; r < rows_of(block); ++r) {
            const std::uint32_t row = block * tile_rows_ + r;
            double sum = 0.0, solved_sum = 0.0;
            for (std::uint32_t plane = 0; plane < shape_.planes; ++plane) {
                const std::size_t first = plane * synapses + std::size_t{row} * shape_.columns;
                for (std::uint32_t c = 0; c < shape_.columns; ++c) {
                    sum += static_cast<double>(conductance_us[first + c]);
                    solved_sum += static_cast<double>(solved_us_[first + c]);
                }
            }
            ideal_us_[row] = sum;
            ideal_now += sum;
            ideal_then += solved_sum;
        }
        scale_[block] = ideal_then > 0.0 ? ideal_now / ideal_then : 1.0;
    }
    current_ = true;
    next_tick_ = solve ? static_cast<std::uint64_t>(tick) + 1 : next_tick_;
}

void ArrayWires::solve_block(std::uint32_t block) {
    ++solutions_;
    for (std::uint32_t r = 0; r < rows_of(block); ++r) {
        const std::size_t row = std::size_t{block} * tile_rows_ + r;
        drawn_us_[row] = 0.0;
        std::fill_n(between_us_.begin() + static_cast<std::ptrdiff_t>(row * between_stride_), between_stride_,
                    0.0F);
    }
    for (std::uint32_t plane = 0; plane < shape_.planes; ++plane) {
        for (std::uint32_t column = 0; column < shape_.columns; column += tile_columns_) {
            solve_tile(plane, block, column);
        }
    }
}

void ArrayWires::solve_tile(std::uint32_t plane, std::uint32_t block, std::uint32_t first_column) {
    const std::uint32_t rows = rows_of(block);
    const std::uint32_t columns = std::min(tile_columns_, shape_.columns - first_column);
    const auto device = [&](std::uint32_t r) {
        return (std::size_t{plane} * shape_.rows + block * tile_rows_ + r) * shape_.columns + first_column;
    };
    WiredArray& wired = solver(rows, columns);
    siemens_.resize(std::size_t{rows} * columns);
    for (std::uint32_t r = 0; r < rows; ++r) {
        for (std::uint32_t c = 0; c < columns; ++c) {
            siemens_[std::size_t{r} * columns + c] = 1e-6 * static_cast<double>(solved_us_[device(r) + c]);
        }
    }
    wired.set_conductances(siemens_);
    wired.renew();
    for (std::uint32_t r = 0; r < rows; ++r) {
        const std::size_t row = std::size_t{block} * tile_rows_ + r;
        const std::span<const double> effective = wired.effective_conductances(r);
        const std::span<const double> between = wired.conductances_between_sources(r);
        float* const between_us = between_us_.data() + row * between_stride_;
        for (std::uint32_t c = 0; c < columns; ++c) {
            const double seen_us = 1e6 * effective[c];
            const double own_us = static_cast<double>(solved_us_[device(r) + c]);
            const double factor = own_us > 0.0 ? std::min(1.0, seen_us / own_us) : 1.0;
            factor_[device(r) + c] = static_cast<float>(factor);
            offset_us_[device(r) + c] = static_cast<float>(seen_us - factor * own_us);
            drawn_us_[row] += seen_us;
        }
        for (std::uint32_t k = 0; k < rows; ++k) {
            drawn_us_[row] += 1e6 * between[k];
            between_us[k] += static_cast<float>(1e6 * between[k]);
        }
    }
}

void ArrayWires::apply(std::uint32_t first, std::span<float> mean_us, std::span<float> sigma_us) const {
    for (std::size_t i = 0; i < mean_us.size(); ++i) {
        mean_us[i] = factor_[first + i] * mean_us[i] + offset_us_[first + i];
        sigma_us[i] *= factor_[first + i];
    }
}

void ArrayWires::count_read(std::span<const std::uint32_t> rows, std::span<const float> drive) {
    const std::uint32_t block = rows.front() / tile_rows_;
    sum_rows({between_us_.data(), nullptr, between_stride_}, rows, drive, rows_of(block), false, sum_.data(),
             nullptr);
    double shared = 0.0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const float weight = drive.empty() ? 1.0F : drive[i];
        shared += static_cast<double>(weight * sum_[rows[i] - block * tile_rows_]);
    }
    shared_us_[block] += shared * scale_[block];
}

double ArrayWires::take_shared_us() {
    double sum = 0.0;
    for (double& of_block : shared_us_) {
        sum += of_block;
        of_block = 0.0;
    }
    return sum;
}

// Solutions of every sample follow from the devices; others from the devices as they were, and are found
// again.
void ArrayWires::serialize(StateArchive& archive) {
    if (!none() && config_.renew != WireRenewal::every_sample) {
        archive("wires_solved_us", solved_us_);
        archive("wires_next_tick", next_tick_);
        current_ = false;
    }
}

}  // namespace memprop::crossbar
