#include "crossbar/array/synapse_array.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/array/read_kernels.hpp"
#include "crossbar/base/error.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::size_t kWidestVector = 16;           // floats; rows are padded to it
constexpr std::uint32_t kMeasureStep = 0xFFFFFFFF;  // steps 0, 1, ... belong to the reads of a refresh

}  // namespace

SynapseArray::SynapseArray(const CrossbarConfig& config, const SynapseArrayShape& shape, double tick_seconds,
                           std::uint64_t seed, std::uint8_t array)
    : config_(config),
      shape_(shape),
      seed_(seed),
      array_(array),
      model_(find_device_kind(config.device).make(config, tick_seconds)),
      stride_((shape.columns + kWidestVector - 1) / kWidestVector * kWidestVector) {
    if (config.clamp_reads && config.read_noise != ReadNoise::per_device) {
        throw InputError(
            "crossbar.clamp_reads", true,
            "a sum of clamped reads is not Gaussian; it needs crossbar.read_noise = \"per_device\"");
    }
    const std::uint64_t devices = std::uint64_t{synapses()} * planes();
    if (devices > std::numeric_limits<std::uint32_t>::max()) {
        throw InputError("array", devices, "more than 2^32 devices in one array");
    }
    state_.resize(devices);
    next_device_.assign(shape.counter == DeviceCounter::global ? 1 : std::size_t{2} * synapses(), 0);
    // Reads that begin between two vectors load past the last column of the last row.
    difference_us_.assign(shape.rows * stride_ + kWidestVector, 0.0F);
    variance_.assign(shape.rows * stride_ + kWidestVector, 0.0F);
    row_conductance_us_.assign(shape.rows, 0.0);
    row_events_.assign(shape.rows, 0);
    device_pulses_.assign(devices, 0);
    for (auto* buffer : {&row_mean_, &row_sigma_, &block_sum_}) {
        buffer->assign(stride_, 0.0F);
    }
    if (config.read_noise == ReadNoise::per_device) {
        device_mean_us_.assign(devices, 0.0F);
        device_sigma_us_.assign(devices, 0.0F);
    }
    model_->draw_spread(devices, seed, array);
    model_->advance_to(0);
    reset_all();
}

void SynapseArray::reset_all() {
    const DrawKey reset_key = key(Stream::reset_noise, static_cast<std::uint16_t>(Phase::initial), 0, 0);
    for (std::uint32_t device = 0; device < state_.size(); ++device) {
        if (exists(device % synapses())) {
            model_->reset(state_, device, reset_key, 0);
            ++counters_.reset_pulses;
        }
    }
}

void SynapseArray::renew(std::int32_t tick) {
    model_->advance_to(tick);
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
            model_->observe(state_, first, tick, mean, sigma);
            if (shape_.no_diagonal && row < columns) {
                mean[row] = 0.0F;
                sigma[row] = 0.0F;
            }
            conductance += add_plane(mean, sigma, sign_of_plane(plane), difference, variance);
            if (!device_mean_us_.empty()) {
                std::copy(mean.begin(), mean.end(), device_mean_us_.begin() + first);
                std::copy(sigma.begin(), sigma.end(), device_sigma_us_.begin() + first);
            }
        }
        row_conductance_us_[row] = conductance;
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
    const std::span block_sum(block_sum_.data(), shape_.columns);
    bool first = true;
    for (std::size_t begin = 0; begin < active_rows.size();) {
        const auto block = static_cast<std::uint32_t>(active_rows[begin] / config_.tile_rows);
        std::size_t end = begin;
        while (end < active_rows.size() && active_rows[end] / config_.tile_rows == block) {
            ++row_events_[active_rows[end]];
            ++end;
        }
        read_block(block, active_rows.subspan(begin, end - begin), sample, step, 0,
                   first ? out_us : block_sum);
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
    const auto block = static_cast<std::uint32_t>(rows.front() / config_.tile_rows);
    read_block(block, rows, sample, step, first_column, out_us);
}

void SynapseArray::read_block(std::uint32_t block, std::span<const std::uint32_t> rows, std::uint32_t sample,
                              std::uint32_t step, std::uint32_t first_column, std::span<float> out_us) {
    const ReadMatrices matrices{difference_us_.data(), variance_.data(), stride_};
    if (config_.read_noise == ReadNoise::per_device) {
        read_per_device(rows, sample, step, first_column, out_us);
    } else if (config_.read_noise_scale > 0.0) {
        read_rows_noisy(matrices, rows,
                        key(Stream::read_noise_column, static_cast<std::uint16_t>(block), sample, step),
                        first_column, out_us);
    } else {
        read_rows(matrices, rows, first_column, out_us);
    }
}

void SynapseArray::read_per_device(std::span<const std::uint32_t> rows, std::uint32_t sample,
                                   std::uint32_t step, std::uint32_t first_column, std::span<float> out_us) {
    const DrawKey noise_key = key(Stream::read_noise_device, 0, sample, step);
    const auto n = static_cast<float>(shape_.devices_per_polarity);
    const float low = model_->g_min_us(), high = model_->g_max_us();
    const std::span noise(row_mean_.data(), out_us.size());
    std::fill(out_us.begin(), out_us.end(), 0.0F);
    for (const std::uint32_t row : rows) {
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            const std::uint32_t first = plane * synapses() + row * shape_.columns + first_column;
            fill_normals(noise_key, first, noise);
            for (std::uint32_t c = 0; c < out_us.size(); ++c) {
                float g = device_mean_us_[first + c] + device_sigma_us_[first + c] * noise[c];
                if (config_.clamp_reads && exists(row * shape_.columns + first_column + c)) {
                    g = std::clamp(g, low, high);
                }
                out_us[c] += sign_of_plane(plane) * g / n;
            }
        }
    }
}

void SynapseArray::account_reads() {
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const std::uint64_t synapses_of_row =
            shape_.columns - (shape_.no_diagonal && row < shape_.columns ? 1 : 0);
        counters_.device_reads += row_events_[row] * synapses_of_row * planes();
        counters_.read_conductance_us += row_events_[row] * row_conductance_us_[row];
        row_events_[row] = 0;
    }
}

void SynapseArray::spread_pulses(std::span<const std::int16_t> pulses) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t count = synapses();
    if (n == 1) {
        for (std::uint32_t i = 0; i < count; ++i) {
            device_pulses_[i] = static_cast<std::uint16_t>(std::max<std::int16_t>(pulses[i], 0));
            device_pulses_[count + i] = static_cast<std::uint16_t>(std::max<std::int16_t>(-pulses[i], 0));
        }
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
        for (std::uint32_t k = 0; k < n; ++k) {  // device k gets every n-th pulse, starting at the counter
            const std::uint32_t offset = (k + n - counter) % n;
            const std::uint32_t given = wanted > offset ? (wanted - offset + n - 1) / n : 0;
            device_pulses_[(polarity * n + k) * count + i] = static_cast<std::uint16_t>(given);
        }
        counter = (counter + wanted) % n;
    }
}

void SynapseArray::program(std::span<const std::int16_t> pulses, Phase phase, std::uint32_t event,
                           std::int32_t tick) {
    std::uint64_t issued = 0;
    for (const std::int16_t p : pulses) {
        issued += static_cast<std::uint64_t>(std::abs(p));
    }
    if (issued == 0) {
        return;
    }
    spread_pulses(pulses);
    model_->set(state_, 0, device_pulses_,
                key(Stream::set_noise, static_cast<std::uint16_t>(phase), event, 0), tick);
    counters_.set_pulses += issued;
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
        model_->observe(state_, plane * synapses() + synapse, tick, {&mean, 1}, {&sigma, 1});
        sum += static_cast<double>(sign_of_plane(plane) * mean);
    }
    return sum / shape_.devices_per_polarity;
}

void SynapseArray::read_row(std::uint32_t row, std::uint32_t step, std::uint32_t event, std::int32_t tick,
                            std::span<float> plus_us, std::span<float> minus_us) {
    const std::uint32_t columns = shape_.columns;
    const std::span mean(row_mean_.data(), columns), sigma(row_sigma_.data(), columns);
    const std::span noise(block_sum_.data(), columns);
    std::fill(plus_us.begin(), plus_us.end(), 0.0F);
    std::fill(minus_us.begin(), minus_us.end(), 0.0F);
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        const std::uint32_t first = plane * synapses() + row * columns;
        const std::span side = sign_of_plane(plane) > 0.0F ? plus_us : minus_us;
        model_->observe(state_, first, tick, mean, sigma);
        fill_normals(key(Stream::verify_noise, 0, event, step), first, noise);
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
    model_->advance_to(tick);
    RefreshReport report;
    std::vector<float> plus(shape_.columns), minus(shape_.columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        read_row(row, 0, event, tick, plus, minus);
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
        model_->observe(state_, device, tick, {&mean, 1}, {&sigma, 1});
        ++counters_.verify_reads;
        counters_.verify_conductance_us += static_cast<double>(mean);
        sum += sign_of_plane(plane) *
               (mean + sigma * random_normal(key(Stream::verify_noise, 0, event, step), device));
    }
    return sum / static_cast<float>(shape_.devices_per_polarity);
}

void SynapseArray::measure(std::uint32_t event, std::int32_t tick, std::span<float> out_us) {
    model_->advance_to(tick);
    std::vector<float> minus(shape_.columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const std::span plus = out_us.subspan(std::size_t{row} * shape_.columns, shape_.columns);
        read_row(row, kMeasureStep, event, tick, plus, minus);
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            plus[c] -= minus[c];
        }
    }
}

void SynapseArray::state(std::int32_t tick, std::span<float> out_us) {
    model_->advance_to(tick);
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        out_us[i] = exists(i) ? static_cast<float>(noise_free_difference(i, tick)) : 0.0F;
    }
}

}  // namespace memprop::crossbar
