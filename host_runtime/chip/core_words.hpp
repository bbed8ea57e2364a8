// What a host writes into the window of a core before it can run.
#pragma once

#include <cstdint>
#include <vector>

#include "hw_models/chip/chip_plan.hpp"
#include "learning/classic.hpp"

namespace memprop::host {

/// Words from `first` on of the core's window (memory_map.hpp).
struct CoreWords {
    std::uint32_t first = 0;
    std::vector<std::uint32_t> words;
};

/// Registers, axon table, owner table, parameters and memories of neurons; everything but weights.
std::vector<CoreWords> core_words(const hw::chip::ChipPlan& plan, std::size_t core,
                                  const learning::NetworkParameters<float>& parameters);

}  // namespace memprop::host
