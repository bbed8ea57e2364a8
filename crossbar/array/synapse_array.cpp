#include "crossbar/array/synapse_array.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "crossbar/array/read_kernels.hpp"
#include "crossbar/array/response_kernels.hpp"
#include "crossbar/array/write_kernels.hpp"
#include "crossbar/base/error.hpp"

namespace memprop::crossbar {

SynapseArray::SynapseArray(const CrossbarConfig& config, const SynapseArrayShape& shape, double tick_seconds,
                           std::uint64_t seed, std::uint8_t array)
    : config_(config),
      shape_(shape),
      seed_(seed),
      array_(array),
      sliced_(config.slice_base > 1 && shape.devices_per_polarity > 1),
      nonlinear_(config.iv.curvature_g_min + config.iv.curvature_g_max > 0.0),
      model_(find_device_kind(config.device).make(config, tick_seconds)),
      adc_(config,
           (shape.rows + static_cast<std::uint32_t>(config.tile_rows) - 1) /
               static_cast<std::uint32_t>(config.tile_rows),
           shape.columns, seed, array, sliced_ ? shape.devices_per_polarity : 1),
      faults_(config,
              {2 * shape.devices_per_polarity, shape.rows, shape.columns,
               config.subtraction == Subtraction::offset_column},
              *model_, seed, array),
      wires_(config, {2 * shape.devices_per_polarity, shape.rows, shape.columns}),
      low_frequency_(config.low_frequency, static_cast<double>(model_->g_max_us()),
                     std::size_t{2} * shape.devices_per_polarity * shape.rows * shape.columns, tick_seconds,
                     seed, array),
      stride_(row_stride(shape.columns)),
      converted_sums_(sliced_ && !adc_.ideal() ? shape.devices_per_polarity : 1) {
    check_settings();
    set_shares();
    const std::uint64_t devices = std::uint64_t{synapses()} * planes();
    state_.resize(devices, model_->has_auxiliary());
    next_device_.assign(shape.counter == DeviceCounter::global ? 1 : std::size_t{2} * synapses(), 0);
    // Reads that begin between two vectors load past the last column of the last row.
    difference_us_.assign(converted_sums_ * shape.rows * stride_ + kWidestVector, 0.0F);
    variance_.assign(difference_us_.size(), 0.0F);
    row_conductance_us_.assign(shape.rows, 0.0);
    row_events_.assign(shape.rows, 0);
    synapses_of_row_.assign(shape.rows, 0);
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        synapses_of_row_[i / shape.columns] += exists(i) ? 1 : 0;
    }
    row_graded_reads_.assign(shape.rows, 0);
    row_drive_squared_.assign(shape.rows, 0.0);
    driven_rows_.assign(shape.rows, 0);
    drive_.assign(shape.rows, 0.0F);
    driver_noise_.assign(config.driver_noise > 0.0 ? shape.rows : 0, 0.0F);
    sum_.assign(stride_ + kWidestVector, 0.0F);
    sum_variance_.assign(stride_ + kWidestVector, 0.0F);
    if (model_->bidirectional()) {
        signed_pulses_.assign(shape.devices_per_polarity > 1 ? devices / 2 : 0, 0);
    } else {
        device_pulses_.assign(devices, 0);
    }
    for (auto* buffer : {&row_mean_, &row_sigma_, &block_sum_, &slice_sum_}) {
        buffer->assign(stride_, 0.0F);
    }
    if (config.read_noise == ReadNoise::per_device || nonlinear_) {
        device_mean_us_.assign(devices, 0.0F);
        device_sigma_us_.assign(devices, 0.0F);
    }
    curvature_.assign(nonlinear_ ? devices : 0, 0.0F);
    curvature_rise_.assign(curvature_.size(), 0.0F);
    conductance_us_.assign(wires_.none() ? 0 : devices, 0.0F);
    model_->draw_spread(devices, seed, array);
    model_->advance_to(0);
    reset_all();
}

void SynapseArray::check_settings() const {
    if (shape_.devices_per_polarity == 0) {
        throw InputError("devices_per_polarity", 0, "must be at least 1");
    }
    if (config_.clamp_reads && config_.read_noise != ReadNoise::per_device) {
        throw InputError(
            "crossbar.clamp_reads", true,
            "a sum of clamped reads is not Gaussian; it needs crossbar.read_noise = \"per_device\"");
    }
    if (config_.subtraction == Subtraction::offset_column && !model_->bidirectional()) {
        throw InputError(
            "crossbar.subtraction", "offset_column",
            fmt::format("needs a device with gradual steps in both directions, not {}", config_.device));
    }
    if (nonlinear_ && !wires_.none()) {
        throw InputError("crossbar.iv.curvature_g_min", config_.iv.curvature_g_min,
                         "must be 0 with crossbar.wires, whose circuit is linear, as must curvature_g_max");
    }
    if (nonlinear_ && config_.clamp_reads) {
        throw InputError("crossbar.clamp_reads", true, "must be false with crossbar.iv");
    }
    if (config_.dac_bits == 1) {
        throw InputError("crossbar.dac_bits", 1, "must be 0 or at least 2: one bit has no level besides 0");
    }
    const std::uint64_t devices = std::uint64_t{synapses()} * planes();
    if (devices > std::numeric_limits<std::uint32_t>::max()) {
        throw InputError("array", devices, "more than 2^32 devices in one array");
    }
}

void SynapseArray::set_shares() {
    const std::uint32_t n = shape_.devices_per_polarity;
    share_of_plane_.assign(planes(), 1.0F / static_cast<float>(n));
    if (!sliced_) {
        return;
    }
    const auto base = static_cast<double>(config_.slice_base);
    double steps = 0.0, power = 1.0;  // of the finest slice in all slices together
    for (std::uint32_t k = 0; k < n; ++k, power *= base) {
        steps += power;
    }
    if (steps > 30000.0) {
        throw InputError("crossbar.slice_base", config_.slice_base,
                         fmt::format("{} slices in this base have more than 30000 steps", n));
    }
    for (std::uint32_t k = 0; k < n; ++k) {
        power /= base;
        share_of_plane_[k] = share_of_plane_[n + k] = static_cast<float>(power / steps);
    }
}

void SynapseArray::reset_all() {
    const DrawKey reset_key = key(Stream::reset_noise, static_cast<std::uint16_t>(Phase::initial), 0, 0);
    for (std::uint32_t device = 0; device < state_.size(); ++device) {
        if (!device_exists(device) || one_reference_per_row(device / synapses())) {
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
    if (config_.subtraction == Subtraction::offset_column) {
        place_offset_column(reset_key);
    }
}

/// At the mean of the references that the devices of its row would have in pairs.
void SynapseArray::place_offset_column(const DrawKey& reset_key) {
    const std::uint32_t n = shape_.devices_per_polarity;
    for (std::uint32_t plane = n; plane < planes(); ++plane) {
        for (std::uint32_t row = 0; row < shape_.rows; ++row) {
            const std::uint32_t device = device_of(plane, row * shape_.columns);
            double sum = 0.0;
            for (std::uint32_t c = 0; c < shape_.columns; ++c) {
                const std::uint32_t partner = (plane - n) * synapses() + row * shape_.columns + c;
                model_->place_reference(state_, device, partner, reset_key, 0);
                sum += static_cast<double>(state_.conductance_us[device]);
            }
            state_.conductance_us[device] = static_cast<float>(sum / shape_.columns);
            if (model_->has_auxiliary()) {
                state_.auxiliary[device] = state_.conductance_us[device];
            }
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
    hide_missing(first, mean_us, sigma_us);
}

void SynapseArray::hide_missing(std::uint32_t first, std::span<float> mean_us,
                                std::span<float> sigma_us) const {
    if (shape_.connected == nullptr || one_reference_per_row(first / synapses())) {
        return;
    }
    for (std::size_t i = 0; i < mean_us.size(); ++i) {
        if ((*shape_.connected)[(first + i) % synapses()] == 0) {
            mean_us[i] = 0.0F;
            sigma_us[i] = 0.0F;
        }
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
    hide_missing(first, mean_us, sigma_us);
}

std::uint64_t SynapseArray::faulty_devices() const {
    std::uint64_t count = 0;
    for (std::uint32_t device = 0; device < state_.size(); ++device) {
        count += device_exists(device) && faults_.is_faulty(device) ? 1 : 0;
    }
    return count;
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
            if (one_reference_per_row(plane)) {
                std::fill(mean.begin() + 1, mean.end(), 0.0F);
            } else if (shape_.no_diagonal && row < columns) {
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
        std::span<float> difference, variance;
        for (std::uint32_t sum = converted_sums_; sum-- > 0;) {
            difference = {difference_us_.data() + first_of_sum(sum) + row * stride_, columns};
            variance = {variance_.data() + first_of_sum(sum) + row * stride_, columns};
            std::fill(difference.begin(), difference.end(), 0.0F);
            std::fill(variance.begin(), variance.end(), 0.0F);
        }
        double conductance = 0.0;
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            const std::uint32_t first = plane * synapses() + row * columns;
            if (converted_sums_ > 1) {
                const std::size_t at = first_of_sum(plane % converted_sums_) + row * stride_;
                difference = {difference_us_.data() + at, columns};
                variance = {variance_.data() + at, columns};
            }
            see(first, tick, mean, sigma);
            if (shape_.no_diagonal && row < columns && !one_reference_per_row(plane)) {
                mean[row] = 0.0F;
                sigma[row] = 0.0F;
            }
            if (!wires_.none()) {
                wires_.apply(first, mean, sigma);
            }
            const float reference = mean[0], reference_sigma = sigma[0];
            if (one_reference_per_row(plane)) {
                for (std::uint32_t c = 0; c < columns; ++c) {
                    mean[c] = exists(row * columns + c) ? reference : 0.0F;
                    sigma[c] = exists(row * columns + c) ? reference_sigma : 0.0F;
                }
            }
            if (!device_mean_us_.empty()) {
                std::copy(mean.begin(), mean.end(), device_mean_us_.begin() + first);
                std::copy(sigma.begin(), sigma.end(), device_sigma_us_.begin() + first);
            }
            if (nonlinear_) {
                find_curvatures({.g_min_us = model_->g_min_us(),
                                 .g_max_us = model_->g_max_us(),
                                 .at_min = static_cast<float>(config_.iv.curvature_g_min),
                                 .at_max = static_cast<float>(config_.iv.curvature_g_max)},
                                mean, std::span(curvature_).subspan(first, columns),
                                std::span(curvature_rise_).subspan(first, columns));
            }
            double of_plane = 0.0;
            if (sliced_) {
                for (const float g : mean) {
                    of_plane += static_cast<double>(g);
                }
                for (std::uint32_t c = 0; c < columns && converted_sums_ == 1; ++c) {
                    mean[c] *= share_of_plane_[plane];
                    sigma[c] *= share_of_plane_[plane];
                }
                add_plane(mean, sigma, sign_of_plane(plane), difference, variance);
            } else {
                of_plane = add_plane(mean, sigma, sign_of_plane(plane), difference, variance);
            }
            conductance += one_reference_per_row(plane) ? static_cast<double>(reference) : of_plane;
        }
        row_conductance_us_[row] = wires_.none() ? conductance : wires_.ideal_us(row);
        if (shape_.devices_per_polarity > 1 && !sliced_) {
            for (std::uint32_t c = 0; c < columns; ++c) {
                difference[c] /= n;
                variance[c] /= n * n;
            }
        }
    }
}

std::uint32_t SynapseArray::share(std::uint32_t pulses, std::uint32_t k, std::uint32_t counter) const {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t offset = (k + n - counter) % n;
    return pulses > offset ? (pulses - offset + n - 1) / n : 0;
}

/// `pulses` in base b; the coarsest slice, k = 0, takes what is left.
std::uint32_t SynapseArray::digit(std::uint32_t pulses, std::uint32_t k) const {
    const auto base = static_cast<std::uint32_t>(config_.slice_base);
    for (std::uint32_t finer = k + 1; finer < shape_.devices_per_polarity; ++finer) {
        pulses /= base;
    }
    return k == 0 ? pulses : pulses % base;
}

std::uint32_t SynapseArray::given_for(std::uint32_t pulses) const {
    if (!sliced_) {
        return pulses;
    }
    std::uint32_t given = 0;
    for (std::uint32_t k = 0; k < shape_.devices_per_polarity; ++k) {
        given += digit(pulses, k);
    }
    return given;
}

PulseCount SynapseArray::given_for(std::span<const std::int16_t> pulses) const {
    if (!sliced_) {
        return count_all(pulses);
    }
    PulseCount given;
    for (const std::int16_t p : pulses) {
        (p > 0 ? given.up : given.down) += given_for(static_cast<std::uint32_t>(std::abs(p)));
    }
    return given;
}

void SynapseArray::spread_pulses(std::span<const std::int16_t> pulses) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t count = synapses();
    if (n <= 1) {
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
                static_cast<std::uint16_t>(pulses_of(wanted, k, counter));
        }
        counter = (counter + wanted) % n;
    }
}

void SynapseArray::program(std::span<const std::int16_t> pulses, Phase phase, std::uint32_t event,
                           std::int32_t tick) {
    const PulseCount given = given_for(pulses);
    if (given.all() == 0) {
        return;
    }
    advance_to(tick);
    const DrawKey pulse_key = key(Stream::set_noise, static_cast<std::uint16_t>(phase), event, 0);
    if (model_->bidirectional()) {
        program_bidirectional(pulses, pulse_key, tick);
        counters_.set_pulses += given.up;
        counters_.reset_pulses += given.down;
    } else {
        spread_pulses(pulses);
        give_planes(pulse_key, tick);
        counters_.set_pulses += given.all();
    }
    faults_.wear_out(state_, *model_, tick);
}

void SynapseArray::give_planes(const DrawKey& pulse_key, std::int32_t tick) {
    if (model_->bidirectional()) {
        faults_.end_bursts(state_, std::span(signed_pulses_));
        model_->pulse(state_, 0, signed_pulses_, pulse_key, tick);
    } else {
        faults_.end_bursts(state_, std::span(device_pulses_));
        model_->set(state_, 0, device_pulses_, pulse_key, tick);
    }
}

void SynapseArray::begin_slices() {
    std::fill(device_pulses_.begin(), device_pulses_.end(), std::uint16_t{0});
    std::fill(signed_pulses_.begin(), signed_pulses_.end(), std::int16_t{0});
    on_slices_ = {};
}

void SynapseArray::add_to_slice(std::uint32_t synapse, std::uint32_t slice, std::int32_t count) {
    const auto pulses = static_cast<std::uint32_t>(std::abs(count));
    if (model_->bidirectional()) {
        signed_pulses_[slice * synapses() + synapse] = static_cast<std::int16_t>(count);
        (count > 0 ? on_slices_.up : on_slices_.down) += pulses;
    } else {
        const std::uint32_t plane = count > 0 ? slice : shape_.devices_per_polarity + slice;
        device_pulses_[plane * synapses() + synapse] = static_cast<std::uint16_t>(pulses);
        on_slices_.up += pulses;
    }
}

void SynapseArray::give_slices(Phase phase, std::uint32_t event, std::int32_t tick) {
    if (on_slices_.all() == 0) {
        return;
    }
    advance_to(tick);
    give_planes(key(Stream::set_noise, static_cast<std::uint16_t>(phase), event, 0), tick);
    counters_.set_pulses += on_slices_.up;
    counters_.reset_pulses += on_slices_.down;
    faults_.wear_out(state_, *model_, tick);
}

void SynapseArray::program_bidirectional(std::span<const std::int16_t> pulses, const DrawKey& pulse_key,
                                         std::int32_t tick) {
    const std::uint32_t n = shape_.devices_per_polarity;
    const std::uint32_t count = synapses();
    if (n <= 1) {
        if (faults_.limits_endurance()) {
            signed_pulses_.assign(pulses.begin(), pulses.end());
            faults_.end_bursts(state_, std::span(signed_pulses_));
            pulses = signed_pulses_;
        }
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
            const auto given = static_cast<std::int16_t>(pulses_of(wanted, k, counter));
            signed_pulses_[k * count + i] = pulses[i] > 0 ? given : static_cast<std::int16_t>(-given);
        }
        counter = (counter + wanted) % n;
    }
    give_planes(pulse_key, tick);
}

}  // namespace memprop::crossbar
