#include "crossbar/array/verified_programming.hpp"

#include <algorithm>
#include <cmath>

namespace memprop::crossbar {
namespace {

constexpr float kLongestClimb = 4.0F;   // in pulses that take a device of the assumed step over its range
constexpr float kFullSlicePart = 0.9F;  // of g_max, above which a slice counts as full

}  // namespace

SynapseArray::VerifiedProgramming::VerifiedProgramming(SynapseArray& array, std::span<const float> target_us,
                                                       float step_us, std::int32_t tick)
    : array_(array),
      target_us_(target_us),
      step_us_(step_us),
      tolerance_us_(static_cast<float>(array.config_.programming.tolerance_us)),
      longest_climb_(kLongestClimb * (array.model_->g_max_us() - array.model_->g_min_us()) / step_us),
      tick_(tick),
      row_parallel_(array.config_.programming.order == ProgrammingOrder::row_parallel),
      synapses_(array.synapses(),
                Synapse{.left = static_cast<std::int32_t>(array.config_.programming.max_pulses)}),
      closed_(array.synapses()),
      reset_(array.synapses()),
      pulses_(array.synapses()),
      plus_(array.columns()),
      minus_(array.columns()) {
    for (std::uint32_t i = 0; i < array.synapses(); ++i) {
        closed_[i] = array.exists(i) ? 0 : 1;
    }
    array.full_slice_us_ = kFullSlicePart * array.model_->g_max_us();
}

void SynapseArray::VerifiedProgramming::run(ProgrammingReport& report) {
    const auto block = static_cast<std::uint16_t>(Phase::programming);
    for (std::uint32_t round = 0;; ++round) {
        const std::uint64_t reads_before = array_.counters_.verify_reads;
        report.converged += verify(round);
        const std::uint64_t reads = row_parallel_ ? rows_read_ : array_.counters_.verify_reads - reads_before;
        report.known_seconds +=
            1e-9 * array_.config_.energy.read_pulse_ns.value_or(0.0) * static_cast<double>(reads);
        if (!any_pulse_ && !any_reset_) {
            return;
        }
        if (any_reset_) {
            array_.reset_marked(reset_, array_.key(Stream::reset_noise, block, round, 0), tick_);
            report.known_seconds += reset_seconds();
        }
        array_.program(pulses_, Phase::programming, round, tick_);
        report.known_seconds += array_.write_seconds(pulses_);
    }
}

std::uint64_t SynapseArray::VerifiedProgramming::verify(std::uint32_t round) {
    const auto block = static_cast<std::uint16_t>(Phase::programming);
    const std::uint32_t columns = array_.columns();
    std::fill(pulses_.begin(), pulses_.end(), std::int16_t{0});
    std::fill(reset_.begin(), reset_.end(), std::uint8_t{0});
    any_pulse_ = any_reset_ = false;
    rows_read_ = 0;
    std::uint64_t converged = 0;
    for (std::uint32_t row = 0; row < array_.rows(); ++row) {
        const auto closed = std::span(closed_).subspan(std::size_t{row} * columns, columns);
        if (std::all_of(closed.begin(), closed.end(), [](std::uint8_t c) { return c != 0; })) {
            continue;
        }
        ++rows_read_;
        // A word line that is driven reads all its devices.
        array_.read_row(row, array_.key(Stream::verify_noise, block, 0, round), tick_, plus_, minus_,
                        row_parallel_ ? std::span<const std::uint8_t>{} : closed);
        for (std::uint32_t c = 0; c < columns; ++c) {
            const std::uint32_t i = row * columns + c;
            if (closed[c] != 0) {
                continue;
            }
            const float error = target_us_[i] - (plus_[c] - minus_[c]);
            if (std::abs(error) <= tolerance_us_) {
                closed_[i] = 1;
                ++converged;
            } else {
                decide(i, error, lacks_room(i, error, plus_[c], minus_[c]));
            }
        }
    }
    return converged;
}

bool SynapseArray::VerifiedProgramming::lacks_room(std::uint32_t synapse, float error_us, float plus_us,
                                                   float minus_us) const {
    if (array_.model_->bidirectional()) {
        return false;
    }
    const bool up = error_us > 0.0F;
    const float wanted_us = (up ? plus_us : minus_us) + std::abs(error_us);  // of the side that has to rise
    const bool slice_full =
        array_.sliced_ && (array_.full_[synapse % array_.columns()] & (up ? kFullPlus : kFullMinus)) != 0;
    return wanted_us > array_.model_->g_max_us() + tolerance_us_ || slice_full ||
           static_cast<float>(synapses_[synapse].given) > longest_climb_;
}

void SynapseArray::VerifiedProgramming::decide(std::uint32_t synapse, float error_us, bool no_room) {
    Synapse& s = synapses_[synapse];
    const auto resets = static_cast<std::int32_t>(array_.planes());
    if (no_room && !s.confined) {
        s.confined = s.given == 0;
        if (!s.confined && s.left - resets < s.given) {
            s.left = 0;
        } else if (!s.confined) {
            s.left -= resets;
            s.given = 0;
            reset_[synapse] = 1;
            any_reset_ = true;
            return;
        }
    }
    if (s.left == 0) {
        closed_[synapse] = 1;
        return;
    }
    const float wanted = std::min(0.5F * std::abs(error_us) / step_us_, static_cast<float>(s.left));
    const std::int32_t steps = std::max<std::int32_t>(1, static_cast<std::int32_t>(wanted));
    const auto given = static_cast<std::int32_t>(array_.given_for(static_cast<std::uint32_t>(steps)));
    s.left -= given;
    s.given += given;
    pulses_[synapse] = static_cast<std::int16_t>(error_us > 0.0F ? steps : -steps);
    any_pulse_ = true;
}

double SynapseArray::VerifiedProgramming::reset_seconds() const {
    std::uint64_t pulses = 0;  // one after the other
    for (std::uint32_t row = 0; row < array_.rows(); ++row) {
        const auto of_row = std::span(reset_).subspan(std::size_t{row} * array_.columns(), array_.columns());
        const auto pairs = static_cast<std::uint64_t>(std::count(of_row.begin(), of_row.end(), 1));
        pulses += row_parallel_ ? std::min<std::uint64_t>(pairs, 1) : pairs * array_.planes();
    }
    return 1e-9 * array_.config_.energy.reset_pulse_ns.value_or(0.0) * static_cast<double>(pulses);
}

}  // namespace memprop::crossbar
