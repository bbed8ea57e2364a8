// Reads of single devices and the refresh that rests on them: the part of SynapseArray between samples.
#include <algorithm>
#include <cmath>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/array/write_kernels.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::uint32_t kMeasureStep = 0xFFFFFFFF;  // steps 0, 1, ... belong to the reads of a refresh

}  // namespace

void SynapseArray::set_device(std::uint32_t device, std::uint32_t pulse, std::uint32_t event,
                              std::int32_t tick) {
    const std::uint16_t one = 1;
    // The key's block tells the pulses of a burst apart: `set` uses the step for pulse 0 only.
    const auto block = static_cast<std::uint16_t>(static_cast<std::uint32_t>(Phase::refresh) + pulse);
    model_->set(state_, device, {&one, 1}, key(Stream::set_noise, block, event, 0), tick);
    ++counters_.set_pulses;
    faults_.wear_out(state_, *model_, tick, device);
}

double SynapseArray::noise_free_difference(std::uint32_t synapse, std::int32_t tick) const {
    double sum = 0.0;
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        float mean = 0.0F, sigma = 0.0F;
        observe(device_of(plane, synapse), tick, {&mean, 1}, {&sigma, 1});
        const float part = sliced_ ? mean * share_of_plane_[plane] : mean;
        sum += static_cast<double>(sign_of_plane(plane) * part);
    }
    return sliced_ ? sum : sum / shape_.devices_per_polarity;
}

void SynapseArray::read_row(std::uint32_t row, const DrawKey& noise_key, std::int32_t tick,
                            std::span<float> plus_us, std::span<float> minus_us,
                            std::span<const std::uint8_t> skipped) {
    const std::uint32_t columns = shape_.columns;
    const std::span mean(row_mean_.data(), columns), sigma(row_sigma_.data(), columns);
    const std::span noise(block_sum_.data(), columns);
    std::fill(plus_us.begin(), plus_us.end(), 0.0F);
    std::fill(minus_us.begin(), minus_us.end(), 0.0F);
    full_.assign(sliced_ ? columns : 0, 0);
    slices_seen_us_.resize(sliced_ ? std::size_t{planes()} * columns : 0);
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        const std::uint32_t first = plane * synapses() + row * columns;
        const bool fine = sliced_ && plane % shape_.devices_per_polarity > 0;
        const bool positive = sign_of_plane(plane) > 0.0F;
        const std::span side = positive ? plus_us : minus_us;
        see(first, tick, mean, sigma);
        fill_normals(noise_key, first, noise);
        if (one_reference_per_row(plane)) {
            const float reference = part_of_synapse(plane, mean[0] + sigma[0] * noise[0]);
            for (float& of_side : side) {
                of_side += reference;
            }
            counters_.verify_conductance_us += static_cast<double>(mean[0]);
            ++counters_.verify_reads;
            continue;
        }
        for (std::uint32_t c = 0; c < columns; ++c) {
            if (exists(row * columns + c) && (skipped.empty() || skipped[c] == 0)) {
                const float seen = mean[c] + sigma[c] * noise[c];
                side[c] += part_of_synapse(plane, seen);
                if (fine && seen > full_slice_us_) {
                    full_[c] |= positive ? kFullPlus : kFullMinus;
                }
                if (sliced_) {
                    slices_seen_us_[plane * columns + c] = seen;
                }
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
    full_slice_us_ = limits.high_us;
    std::vector<float> plus(shape_.columns), minus(shape_.columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        read_row(row, key(Stream::verify_noise, 0, event, 0), tick, plus, minus);
        if (!sliced_ && !any_saturated(plus, minus, limits.high_us, limits.low_us)) {
            continue;
        }
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            const bool saturated =
                std::max(plus[c], minus[c]) > limits.high_us && std::min(plus[c], minus[c]) > limits.low_us;
            if (saturated || (sliced_ && full_[c] != 0)) {
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
    return report;
}

void SynapseArray::restore(std::uint32_t synapse, float difference_us, const RefreshLimits& limits,
                           std::uint32_t event, std::int32_t tick) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const DrawKey reset_key = key(Stream::reset_noise, static_cast<std::uint16_t>(Phase::refresh), event, 0);
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        const std::uint32_t device = plane * synapses() + synapse;
        model_->reset(state_, device, reset_key, tick);
        ++counters_.reset_pulses;
        faults_.wear_out(state_, *model_, tick, device);
    }
    const std::uint32_t polarity = difference_us >= 0.0F ? 0 : 1;
    const float sign = polarity == 0 ? 1.0F : -1.0F;
    std::uint32_t& counter =
        next_device_[shape_.counter == DeviceCounter::global ? 0 : polarity * synapses() + synapse];
    const float enough_us =
        std::abs(difference_us) - part_of_synapse(n - 1, 0.5F * limits.epsilon_us);  // of the finest slice
    const std::uint32_t most = most_refresh_pulses(limits);
    for (std::uint32_t pulse = 0; pulse < most; ++pulse) {
        const float reached = sign * read_synapse(synapse, pulse + 1, event, tick);
        if (reached >= enough_us) {
            break;
        }
        if (sliced_) {
            const std::uint32_t slice = next_slice(std::abs(difference_us) - reached, limits.epsilon_us);
            set_device((polarity * n + slice) * synapses() + synapse, pulse, event, tick);
            continue;
        }
        set_device((polarity * n + counter) * synapses() + synapse, pulse, event, tick);
        counter = (counter + 1) % n;
    }
}

/// The coarsest slice of which a pulse does not overshoot.
std::uint32_t SynapseArray::next_slice(float missing_us, float epsilon_us) const {
    std::uint32_t slice = 0;
    while (slice + 1 < shape_.devices_per_polarity && part_of_synapse(slice, epsilon_us) > missing_us) {
        ++slice;
    }
    return slice;
}

float SynapseArray::read_synapse(std::uint32_t synapse, std::uint32_t step, std::uint32_t event,
                                 std::int32_t tick, std::span<float> seen_us) {
    float sum = 0.0F;
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        const std::uint32_t device = device_of(plane, synapse);
        float mean = 0.0F, sigma = 0.0F;
        see(device, tick, {&mean, 1}, {&sigma, 1});
        ++counters_.verify_reads;
        counters_.verify_conductance_us += static_cast<double>(mean);
        const float seen = mean + sigma * random_normal(key(Stream::verify_noise, 0, event, step), device);
        sum += sign_of_plane(plane) * (sliced_ ? seen * share_of_plane_[plane] : seen);
        if (!seen_us.empty()) {
            seen_us[plane] = seen;
        }
    }
    return sliced_ ? sum : sum / static_cast<float>(shape_.devices_per_polarity);
}

void SynapseArray::measure(std::uint32_t event, std::int32_t tick, std::span<float> out_us) {
    advance_to(tick);
    std::vector<float> minus(shape_.columns);
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        const std::span plus = out_us.subspan(std::size_t{row} * shape_.columns, shape_.columns);
        read_row(row, key(Stream::verify_noise, 0, event, kMeasureStep), tick, plus, minus);
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            plus[c] = exists(row * shape_.columns + c) ? plus[c] - minus[c] : 0.0F;
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
