#include "crossbar/array/slice_planner.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace memprop::crossbar {
namespace {

constexpr float kFullPart = 0.9F;    // of g_max: steps of one-sided devices vanish above it
constexpr float kRounding = 0.001F;  // of a step: less is rounding of the read

}  // namespace

SynapseArray::SlicePlanner::SlicePlanner(const SynapseArray& array, float device_step_us, float tolerance_us)
    : array_(array),
      slices_(array.shape_.devices_per_polarity),
      step_us_(device_step_us),
      tolerance_us_(tolerance_us),
      g_min_us_(array.model_->g_min_us()),
      g_max_us_(array.model_->g_max_us()) {}

float SynapseArray::SlicePlanner::room_us(std::uint32_t slice, bool up, Seen seen) const {
    float room = 0.0F;
    if (array_.model_->bidirectional()) {
        room = up ? g_max_us_ - seen.of(slice) : seen.of(slice) - g_min_us_;
    } else {
        const float full = slice == 0 ? g_max_us_ : kFullPart * g_max_us_;  // there is no coarser one
        room = full - seen.of(up ? slice : slices_ + slice);
    }
    return room < 0.5F * step_us_ ? 0.0F : room;
}

std::uint32_t SynapseArray::SlicePlanner::room_pulses(std::uint32_t slice, bool up, Seen seen) const {
    return static_cast<std::uint32_t>(std::lround(room_us(slice, up, seen) / step_us_));
}

bool SynapseArray::SlicePlanner::reaches(float error_us, Seen seen) const {
    return std::abs(error_us) <= tolerance_us_ + reach_from(0, error_us > 0.0F, seen, 0);
}

float SynapseArray::SlicePlanner::reach_from(std::uint32_t first, bool up, Seen seen,
                                             std::uint32_t blocked) const {
    float reach = 0.0F;
    for (std::uint32_t k = first; k < slices_; ++k) {
        if ((blocked & bit({.slice = k, .count = up ? 1 : -1})) == 0) {
            reach += array_.share_of_plane_[k] * room_us(k, up, seen);
        }
    }
    return reach;
}

SynapseArray::SlicePlanner::Pulses SynapseArray::SlicePlanner::next(float error_us, Seen seen,
                                                                    std::uint32_t blocked,
                                                                    std::int32_t most) const {
    const bool up = error_us > 0.0F;
    const float wanted_us = std::abs(error_us);
    for (std::uint32_t k = 0; k < slices_; ++k) {
        const std::uint32_t room = room_pulses(k, up, seen);
        if (room == 0 || (blocked & bit({.slice = k, .count = up ? 1 : -1})) != 0) {
            continue;
        }
        const float steps = std::min(wanted_us / step_of(k) + kRounding, static_cast<float>(room));
        if (steps < 1.0F && k + 1 < slices_) {
            const float finer_us = reach_from(k + 1, up, seen, blocked);
            const float left_us = std::max(0.0F, wanted_us - tolerance_us_ - finer_us);
            const float back_us = reach_from(k + 1, !up, seen, blocked);
            const float beyond_us = std::max(0.0F, step_of(k) - wanted_us - tolerance_us_ - back_us);
            if (left_us <= beyond_us) {
                continue;
            }
        }
        // Half of what is asked for, as steps scatter.
        const std::int32_t count = std::clamp(static_cast<std::int32_t>(0.5F * steps), 1, most);
        return {.slice = k, .count = up ? count : -count};
    }
    return {};
}

void SynapseArray::SlicePlanner::split(std::int32_t steps, Seen seen, std::span<std::int32_t> counts) const {
    const bool up = steps > 0;
    const std::int32_t sign = up ? 1 : -1;
    const auto base = static_cast<std::uint32_t>(array_.config_.slice_base);
    auto rest = static_cast<std::uint32_t>(std::abs(steps));
    for (std::uint32_t k = slices_; k-- > 1;) {
        const std::uint32_t digit = rest % base, room = room_pulses(k, up, seen);
        rest /= base;
        if (digit > room && base - digit <= room_pulses(k, !up, seen)) {
            counts[k] = -sign * static_cast<std::int32_t>(base - digit);
            ++rest;
        } else {
            counts[k] = sign * static_cast<std::int32_t>(std::min(digit, room));
        }
    }
    counts[0] = sign * static_cast<std::int32_t>(std::min(rest, room_pulses(0, up, seen)));
}

}  // namespace memprop::crossbar
