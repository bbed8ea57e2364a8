// What a misspelt name may have been meant to be.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace memprop {

/// Number of single-character insertions, deletions and replacements between two words.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate with the least edit distance; the first of several; empty if there is none.
std::string nearest_of(std::string_view name, std::span<const std::string> candidates);

}  // namespace memprop
