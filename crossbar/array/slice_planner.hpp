// Which slice of a synapse gets the next pulses of a write that is checked (crossbar.slice_base).
//
// Every slice is read and converted by itself, so what each of them can still take is known. The coarsest
// slice of which a pulse does not overshoot is written first and the finer ones then take what it left, as in
// the digits of open-loop programming. What finer slices cannot take, because they are full or do not answer,
// is carried: one more pulse on the coarser slice, and finer ones come back from the other side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/array/synapse_array.hpp"

namespace memprop::crossbar {

class SynapseArray::SlicePlanner {
public:
    /// device_step_us: the assumed effect of a pulse on a device. What is left within the tolerance is done.
    SlicePlanner(const SynapseArray& array, float device_step_us, float tolerance_us);

    /// What the devices of a synapse read, uS: plane p at first[p * stride].
    struct Seen {
        const float* first;
        std::size_t stride;
        float of(std::uint32_t plane) const { return first[plane * stride]; }
    };
    struct Pulses {
        std::uint32_t slice = 0;
        std::int32_t count = 0;  ///< above 0 they raise D; 0: no slice can bring it nearer
    };
    /// At most `most` pulses towards D + error_us. `blocked` holds the bit() of slices that do not answer.
    Pulses next(float error_us, Seen seen, std::uint32_t blocked, std::int32_t most) const;
    static std::uint32_t bit(const Pulses& pulses) {
        return 1U << (2 * pulses.slice + (pulses.count > 0 ? 0 : 1));
    }
    /// The device that gets them.
    std::uint32_t plane_of(const Pulses& pulses) const {
        return array_.model_->bidirectional() || pulses.count > 0 ? pulses.slice : slices_ + pulses.slice;
    }

    /// So many steps of the finest slice as pulses on all slices, counts[k] > 0 raise D: digits, carried
    /// where a slice is full.
    void split(std::int32_t steps, Seen seen, std::span<std::int32_t> counts) const;

    /// Whether all slices together could take D that far.
    bool reaches(float error_us, Seen seen) const;
    /// Whether the pulses raise the conductance of their device.
    bool raises(const Pulses& pulses) const { return pulses.count > 0 || !array_.model_->bidirectional(); }
    float device_step_us() const { return step_us_; }

private:
    float step_of(std::uint32_t slice) const { return array_.share_of_plane_[slice] * step_us_; }
    /// How far a slice can still move, uS; 0 if it is full.
    float room_us(std::uint32_t slice, bool up, Seen seen) const;
    std::uint32_t room_pulses(std::uint32_t slice, bool up, Seen seen) const;
    /// What the slices from `first` on can still add to D together.
    float reach_from(std::uint32_t first, bool up, Seen seen, std::uint32_t blocked) const;

    const SynapseArray& array_;
    std::uint32_t slices_;
    float step_us_, tolerance_us_;
    float g_min_us_, g_max_us_;
};

}  // namespace memprop::crossbar
