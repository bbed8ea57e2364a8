// Sums over all devices of an array: what drift compensation compares.
#include <algorithm>
#include <vector>

#include "crossbar/array/synapse_array.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::uint32_t kConductanceStep = 0xFFFFFFFD;  // of the draws of read_conductance_us

}  // namespace

template <class Observe>
double SynapseArray::sum_of_devices(const Observe& observe) const {
    std::vector<float> mean(shape_.columns), sigma(shape_.columns);
    double sum = 0.0;
    for (std::uint32_t first = 0; first < state_.size(); first += shape_.columns) {
        observe(first, std::span(mean), std::span(sigma));
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            sum += device_exists(first + c) ? static_cast<double>(mean[c]) : 0.0;
        }
    }
    return sum;
}

double SynapseArray::written_conductance_us() const {
    return sum_of_devices([&](std::uint32_t first, std::span<float> mean, std::span<float> sigma) {
        std::copy_n(state_.conductance_us.begin() + first, mean.size(), mean.begin());
        std::fill(sigma.begin(), sigma.end(), 0.0F);
        if (!faults_.none()) {
            faults_.apply(first, mean, sigma);
        }
    });
}

double SynapseArray::conductance_us(const DeviceModel& model, std::int32_t tick) const {
    return sum_of_devices([&](std::uint32_t first, std::span<float> mean, std::span<float> sigma) {
        model.observe(state_, first, tick, mean, sigma);
        if (!faults_.none()) {
            faults_.apply(first, mean, sigma);
        }
    });
}

double SynapseArray::read_conductance_us(std::uint32_t event, std::int32_t tick) {
    advance_to(tick);
    const DrawKey noise_key = key(Stream::verify_noise, 0, event, kConductanceStep);
    std::vector<float> noise(shape_.columns);
    return sum_of_devices([&](std::uint32_t first, std::span<float> mean, std::span<float> sigma) {
        see(first, tick, mean, sigma);
        fill_normals(noise_key, first, noise);
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            if (device_exists(first + c)) {
                counters_.verify_conductance_us += static_cast<double>(mean[c]);
                ++counters_.verify_reads;
            }
            mean[c] += sigma[c] * noise[c];
        }
    });
}

void SynapseArray::count_reads(std::span<const std::int16_t> pulses, std::int32_t tick) {
    advance_to(tick);
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        if (!exists(i) || (!pulses.empty() && pulses[i] == 0)) {
            continue;
        }
        for (std::uint32_t plane = 0; plane < planes(); ++plane) {
            float mean = 0.0F, sigma = 0.0F;
            see(device_of(plane, i), tick, {&mean, 1}, {&sigma, 1});
            counters_.verify_conductance_us += static_cast<double>(mean);
            ++counters_.verify_reads;
        }
    }
}

}  // namespace memprop::crossbar
