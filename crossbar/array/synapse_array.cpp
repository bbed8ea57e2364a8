#include "crossbar/array/synapse_array.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/array/graded_kernels.hpp"
#include "crossbar/array/read_kernels.hpp"
#include "crossbar/array/write_kernels.hpp"
#include "crossbar/base/error.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::size_t kWidestVector = 16;           // floats; rows are padded to it
constexpr std::uint32_t kWideColumns = 256;         // from here on rows do not stay in the first cache
constexpr std::uint32_t kMeasureStep = 0xFFFFFFFF;  // steps 0, 1, ... belong to the reads of a refresh

}  // namespace

SynapseArray::SynapseArray(const CrossbarConfig& config, const SynapseArrayShape& shape, double tick_seconds,
                           std::uint64_t seed, std::uint8_t array)
    : config_(config),
      shape_(shape),
      seed_(seed),
      array_(array),
      model_(find_device_kind(config.device).make(config, tick_seconds)),
      adc_(config,
           (shape.rows + static_cast<std::uint32_t>(config.tile_rows) - 1) /
               static_cast<std::uint32_t>(config.tile_rows),
           shape.columns, seed, array),
      faults_(config, {2 * shape.devices_per_polarity, shape.rows, shape.columns}, *model_, seed, array),
      wires_(config, {2 * shape.devices_per_polarity, shape.rows, shape.columns}),
      low_frequency_(config.low_frequency, static_cast<double>(model_->g_max_us()),
                     std::size_t{2} * shape.devices_per_polarity * shape.rows * shape.columns, tick_seconds,
                     seed, array),
      stride_((shape.columns + kWidestVector - 1) / kWidestVector * kWidestVector) {
    if (config.clamp_reads && config.read_noise != ReadNoise::per_device) {
        throw InputError(
            "crossbar.clamp_reads", true,
            "a sum of clamped reads is not Gaussian; it needs crossbar.read_noise = \"per_device\"");
    }
    const std::uint64_t devices = std::uint64_t{synapses()} * planes();
    if (shape.devices_per_polarity == 0) {
        throw InputError("devices_per_polarity", 0, "must be at least 1");
    }
    if (devices > std::numeric_limits<std::uint32_t>::max()) {
        throw InputError("array", devices, "more than 2^32 devices in one array");
    }
    state_.resize(devices, model_->has_auxiliary());
    next_device_.assign(shape.counter == DeviceCounter::global ? 1 : std::size_t{2} * synapses(), 0);
    // Reads that begin between two vectors load past the last column of the last row.
    difference_us_.assign(shape.rows * stride_ + kWidestVector, 0.0F);
    variance_.assign(shape.rows * stride_ + kWidestVector, 0.0F);
    row_conductance_us_.assign(shape.rows, 0.0);
    row_events_.assign(shape.rows, 0);
    row_drive_squared_.assign(shape.rows, 0.0);
    block_variance_.assign(stride_, 0.0F);
    graded_sum_.assign(stride_, 0.0F);
    ones_.assign(shape.columns >= kWideColumns ? shape.rows : 0, 1.0F);
    if (model_->bidirectional()) {
        signed_pulses_.assign(shape.devices_per_polarity > 1 ? devices / 2 : 0, 0);
    } else {
        device_pulses_.assign(devices, 0);
    }
    for (auto* buffer : {&row_mean_, &row_sigma_, &block_sum_}) {
        buffer->assign(stride_, 0.0F);
    }
    if (config.read_noise == ReadNoise::per_device) {
        device_mean_us_.assign(devices, 0.0F);
        device_sigma_us_.assign(devices, 0.0F);
    }
    conductance_us_.assign(wires_.none() ? 0 : devices, 0.0F);
    model_->draw_spread(devices, seed, array);
    model_->advance_to(0);
    reset_all();
}

void SynapseArray::reset_all() {
    const DrawKey reset_key = key(Stream::reset_noise, static_cast<std::uint16_t>(Phase::initial), 0, 0);
    for (std::uint32_t device = 0; device < state_.size(); ++device) {
        if (!exists(device % synapses())) {
            continue;
        }
        const std::uint32_t pairs = shape_.devices_per_polarity * synapses();
        if (!model_->bidirectional()) {
            model_->reset(state_, device, reset_key, 0);
            counters_.reset_pulses += model_->takes_pulses() ? 1 : 0;
        } else if (device < pairs) {
            model_->reset(state_, device, reset_key, 0);
        } else {
            model_->place_reference(state_, device, device - pairs, reset_key, 0);
        }
    }
}

void SynapseArray::advance_to(std::int32_t tick) {
    model_->advance_to(tick);
    low_frequency_.advance_to(tick);
    model_->relax(state_, tick);
    if (!faults_.none()) {
        faults_.forget(state_, *model_, tick);
    }
}

void SynapseArray::observe(std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                           std::span<float> sigma_us) const {
    model_->observe(state_, first, tick, mean_us, sigma_us);
    if (!faults_.none()) {
        faults_.apply(first, mean_us, sigma_us);
    }
}

void SynapseArray::see(std::uint32_t first, std::int32_t tick, std::span<float> mean_us,
                       std::span<float> sigma_us) const {
    if (low_frequency_.none()) {
        observe(first, tick, mean_us, sigma_us);
        return;
    }
    model_->observe(state_, first, tick, mean_us, sigma_us);
    low_frequency_.apply(first, mean_us);
    if (!faults_.none()) {  // a stuck device has no noise
        faults_.apply(first, mean_us, sigma_us);
    }
}

void SynapseArray::renew_wires(std::int32_t tick) {
    const std::uint32_t columns = shape_.columns;
    const std::span sigma(row_sigma_.data(), columns);
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        for (std::uint32_t row = 0; row < shape_.rows; ++row) {
            const std::uint32_t first = plane * synapses() + row * columns;
            const auto mean = std::span(conductance_us_).subspan(first, columns);
            see(first, tick, mean, sigma);
            for (float& g : mean) {
                g = std::max(g, 0.0F);  // noise may leave nothing, but no crosspoint is a source
            }
            if (shape_.no_diagonal && row < columns) {
                mean[row] = 0.0F;
            }
        }
    }
    wires_.renew(conductance_us_, model_->g_max_us(), tick);
}

void SynapseArray::renew(std::int32_t tick) {
    advance_to(tick);
    if (!wires_.none()) {
        renew_wires(tick);
    }
    const std::uint32_t columns = shape_.columns;
    const auto n = static_cast<float>(shape_.devices_per_polarity);
    const std::span mean(row_mean_.data(), columns), sigma(row_sigma_.data(), columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const std::span difference(difference_us_.data() + row * stride_, columns);
        const std::span variance(variance_.data() + row * stride_, columns);
        std::fill(difference.begin(), difference.end(), 0.0F);
        std::fill(variance.begin(), variance.end(), 0.0F);
        double conductance = 0.0;
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            const std::uint32_t first = plane * synapses() + row * columns;
            see(first, tick, mean, sigma);
            if (shape_.no_diagonal && row < columns) {
                mean[row] = 0.0F;
                sigma[row] = 0.0F;
            }
            if (!wires_.none()) {
                wires_.apply(first, mean, sigma);
            }
            conductance += add_plane(mean, sigma, sign_of_plane(plane), difference, variance);
            if (!device_mean_us_.empty()) {
                std::copy(mean.begin(), mean.end(), device_mean_us_.begin() + first);
                std::copy(sigma.begin(), sigma.end(), device_sigma_us_.begin() + first);
            }
        }
        row_conductance_us_[row] = wires_.none() ? conductance : wires_.ideal_us(row);
        if (shape_.devices_per_polarity > 1) {
            for (std::uint32_t c = 0; c < columns; ++c) {
                difference[c] /= n;
                variance[c] /= n * n;
            }
        }
    }
}

void SynapseArray::read(std::span<const std::uint32_t> active_rows, std::uint32_t sample, std::uint32_t step,
                        std::span<float> out_us) {
    for (const std::uint32_t row : active_rows) {
        ++row_events_[row];
    }
    if (config_.driver_noise == 0.0) {
        read_tiles(active_rows, {}, sample, step, out_us);
        return;
    }
    drive_rows(active_rows, sample, step);
    read_tiles(driven_rows_, drive_, sample, step, out_us);
}

void SynapseArray::read_graded(std::span<const float> drive, std::uint32_t sample, std::uint32_t step,
                               std::span<float> out_us) {
    driven_rows_.resize(shape_.rows);
    drive_.resize(shape_.rows);
    const bool exact = config_.dac_bits == 0;
    const float levels = exact ? 1.0F : std::ldexp(1.0F, static_cast<int>(config_.dac_bits) - 1) - 1.0F;
    std::size_t driven = 0;
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const float x = exact ? drive[row] : std::round(drive[row] * levels) / levels;
        driven_rows_[driven] = row;
        drive_[driven] = x;
        row_drive_squared_[row] += static_cast<double>(x * x);
        if (x != 0.0F) {
            counters_.device_reads += devices_of_row(row);
            ++driven;
        }
    }
    driven_rows_.resize(driven);
    drive_.resize(driven);
    if (config_.driver_noise > 0.0) {
        add_driver_noise(sample, step);
    }
    read_tiles(driven_rows_, drive_, sample, step, out_us);
}

void SynapseArray::drive_rows(std::span<const std::uint32_t> rows, std::uint32_t sample, std::uint32_t step) {
    driven_rows_.assign(rows.begin(), rows.end());
    drive_.assign(rows.size(), 1.0F);
    add_driver_noise(sample, step);
}

void SynapseArray::add_driver_noise(std::uint32_t sample, std::uint32_t step) {
    const DrawKey noise_key = key(Stream::driver_noise, 0, sample, step);
    for (std::size_t i = 0; i < driven_rows_.size(); ++i) {
        drive_[i] *=
            1.0F + static_cast<float>(config_.driver_noise) * random_normal(noise_key, driven_rows_[i]);
    }
}

void SynapseArray::read_tiles(std::span<const std::uint32_t> rows, std::span<const float> drive,
                              std::uint32_t sample, std::uint32_t step, std::span<float> out_us) {
    const std::span block_sum(block_sum_.data(), shape_.columns);
    bool first = true;
    for (std::size_t begin = 0; begin < rows.size();) {
        const auto block = static_cast<std::uint32_t>(rows[begin] / config_.tile_rows);
        std::size_t end = begin;
        while (end < rows.size() && rows[end] / config_.tile_rows == block) {
            ++end;
        }
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
        drive_rows(rows, sample, step);
        read_block(driven_rows_, drive_, sample, step, first_column, out_us);
    }
}

void SynapseArray::read_block(std::span<const std::uint32_t> rows, std::span<const float> drive,
                              std::uint32_t sample, std::uint32_t step, std::uint32_t first_column,
                              std::span<float> out_us) {
    const auto block = static_cast<std::uint16_t>(rows.front() / config_.tile_rows);
    const ReadMatrices matrices{difference_us_.data(), variance_.data(), stride_};
    const DrawKey noise_key = key(Stream::read_noise_column, block, sample, step);
    if (!wires_.none() && first_column == 0) {
        wires_.count_read(rows, drive);
    }
    if (config_.read_noise == ReadNoise::per_device) {
        read_per_device(rows, drive, sample, step, first_column, out_us);
    } else if (!drive.empty() || shape_.columns >= kWideColumns) {
        const std::span sum(graded_sum_.data(), shape_.columns);
        const std::span<const float> ones(ones_.data(), rows.size());
        read_graded_rows(matrices, rows, drive.empty() ? ones : drive, shape_.columns, graded_sum_.data(),
                         block_variance_.data());
        if (config_.read_noise_scale > 0.0) {
            add_column_noise(noise_key, block_variance_, sum);
        }
        std::copy_n(sum.begin() + first_column, out_us.size(), out_us.begin());
    } else if (config_.read_noise_scale > 0.0) {
        read_rows_noisy(matrices, rows, noise_key, first_column, out_us);
    } else {
        read_rows(matrices, rows, first_column, out_us);
    }
    if (!adc_.ideal()) {
        counters_.adc_conversions +=
            adc_.convert(key(Stream::adc_noise, block, sample, step), out_us, first_column);
    }
}

void SynapseArray::read_per_device(std::span<const std::uint32_t> rows, std::span<const float> drive,
                                   std::uint32_t sample, std::uint32_t step, std::uint32_t first_column,
                                   std::span<float> out_us) {
    const DrawKey noise_key = key(Stream::read_noise_device, 0, sample, step);
    const auto n = static_cast<float>(shape_.devices_per_polarity);
    const float low = model_->g_min_us(), high = model_->g_max_us();
    const std::span noise(row_mean_.data(), out_us.size());
    std::fill(out_us.begin(), out_us.end(), 0.0F);
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::uint32_t row = rows[r];
        const float x = drive.empty() ? 1.0F : drive[r];
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            const std::uint32_t first = plane * synapses() + row * shape_.columns + first_column;
            fill_normals(noise_key, first, noise);
            for (std::uint32_t c = 0; c < out_us.size(); ++c) {
                float g = device_mean_us_[first + c] + device_sigma_us_[first + c] * noise[c];
                if (config_.clamp_reads && exists(row * shape_.columns + first_column + c)) {
                    g = std::clamp(g, low, high);
                }
                out_us[c] += x * (sign_of_plane(plane) * g / n);
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
        counters_.device_reads += row_events_[row] * devices_of_row(row);
        counters_.read_conductance_us += row_events_[row] * row_conductance_us_[row];
        row_events_[row] = 0;
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

std::uint32_t SynapseArray::share(std::uint32_t pulses, std::uint32_t k, std::uint32_t counter) const {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t offset = (k + n - counter) % n;
    return pulses > offset ? (pulses - offset + n - 1) / n : 0;
}

void SynapseArray::spread_pulses(std::span<const std::int16_t> pulses) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t count = synapses();
    if (n == 1) {
        split_pulses(pulses, device_pulses_.data(), device_pulses_.data() + count);
        return;
    }
    std::fill(device_pulses_.begin(), device_pulses_.end(), std::uint16_t{0});
    for (std::uint32_t i = 0; i < count; ++i) {
        if (pulses[i] == 0) {
            continue;
        }
        const std::uint32_t polarity = pulses[i] > 0 ? 0 : 1;
        const auto wanted = static_cast<std::uint32_t>(std::abs(pulses[i]));
        std::uint32_t& counter =
            next_device_[shape_.counter == DeviceCounter::global ? 0 : polarity * count + i];
        for (std::uint32_t k = 0; k < n; ++k) {
            device_pulses_[(polarity * n + k) * count + i] =
                static_cast<std::uint16_t>(share(wanted, k, counter));
        }
        counter = (counter + wanted) % n;
    }
}

void SynapseArray::program(std::span<const std::int16_t> pulses, Phase phase, std::uint32_t event,
                           std::int32_t tick) {
    const std::uint64_t issued = count_all(pulses);
    if (issued == 0) {
        return;
    }
    advance_to(tick);
    const DrawKey pulse_key = key(Stream::set_noise, static_cast<std::uint16_t>(phase), event, 0);
    if (model_->bidirectional()) {
        program_bidirectional(pulses, pulse_key, tick);
        faults_.wear_out(state_, *model_, tick);
        return;
    }
    spread_pulses(pulses);
    model_->set(state_, 0, device_pulses_, pulse_key, tick);
    counters_.set_pulses += issued;
    faults_.wear_out(state_, *model_, tick);
}

void SynapseArray::program_bidirectional(std::span<const std::int16_t> pulses, const DrawKey& pulse_key,
                                         std::int32_t tick) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t count = synapses();
    for (const std::int16_t p : pulses) {
        (p > 0 ? counters_.set_pulses : counters_.reset_pulses) += static_cast<std::uint64_t>(std::abs(p));
    }
    if (n == 1) {
        model_->pulse(state_, 0, pulses, pulse_key, tick);
        return;
    }
    std::fill(signed_pulses_.begin(), signed_pulses_.end(), std::int16_t{0});
    for (std::uint32_t i = 0; i < count; ++i) {
        if (pulses[i] == 0) {
            continue;
        }
        const auto wanted = static_cast<std::uint32_t>(std::abs(pulses[i]));
        std::uint32_t& counter = next_device_[shape_.counter == DeviceCounter::global ? 0 : i];
        for (std::uint32_t k = 0; k < n; ++k) {
            const auto given = static_cast<std::int16_t>(share(wanted, k, counter));
            signed_pulses_[k * count + i] = pulses[i] > 0 ? given : static_cast<std::int16_t>(-given);
        }
        counter = (counter + wanted) % n;
    }
    model_->pulse(state_, 0, signed_pulses_, pulse_key, tick);
}

void SynapseArray::set_device(std::uint32_t device, std::uint32_t pulse, std::uint32_t event,
                              std::int32_t tick) {
    const std::uint16_t one = 1;
    // The key's block tells the pulses of a burst apart: `set` uses the step for pulse 0 only.
    const auto block = static_cast<std::uint16_t>(static_cast<std::uint32_t>(Phase::refresh) + pulse);
    model_->set(state_, device, {&one, 1}, key(Stream::set_noise, block, event, 0), tick);
    ++counters_.set_pulses;
}

double SynapseArray::noise_free_difference(std::uint32_t synapse, std::int32_t tick) const {
    double sum = 0.0;
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        float mean = 0.0F, sigma = 0.0F;
        observe(plane * synapses() + synapse, tick, {&mean, 1}, {&sigma, 1});
        sum += static_cast<double>(sign_of_plane(plane) * mean);
    }
    return sum / shape_.devices_per_polarity;
}

void SynapseArray::read_row(std::uint32_t row, const DrawKey& noise_key, std::int32_t tick,
                            std::span<float> plus_us, std::span<float> minus_us) {
    const std::uint32_t columns = shape_.columns;
    const std::span mean(row_mean_.data(), columns), sigma(row_sigma_.data(), columns);
    const std::span noise(block_sum_.data(), columns);
    std::fill(plus_us.begin(), plus_us.end(), 0.0F);
    std::fill(minus_us.begin(), minus_us.end(), 0.0F);
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        const std::uint32_t first = plane * synapses() + row * columns;
        const std::span side = sign_of_plane(plane) > 0.0F ? plus_us : minus_us;
        see(first, tick, mean, sigma);
        fill_normals(noise_key, first, noise);
        for (std::uint32_t c = 0; c < columns; ++c) {
            if (exists(row * columns + c)) {
                side[c] += (mean[c] + sigma[c] * noise[c]) / static_cast<float>(shape_.devices_per_polarity);
                counters_.verify_conductance_us += static_cast<double>(mean[c]);
                ++counters_.verify_reads;
            }
        }
    }
}

RefreshReport SynapseArray::refresh(const RefreshLimits& limits, std::uint32_t event, std::int32_t tick) {
    if (model_->bidirectional()) {
        return {};
    }
    advance_to(tick);
    RefreshReport report;
    const ArrayCounters before_all = counters_;
    std::vector<float> plus(shape_.columns), minus(shape_.columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        read_row(row, key(Stream::verify_noise, 0, event, 0), tick, plus, minus);
        if (!any_saturated(plus, minus, limits.high_us, limits.low_us)) {
            continue;
        }
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            if (std::max(plus[c], minus[c]) > limits.high_us && std::min(plus[c], minus[c]) > limits.low_us) {
                const std::uint32_t synapse = row * shape_.columns + c;
                const double before = noise_free_difference(synapse, tick);
                restore(synapse, plus[c] - minus[c], limits, event, tick);
                ++report.pairs;
                report.absolute_error_us += std::abs(noise_free_difference(synapse, tick) - before);
            }
        }
    }
    report.set_pulses = counters_.set_pulses - before_all.set_pulses;
    report.reset_pulses = counters_.reset_pulses - before_all.reset_pulses;
    report.verify_reads = counters_.verify_reads - before_all.verify_reads;
    faults_.wear_out(state_, *model_, tick);
    return report;
}

void SynapseArray::restore(std::uint32_t synapse, float difference_us, const RefreshLimits& limits,
                           std::uint32_t event, std::int32_t tick) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const DrawKey reset_key = key(Stream::reset_noise, static_cast<std::uint16_t>(Phase::refresh), event, 0);
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        model_->reset(state_, plane * synapses() + synapse, reset_key, tick);
        ++counters_.reset_pulses;
    }
    const std::uint32_t polarity = difference_us >= 0.0F ? 0 : 1;
    const float sign = polarity == 0 ? 1.0F : -1.0F;
    std::uint32_t& counter =
        next_device_[shape_.counter == DeviceCounter::global ? 0 : polarity * synapses() + synapse];
    const float enough_us = std::abs(difference_us) - 0.5F * limits.epsilon_us / static_cast<float>(n);
    for (std::uint32_t pulse = 0; pulse < limits.max_pulses; ++pulse) {
        if (sign * read_synapse(synapse, pulse + 1, event, tick) >= enough_us) {
            break;
        }
        set_device((polarity * n + counter) * synapses() + synapse, pulse, event, tick);
        counter = (counter + 1) % n;
    }
}

float SynapseArray::read_synapse(std::uint32_t synapse, std::uint32_t step, std::uint32_t event,
                                 std::int32_t tick) {
    float sum = 0.0F;
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        const std::uint32_t device = plane * synapses() + synapse;
        float mean = 0.0F, sigma = 0.0F;
        see(device, tick, {&mean, 1}, {&sigma, 1});
        ++counters_.verify_reads;
        counters_.verify_conductance_us += static_cast<double>(mean);
        sum += sign_of_plane(plane) *
               (mean + sigma * random_normal(key(Stream::verify_noise, 0, event, step), device));
    }
    return sum / static_cast<float>(shape_.devices_per_polarity);
}

void SynapseArray::measure(std::uint32_t event, std::int32_t tick, std::span<float> out_us) {
    advance_to(tick);
    std::vector<float> minus(shape_.columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const std::span plus = out_us.subspan(std::size_t{row} * shape_.columns, shape_.columns);
        read_row(row, key(Stream::verify_noise, 0, event, kMeasureStep), tick, plus, minus);
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            plus[c] -= minus[c];
        }
    }
}

void SynapseArray::state(std::int32_t tick, std::span<float> out_us) {
    advance_to(tick);
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        out_us[i] = exists(i) ? static_cast<float>(noise_free_difference(i, tick)) : 0.0F;
    }
}

}  // namespace memprop::crossbar
