// The state of a unit between two steps as 32-bit words: what its neurons keep, in the order in which their
// model names it (network::Neurons::serialize), then the sums that wait behind weights. A list is its length
// and its values; numbers of 64 bits take two words, the low one first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hw_models/chip/unit.hpp"

namespace memprop::hw::chip {

std::vector<std::uint32_t> unit_state(Unit& unit);
/// False, and nothing changes, if these are not the words of a state of such a unit.
bool set_unit_state(Unit& unit, std::span<const std::uint32_t> words);

}  // namespace memprop::hw::chip
