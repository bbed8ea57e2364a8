// Programming of a whole array to given weights: the part of SynapseArray that runs once, at the start.
#include <algorithm>
#include <cmath>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/array/verified_programming.hpp"
#include "crossbar/base/error.hpp"

namespace memprop::crossbar {
namespace {

constexpr double kMostOpenLoopPulses = 10000;
constexpr double kBeyondRange = 1.02;                 // RESET states scatter around g_min
constexpr std::uint32_t kMagnitudeStep = 0xFFFFFFFE;  // of the draws of mean_magnitude

}  // namespace

ProgrammingReport& ProgrammingReport::operator+=(const ProgrammingReport& other) {
    synapses += other.synapses;
    converged += other.converged;
    clipped += other.clipped;
    pulses += other.pulses;
    verify_reads += other.verify_reads;
    absolute_error_us += other.absolute_error_us;
    largest_error_us = std::max(largest_error_us, other.largest_error_us);
    known_seconds += other.known_seconds;
    return *this;
}

void ProgrammingReport::serialize(StateArchive& archive) {
    archive.enter("programming");
    archive("synapses", synapses);
    archive("converged", converged);
    archive("pulses", pulses);
    archive("verify_reads", verify_reads);
    archive("absolute_error_us", absolute_error_us);
    archive("largest_error_us", largest_error_us);
    archive("seconds", known_seconds);
    archive.leave();
}

std::optional<double> ProgrammingReport::seconds(const CrossbarConfig& config) const {
    const EnergyConfig& costs = config.energy;
    const bool verified = config.programming.method == ProgrammingMethod::write_verify;
    const bool known = costs.set_pulse_ns && costs.reset_pulse_ns && (!verified || costs.read_pulse_ns);
    return known || pulses == 0 ? std::optional(known_seconds) : std::nullopt;
}

ProgrammingReport SynapseArray::program_weights(std::span<const float> weights, float weight_per_us,
                                                float weight_step, std::int32_t tick) {
    std::vector<float> target_us(weights.begin(), weights.end());
    for (float& w : target_us) {
        w /= weight_per_us;
    }
    const ArrayCounters before = counters_;
    ProgrammingReport report;
    advance_to(tick);
    if (!model_->takes_pulses()) {
        program_targets(target_us, tick);
    } else if (config_.programming.method == ProgrammingMethod::open_loop) {
        program_open_loop(weights, weight_step, tick, report);
    } else {
        VerifiedProgramming(*this, target_us, weight_step / weight_per_us, tick).run(report);
    }
    report.pulses = counters_.set_pulses + counters_.reset_pulses - before.set_pulses - before.reset_pulses;
    report.verify_reads = counters_.verify_reads - before.verify_reads;
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        if (exists(i)) {
            const double error = std::abs(noise_free_difference(i, tick) - double(target_us[i]));
            ++report.synapses;
            report.clipped += std::abs(double(target_us[i])) > kBeyondRange * range_us() ? 1 : 0;
            report.absolute_error_us += error;
            report.largest_error_us = std::max(report.largest_error_us, error);
        }
    }
    return report;
}

void SynapseArray::program_targets(std::span<const float> target_us, std::int32_t tick) {
    const DrawKey noise_key = key(Stream::set_noise, static_cast<std::uint16_t>(Phase::programming), 0, 0);
    const float g_max = model_->g_max_us();
    for (std::uint32_t plane = 0; plane < planes(); ++plane) {
        for (std::uint32_t i = 0; i < synapses(); ++i) {
            if (exists(i)) {
                const float wanted = std::clamp(sign_of_plane(plane) * target_us[i], 0.0F, g_max);
                const float target = sliced_ ? slice_target(wanted / g_max, plane) * g_max : wanted;
                model_->program_targets(state_, plane * synapses() + i, {&target, 1}, noise_key, tick);
                ++counters_.set_pulses;
            }
        }
    }
}

/// What slice `plane` holds of a part of the range: digits in base b over b - 1; the finest takes the
/// rest as far as it reaches.
float SynapseArray::slice_target(float part, std::uint32_t plane) const {
    const std::uint32_t n = shape_.devices_per_polarity;
    const auto largest = static_cast<float>(config_.slice_base - 1);
    float digit = 0.0F;
    for (std::uint32_t k = 0; k <= plane % n; ++k) {
        const float digits = part / share_of_plane_[k] * largest;
        digit = std::min(k + 1 < n ? std::floor(digits) : digits, largest);
        part -= digit / largest * share_of_plane_[k];
    }
    return digit / largest;
}

void SynapseArray::program_open_loop(std::span<const float> weights, float weight_step, std::int32_t tick,
                                     ProgrammingReport& report) {
    std::vector<std::int16_t> pulses(synapses());
    for (std::uint32_t i = 0; i < synapses(); ++i) {
        const double steps = static_cast<double>(weights[i]) / static_cast<double>(weight_step);
        if (!(std::abs(steps) <= kMostOpenLoopPulses)) {
            if (config_.device == "ideal") {
                throw InputError(
                    "crossbar.bits", config_.bits,
                    fmt::format("makes steps so small that the initial weight {} needs {:.0f} pulses; at "
                                "most {:.0f} are given: use fewer bits or a larger "
                                "crossbar.weight_scale_per_us",
                                weights[i], std::abs(steps), kMostOpenLoopPulses));
            }
            throw InputError("initial weight", weights[i],
                             "needs more than 10000 pulses; crossbar.weight_scale_per_us or "
                             "update.epsilon_us is too small");
        }
        pulses[i] = static_cast<std::int16_t>(std::lround(steps));
    }
    program(pulses, Phase::initial, 0, tick);
    report.known_seconds = write_seconds(pulses);
}

double SynapseArray::write_seconds(std::span<const std::int16_t> pulses, bool on_devices) const {
    const double up_ns = config_.energy.set_pulse_ns.value_or(0.0);
    const double down_ns = model_->bidirectional() ? config_.energy.reset_pulse_ns.value_or(0.0) : up_ns;
    double ns = 0.0;
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        std::uint32_t most_up = 0, most_down = 0;
        for (const std::int16_t p : pulses.subspan(std::size_t{row} * shape_.columns, shape_.columns)) {
            const auto wanted = static_cast<std::uint32_t>(std::abs(p));
            const std::uint32_t given = on_devices ? wanted : given_for(wanted);
            if (config_.programming.order == ProgrammingOrder::device_wise) {
                ns += given * (p > 0 ? up_ns : down_ns);
            } else {
                std::uint32_t& most = p > 0 ? most_up : most_down;
                most = std::max(most, given);
            }
        }
        // A word line is driven for one direction at a time; one-sided devices have only SET.
        ns += model_->bidirectional() ? most_up * up_ns + most_down * down_ns
                                      : std::max(most_up, most_down) * up_ns;
    }
    return 1e-9 * ns;
}

double SynapseArray::mean_magnitude(std::uint32_t event, std::int32_t tick) {
    advance_to(tick);
    std::vector<float> plus(shape_.columns), minus(shape_.columns);
    double sum = 0.0;
    std::uint64_t count = 0;
    for (std::uint32_t row = 0; row < shape_.rows; ++row) {
        read_row(row, key(Stream::verify_noise, 0, event, kMagnitudeStep), tick, plus, minus);
        for (std::uint32_t c = 0; c < shape_.columns; ++c) {
            if (exists(row * shape_.columns + c)) {
                sum += std::abs(double(plus[c]) - double(minus[c]));
                ++count;
            }
        }
    }
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

}  // namespace memprop::crossbar
