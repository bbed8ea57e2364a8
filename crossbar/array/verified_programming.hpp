// Programming of a whole array with a read of every synapse after each round of pulses.
//
// A pair of one-sided devices is lowered by raising its G-, so what overshoots costs room: once the side that
// has to rise would have to go beyond g_max, or is not there after many more pulses than the whole range
// takes, no SET pulse helps. Such a pair is RESET on both sides and begins anew; where too few of its pulses
// are left for another climb as long as the last, it is given up. What has no room right after a RESET is
// stuck or out of range: further pulses bring it as near as it can be.
//
// Slices of a weight get their pulses one after the other (slice_planner.hpp). A slice that does not answer
// is left out; when none is left that could bring the synapse nearer, the synapse has no room.
//
// A synapse is given up before its pulses are used up where they cannot bring it nearer: its read stays the
// same or goes back and forth between the same two values (devices without noise, a tolerance below half a
// step), it moves too slowly to arrive with the pulses it has left (a device at its bound), or it has climbed
// in vain several times (a stuck device among noisy ones).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/array/slice_planner.hpp"

namespace memprop::crossbar {

class SynapseArray::VerifiedProgramming {
public:
    /// step_us: the assumed effect of one pulse on D.
    VerifiedProgramming(SynapseArray& array, std::span<const float> target_us, float step_us,
                        std::int32_t tick);

    /// Adds what converged and the time.
    void run(ProgrammingReport& report);

private:
    struct Synapse {
        std::int32_t left = 0;   // pulses that it may still get
        std::int32_t given = 0;  // since it was RESET
        bool confined = false;   // a RESET did not make room

        float error_us = 0.0F, error_before_us = 0.0F;  // of the last read and of the one before
        std::int32_t burst = 0;                         // pulses since the last read; 0: none yet
        std::uint8_t same = 0, repeats = 0, stalls = 0, vain_climbs = 0;
        float start_us = 0.0F;        // |error| before the first pulse since it was RESET, ...
        float best_us = 0.0F;         // ... the smallest one since then, ...
        std::int32_t since_best = 0;  // ... and the pulses after that
        float mark_us = 0.0F;         // error from which progress is counted
        std::int32_t since_mark = 0;

        SlicePlanner::Pulses last{};             // slices: what was written last, ...
        float last_seen_us = 0.0F;               // ... what that device read before, ...
        float slice_mark_us = 0.0F;              // ... and when it last had moved, ...
        std::int32_t vain = 0, vain_bursts = 0;  // ... and the pulses that it has had since then
        float best_climb_us = 0.0F;              // smallest of best_us before the last RESET
        std::uint32_t blocked = 0;               // SlicePlanner::bit() of slices that do not answer
    };

    /// Reads the open synapses, closes those that are done and decides what the others get; how many
    /// converged.
    std::uint64_t verify(std::uint32_t round);
    void decide(std::uint32_t synapse, float error_us, bool no_room);
    void decide_slice(std::uint32_t synapse, float error_us);
    bool lacks_room(std::uint32_t synapse, float error_us, float plus_us, float minus_us) const;
    /// RESETs a synapse that has no room; false if that would not help, or too few pulses are left.
    bool begin_anew(std::uint32_t synapse, bool in_vain);
    /// Notes a read; true if it tells that pulses do not bring the synapse nearer.
    bool cannot_arrive(Synapse& s, float error_us) const;
    void note_slice(Synapse& s, SlicePlanner::Seen seen) const;
    void give(std::uint32_t synapse, std::int32_t pulses, std::int32_t on_devices);
    void write(std::uint32_t round, ProgrammingReport& report);
    double reset_seconds() const;

    SynapseArray& array_;
    std::span<const float> target_us_;
    float step_us_, tolerance_us_, longest_climb_;
    SlicePlanner planner_;
    std::int32_t patience_;  // pulses on slices that bring the synapse no nearer than it was
    std::int32_t tick_;
    bool row_parallel_;
    std::vector<Synapse> synapses_;
    std::vector<std::uint8_t> closed_, reset_;
    std::vector<std::int16_t> pulses_;  // steps; with slices: pulses on slice_
    std::vector<std::uint8_t> slice_;
    std::vector<float> plus_, minus_;
    bool any_pulse_ = false, any_reset_ = false;
    std::uint64_t rows_read_ = 0;
};

}  // namespace memprop::crossbar
