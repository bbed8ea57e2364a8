// Programming of a whole array with a read of every synapse after each round of pulses.
//
// A pair of one-sided devices is lowered by raising its G-, so what overshoots costs room: once the side that
// has to rise would have to go beyond g_max, or is not there after many more pulses than the whole range
// takes, no SET pulse helps. Such a pair is RESET on both sides and begins anew; where too few of its pulses
// are left for another climb as long as the last, it is given up. What has no room right after a RESET is
// stuck or out of range: the rest of its pulses bring it as near as it can be.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crossbar/array/synapse_array.hpp"

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
    };

    /// Reads the open synapses, closes those that are done and decides what the others get; how many
    /// converged.
    std::uint64_t verify(std::uint32_t round);
    void decide(std::uint32_t synapse, float error_us, bool no_room);
    bool lacks_room(std::uint32_t synapse, float error_us, float plus_us, float minus_us) const;
    double reset_seconds() const;

    SynapseArray& array_;
    std::span<const float> target_us_;
    float step_us_, tolerance_us_, longest_climb_;
    std::int32_t tick_;
    bool row_parallel_;
    std::vector<Synapse> synapses_;
    std::vector<std::uint8_t> closed_, reset_;
    std::vector<std::int16_t> pulses_;
    std::vector<float> plus_, minus_;
    bool any_pulse_ = false, any_reset_ = false;
    std::uint64_t rows_read_ = 0;
};

}  // namespace memprop::crossbar
