// The loops over all synapses of a write and of a refresh.
#pragma once

#include <cstdint>
#include <span>

namespace memprop::crossbar {

/// plus = max(pulses, 0), minus = max(-pulses, 0).
void split_pulses(std::span<const std::int16_t> pulses, std::uint16_t* plus, std::uint16_t* minus);

struct PulseCount {
    std::uint64_t up = 0, down = 0;

    std::uint64_t all() const { return up + down; }
};

/// Sums of the positive and of the negative pulses.
PulseCount count_all(std::span<const std::int16_t> pulses);

/// Whether a pair has a larger side above `high` and a smaller one above `low`.
bool any_saturated(std::span<const float> plus_us, std::span<const float> minus_us, float high_us,
                   float low_us);

}  // namespace memprop::crossbar
