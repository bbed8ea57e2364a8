// Reads of an array: the part of SynapseArray that runs at every time step.
#include <algorithm>
#include <cmath>

#include "crossbar/array/read_kernels.hpp"
#include "crossbar/array/response_kernels.hpp"
#include "crossbar/array/synapse_array.hpp"

namespace memprop::crossbar {

void SynapseArray::read(std::span<const std::uint32_t> active_rows, std::uint32_t sample, std::uint32_t step,
                        std::span<float> out_us) {
    for (const std::uint32_t row : active_rows) {
        ++row_events_[row];
    }
    if (config_.driver_noise == 0.0) {
        read_tiles(active_rows, {}, sample, step, out_us);
    } else {
        read_tiles(active_rows, noisy_spikes(active_rows, sample, step), sample, step, out_us);
    }
}

void SynapseArray::read_graded(std::span<const float> drive, std::uint32_t sample, std::uint32_t step,
                               std::span<float> out_us) {
    std::copy_n(drive.begin(), shape_.rows, drive_.begin());
    if (config_.dac_bits != 0) {
        const float levels = std::ldexp(1.0F, static_cast<int>(config_.dac_bits) - 1) - 1.0F;
        for (float& x : drive_) {
            x = std::round(x * levels) / levels;
        }
    }
    const std::size_t driven = collect_driven(drive_, driven_rows_, row_graded_reads_, row_drive_squared_);
    const auto rows = std::span<const std::uint32_t>(driven_rows_).first(driven);
    const auto levels = std::span(drive_).first(driven);
    if (config_.driver_noise > 0.0) {
        add_driver_noise(rows, levels, sample, step);
    }
    read_tiles(rows, levels, sample, step, out_us);
}

std::span<const float> SynapseArray::noisy_spikes(std::span<const std::uint32_t> rows, std::uint32_t sample,
                                                  std::uint32_t step) {
    const auto levels = std::span(drive_).first(rows.size());
    std::fill(levels.begin(), levels.end(), 1.0F);
    add_driver_noise(rows, levels, sample, step);
    return levels;
}

void SynapseArray::add_driver_noise(std::span<const std::uint32_t> rows, std::span<float> levels,
                                    std::uint32_t sample, std::uint32_t step) {
    if (rows.empty()) {
        return;
    }
    const std::span noise(driver_noise_.data(), rows.back() - rows.front() + 1);
    fill_normals(key(Stream::driver_noise, 0, sample, step), rows.front(), noise);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        levels[i] *= 1.0F + static_cast<float>(config_.driver_noise) * noise[rows[i] - rows.front()];
    }
}

void SynapseArray::read_tiles(std::span<const std::uint32_t> rows, std::span<const float> drive,
                              std::uint32_t sample, std::uint32_t step, std::span<float> out_us) {
    const std::span block_sum(block_sum_.data(), shape_.columns);
    bool first = true;
    for (std::size_t begin = 0; begin < rows.size();) {
        const std::uint32_t block = rows[begin] / config_.tile_rows;
        const std::uint64_t block_end = (std::uint64_t{block} + 1) * config_.tile_rows;
        const auto end = static_cast<std::size_t>(
            std::lower_bound(rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.end(), block_end) -
            rows.begin());
        read_block(rows.subspan(begin, end - begin),
                   drive.empty() ? drive : drive.subspan(begin, end - begin), sample, step, 0,
                   first ? out_us.first(shape_.columns) : block_sum);
        for (std::uint32_t c = 0; !first && c < shape_.columns; ++c) {
            out_us[c] += block_sum[c];
        }
        first = false;
        begin = end;
    }
    if (first) {
        std::fill(out_us.begin(), out_us.end(), 0.0F);
    }
}

void SynapseArray::read_part(std::span<const std::uint32_t> rows, std::uint32_t sample, std::uint32_t step,
                             std::uint32_t first_column, std::span<float> out_us) {
    for (std::size_t r = 0; first_column == 0 && r < rows.size(); ++r) {
        ++row_events_[rows[r]];
    }
    if (config_.driver_noise == 0.0) {
        read_block(rows, {}, sample, step, first_column, out_us);
    } else {
        read_block(rows, noisy_spikes(rows, sample, step), sample, step, first_column, out_us);
    }
}

void SynapseArray::read_block(std::span<const std::uint32_t> rows, std::span<const float> drive,
                              std::uint32_t sample, std::uint32_t step, std::uint32_t first_column,
                              std::span<float> out_us) {
    const auto block = static_cast<std::uint16_t>(rows.front() / config_.tile_rows);
    if (!wires_.none() && first_column == 0) {
        wires_.count_read(rows, drive);
    }
    for (std::uint32_t sum = 0; sum < converted_sums_; ++sum) {
        const auto converted = sum == 0 ? out_us : std::span(slice_sum_).first(out_us.size());
        sum_block(sum, rows, drive, sample, step, first_column, converted);
        if (!adc_.ideal()) {
            counters_.adc_conversions +=
                adc_.convert(key(Stream::adc_noise, block, sample, step), converted, first_column, sum);
        }
        for (std::size_t c = 0; c < out_us.size() && converted_sums_ > 1; ++c) {
            const float shifted = share_of_plane_[sum] * converted[c];
            out_us[c] = sum == 0 ? shifted : out_us[c] + shifted;
        }
    }
}

void SynapseArray::sum_block(std::uint32_t sum, std::span<const std::uint32_t> rows,
                             std::span<const float> drive, std::uint32_t sample, std::uint32_t step,
                             std::uint32_t first_column, std::span<float> out_us) {
    if (config_.read_noise == ReadNoise::per_device) {
        read_per_device(sum, rows, drive, sample, step, first_column, out_us);
        return;
    }
    const auto block = static_cast<std::uint16_t>(rows.front() / config_.tile_rows);
    const bool noisy = config_.read_noise_scale > 0.0;
    if (nonlinear_ && !drive.empty()) {
        sum_nonlinear(sum, rows, drive, first_column, out_us.size());
    } else {
        const std::size_t first = first_of_sum(sum) + first_column;
        sum_rows({difference_us_.data() + first, variance_.data() + first, stride_}, rows, drive,
                 out_us.size(), step % 2 != 0, sum_.data(), noisy ? sum_variance_.data() : nullptr);
    }
    if (noisy) {
        add_column_noise(key(Stream::read_noise_column, block, sample, step),
                         sum * shape_.columns + first_column, sum_.data(), sum_variance_.data(), out_us);
    } else {
        std::copy_n(sum_.begin(), out_us.size(), out_us.begin());
    }
}

void SynapseArray::sum_nonlinear(std::uint32_t sum, std::span<const std::uint32_t> rows,
                                 std::span<const float> drive, std::uint32_t first_column,
                                 std::size_t columns) {
    std::fill(sum_.begin(), sum_.end(), 0.0F);
    std::fill(sum_variance_.begin(), sum_variance_.end(), 0.0F);
    const std::span factor(row_mean_.data(), columns);
    for (std::size_t r = 0; r < rows.size(); ++r) {
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            if (!in_sum(plane, sum)) {
                continue;
            }
            const std::uint32_t first = plane * synapses() + rows[r] * shape_.columns + first_column;
            find_factors(drive[r], first, factor);
            const float share = part_of_sum(plane, sign_of_plane(plane));
            for (std::size_t c = 0; c < columns; ++c) {
                const float part = share * factor[c];
                sum_[c] += part * device_mean_us_[first + c];
                const float sigma = part * device_sigma_us_[first + c];
                sum_variance_[c] += sigma * sigma;
            }
        }
    }
}

/// Currents at the part x of the read voltage over those at the read voltage.
void SynapseArray::find_factors(float x, std::uint32_t first_device, std::span<float> factor) const {
    if (nonlinear_ && x != 1.0F) {
        respond(x, std::span(curvature_).subspan(first_device, factor.size()),
                std::span(curvature_rise_).subspan(first_device, factor.size()), factor);
    } else {
        std::fill(factor.begin(), factor.end(), x);
    }
}

void SynapseArray::read_per_device(std::uint32_t sum, std::span<const std::uint32_t> rows,
                                   std::span<const float> drive, std::uint32_t sample, std::uint32_t step,
                                   std::uint32_t first_column, std::span<float> out_us) {
    const DrawKey noise_key = key(Stream::read_noise_device, 0, sample, step);
    const float low = model_->g_min_us(), high = model_->g_max_us();
    const std::span noise(row_mean_.data(), out_us.size()), factor(row_sigma_.data(), out_us.size());
    std::fill(out_us.begin(), out_us.end(), 0.0F);
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::uint32_t row = rows[r];
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            if (!in_sum(plane, sum)) {
                continue;
            }
            const std::uint32_t first = plane * synapses() + row * shape_.columns + first_column;
            fill_normals(noise_key, first, noise);
            find_factors(drive.empty() ? 1.0F : drive[r], first, factor);
            for (std::uint32_t c = 0; c < out_us.size(); ++c) {
                float g = device_mean_us_[first + c] + device_sigma_us_[first + c] * noise[c];
                if (config_.clamp_reads && exists(row * shape_.columns + first_column + c)) {
                    g = std::clamp(g, low, high);
                }
                out_us[c] += factor[c] * part_of_sum(plane, sign_of_plane(plane) * g);
            }
        }
    }
}

void SynapseArray::account_reads() {
    adc_.close_read();
    if (!wires_.none()) {
        account_wires();
    }
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        counters_.device_reads +=
            (std::uint64_t{row_events_[row]} + row_graded_reads_[row]) * devices_of_row(row);
        counters_.read_conductance_us += row_events_[row] * row_conductance_us_[row];
        row_events_[row] = row_graded_reads_[row] = 0;
        if (row_drive_squared_[row] > 0.0) {
            counters_.read_conductance_us += row_drive_squared_[row] * row_conductance_us_[row];
            row_drive_squared_[row] = 0.0;
        }
    }
}

void SynapseArray::account_wires() {
    double ideal = 0.0, drawn = 0.0;
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const double driven = static_cast<double>(row_events_[row]) + row_drive_squared_[row];
        ideal += driven * wires_.ideal_us(row);
        drawn += driven * wires_.drawn_us(row);
    }
    drawn -= wires_.take_shared_us();
    if (ideal > 0.0) {
        const double in_devices = drawn * drawn / ideal;
        counters_.wires_us += drawn - in_devices;
        counters_.read_conductance_us += in_devices - ideal;  // `ideal` is what account_reads() adds
    }
}

}  // namespace memprop::crossbar
