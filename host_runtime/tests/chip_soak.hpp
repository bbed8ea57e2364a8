// Random graphs and trainings on random chips whose network is held up at random: the functional engine's
// numbers in every step, nothing lost, doubled or reordered on the way.
#pragma once

#include <cstdint>
#include <string>

namespace memprop::test {

struct SoakResult {
    std::string settings;    ///< what was drawn
    std::string difference;  ///< from the functional engine, or what was lost; empty: none
    std::uint64_t steps = 0, spikes = 0, flits = 0, stalls = 0, cycles = 0;
};

/// Three samples that learn, by the trainer on both engines; for each third seed a random graph in place of
/// that, 40 steps. Everything drawn follows from `seed`.
SoakResult soak(std::uint64_t seed);

}  // namespace memprop::test
