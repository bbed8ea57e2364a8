#include "crossbar/array/verified_programming.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace memprop::crossbar {
namespace {

constexpr float kLongestClimb = 4.0F;  // in pulses that take a device of the assumed step over its range
constexpr std::uint8_t kVainClimbs = 3;
constexpr float kVainPart = 0.75F;  // of the first error: a climb that leaves more of it was in vain
// A read that pulses did not change at all may be chance once; a cycle has two reads.
constexpr std::uint8_t kSameReads = 2, kRepeatedReads = 4;
constexpr float kSamePart = 0.01F;  // of a step
// Progress is judged after so many pulses, and twice more after twice as many, so that noise averages out.
constexpr float kWindowPart = 0.125F;  // of the pulses over the range
constexpr std::int32_t kLeastWindow = 16;
constexpr std::uint8_t kStalls = 3;
constexpr float kBetterClimb = 0.9F;         // of the error of the best climb so far; else it was in vain
constexpr std::int32_t kLeastPatience = 48;  // pulses; else those that take all slices over their ranges
constexpr std::int32_t kVainOnSlice = 8;     // pulses; steps of noisy devices scatter as much as they move
constexpr std::int32_t kVainBursts = 3;      // in which they were given
constexpr float kProgressPart = 0.25F;       // of a step

}  // namespace

SynapseArray::VerifiedProgramming::VerifiedProgramming(SynapseArray& array, std::span<const float> target_us,
                                                       float step_us, std::int32_t tick)
    : array_(array),
      target_us_(target_us),
      step_us_(step_us),
      tolerance_us_(static_cast<float>(array.config_.programming.tolerance_us)),
      longest_climb_(kLongestClimb * (array.model_->g_max_us() - array.model_->g_min_us()) / step_us),
      planner_(array, step_us * array.pulses_per_device_step(), tolerance_us_),
      patience_(std::max(kLeastPatience,
                         static_cast<std::int32_t>(static_cast<float>(array.planes()) * longest_climb_ /
                                                   (2.0F * kLongestClimb * array.pulses_per_device_step())))),
      tick_(tick),
      row_parallel_(array.config_.programming.order == ProgrammingOrder::row_parallel),
      synapses_(array.synapses(),
                Synapse{.left = static_cast<std::int32_t>(array.config_.programming.max_pulses)}),
      closed_(array.synapses()),
      reset_(array.synapses()),
      pulses_(array.synapses()),
      slice_(array.sliced_ ? array.synapses() : 0),
      plus_(array.columns()),
      minus_(array.columns()) {
    for (std::uint32_t i = 0; i < array.synapses(); ++i) {
        closed_[i] = array.exists(i) ? 0 : 1;
    }
}

void SynapseArray::VerifiedProgramming::run(ProgrammingReport& report) {
    for (std::uint32_t round = 0;; ++round) {
        const std::uint64_t reads_before = array_.counters_.verify_reads;
        report.converged += verify(round);
        const std::uint64_t reads = row_parallel_ ? rows_read_ : array_.counters_.verify_reads - reads_before;
        report.known_seconds +=
            1e-9 * array_.config_.energy.read_pulse_ns.value_or(0.0) * static_cast<double>(reads);
        if (!any_pulse_ && !any_reset_) {
            return;
        }
        write(round, report);
    }
}

void SynapseArray::VerifiedProgramming::write(std::uint32_t round, ProgrammingReport& report) {
    const auto block = static_cast<std::uint16_t>(Phase::programming);
    if (any_reset_) {
        array_.reset_marked(reset_, array_.key(Stream::reset_noise, block, round, 0), tick_);
        report.known_seconds += reset_seconds();
    }
    if (array_.sliced_) {
        array_.begin_slices();
        for (std::uint32_t i = 0; i < pulses_.size(); ++i) {
            if (pulses_[i] != 0) {
                array_.add_to_slice(i, slice_[i], pulses_[i]);
            }
        }
        array_.give_slices(Phase::programming, round, tick_);
    } else {
        array_.program(pulses_, Phase::programming, round, tick_);
    }
    report.known_seconds += array_.write_seconds(pulses_, array_.sliced_);
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
            } else if (cannot_arrive(synapses_[i], error)) {
                closed_[i] = 1;
            } else if (array_.sliced_) {
                decide_slice(i, error);
            } else {
                decide(i, error, lacks_room(i, error, plus_[c], minus_[c]));
            }
        }
    }
    return converged;
}

bool SynapseArray::VerifiedProgramming::cannot_arrive(Synapse& s, float error_us) const {
    if (s.burst == 0) {  // the first read after a RESET
        s.error_us = s.error_before_us = s.mark_us = error_us;
        s.same = s.repeats = s.stalls = 0;
        s.since_mark = s.since_best = 0;
        s.start_us = s.best_us = std::abs(error_us);
        return false;
    }
    const bool turned = (error_us > 0.0F) != (s.error_us > 0.0F);
    const float before_us = s.error_before_us;
    s.same = error_us == s.error_us ? s.same + 1 : 0;
    s.repeats =
        turned && s.burst == 1 && std::abs(error_us - before_us) <= kSamePart * step_us_ ? s.repeats + 1 : 0;
    s.error_before_us = s.error_us;
    s.error_us = error_us;
    if (s.repeats >= kRepeatedReads && std::abs(error_us) <= std::abs(s.error_before_us)) {
        return true;
    }
    s.since_best = std::abs(error_us) < s.best_us ? 0 : s.since_best + s.burst;
    s.best_us = std::min(s.best_us, std::abs(error_us));
    if (array_.sliced_) {
        return false;
    }
    s.since_mark += s.burst;
    const auto range_pulses = longest_climb_ / kLongestClimb;
    const std::int32_t window = std::max(kLeastWindow, static_cast<std::int32_t>(kWindowPart * range_pulses))
                                << s.stalls;
    if (turned) {
        s.mark_us = error_us;
        s.since_mark = s.stalls = 0;
    } else if (s.since_mark >= window) {
        const float gained_us = std::abs(s.mark_us) - std::abs(error_us);
        const float still_us = std::abs(error_us) - tolerance_us_;
        if (gained_us * static_cast<float>(s.left) < still_us * static_cast<float>(s.since_mark)) {
            ++s.stalls;
        } else {
            s.mark_us = error_us;
            s.since_mark = s.stalls = 0;
        }
    }
    // Pairs of one-sided devices that are not confined are RESET before they are given up.
    return (s.stalls >= kStalls || s.same >= kSameReads) && (array_.model_->bidirectional() || s.confined);
}

bool SynapseArray::VerifiedProgramming::lacks_room(std::uint32_t synapse, float error_us, float plus_us,
                                                   float minus_us) const {
    if (array_.model_->bidirectional()) {
        return false;
    }
    const float wanted_us =
        (error_us > 0.0F ? plus_us : minus_us) + std::abs(error_us);  // of the side that has to rise
    return wanted_us > array_.model_->g_max_us() + tolerance_us_ ||
           static_cast<float>(synapses_[synapse].given) > longest_climb_;
}

bool SynapseArray::VerifiedProgramming::begin_anew(std::uint32_t synapse, bool in_vain) {
    Synapse& s = synapses_[synapse];
    const auto resets = static_cast<std::int32_t>(array_.planes());
    s.vain_climbs = in_vain ? s.vain_climbs + 1 : 0;
    if (s.vain_climbs >= kVainClimbs || s.left - resets < s.given) {
        return false;
    }
    s.left -= resets;
    s.given = s.burst = 0;
    s.blocked = 0;
    s.last = {};
    reset_[synapse] = 1;
    any_reset_ = true;
    return true;
}

void SynapseArray::VerifiedProgramming::decide(std::uint32_t synapse, float error_us, bool no_room) {
    Synapse& s = synapses_[synapse];
    if (no_room && !s.confined) {
        s.confined = s.given == 0;
        if (!s.confined) {
            closed_[synapse] = begin_anew(synapse, s.best_us > kVainPart * s.start_us) ? 0 : 1;
            return;
        }
    }
    if (s.left == 0) {
        closed_[synapse] = 1;
        return;
    }
    const float wanted = std::min(0.5F * std::abs(error_us) / step_us_, static_cast<float>(s.left));
    const std::int32_t steps = std::max<std::int32_t>(1, static_cast<std::int32_t>(wanted));
    give(synapse, error_us > 0.0F ? steps : -steps, steps);
}

void SynapseArray::VerifiedProgramming::give(std::uint32_t synapse, std::int32_t pulses,
                                             std::int32_t on_devices) {
    Synapse& s = synapses_[synapse];
    s.left -= on_devices;
    s.given += on_devices;
    s.burst = on_devices;
    pulses_[synapse] = static_cast<std::int16_t>(pulses);
    any_pulse_ = true;
}

/// Notes what the pulses on the last slice brought; blocks it if that is nothing.
void SynapseArray::VerifiedProgramming::note_slice(Synapse& s, SlicePlanner::Seen seen) const {
    if (s.last.count == 0) {
        return;
    }
    const float seen_us = seen.of(planner_.plane_of(s.last));
    const float moved_us = planner_.raises(s.last) ? seen_us - s.slice_mark_us : s.slice_mark_us - seen_us;
    if (moved_us > kProgressPart * planner_.device_step_us()) {
        s.vain = s.vain_bursts = 0;
        s.slice_mark_us = seen_us;
    } else {
        s.vain += std::abs(s.last.count);
        ++s.vain_bursts;
    }
    if (seen_us == s.last_seen_us || (s.vain >= kVainOnSlice && s.vain_bursts >= kVainBursts)) {
        s.blocked |= SlicePlanner::bit(s.last);
    }
}

void SynapseArray::VerifiedProgramming::decide_slice(std::uint32_t synapse, float error_us) {
    Synapse& s = synapses_[synapse];
    const SlicePlanner::Seen seen{array_.slices_seen_us_.data() + synapse % array_.columns(),
                                  array_.columns()};
    note_slice(s, seen);
    if (s.left == 0) {
        closed_[synapse] = 1;
        return;
    }
    s.confined = s.confined || (s.given == 0 && !planner_.reaches(error_us, seen));
    const SlicePlanner::Pulses next = planner_.next(error_us, seen, s.blocked, s.left);
    if (next.count == 0 || s.since_best > patience_) {
        const bool resets = !array_.model_->bidirectional() && !s.confined && s.given > 0;
        const bool in_vain = s.best_climb_us > 0.0F && s.best_us > kBetterClimb * s.best_climb_us;
        s.best_climb_us = in_vain ? s.best_climb_us : s.best_us;
        closed_[synapse] = resets && begin_anew(synapse, in_vain) ? 0 : 1;
        return;
    }
    const float seen_us = seen.of(planner_.plane_of(next));
    if (s.last.count == 0 || next.slice != s.last.slice || (next.count > 0) != (s.last.count > 0)) {
        s.vain = s.vain_bursts = 0;
        s.slice_mark_us = seen_us;
    }
    s.last = next;
    s.last_seen_us = seen_us;
    slice_[synapse] = static_cast<std::uint8_t>(next.slice);
    give(synapse, next.count, std::abs(next.count));
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
