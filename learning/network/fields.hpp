// The fields of a neuron model, named once: from its table follow the keys of experiment files and their
// text, checks, checkpoints and state files, parameters of NIR nodes, and attributes in Python.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace memprop::network {

enum class FieldRole : std::uint8_t {
    parameter,  ///< set by the user
    state,      ///< changes with the steps; a probe can record it
};

struct Field {
    std::string_view name;
    std::string_view unit;  ///< "s"; empty: none
    FieldRole role = FieldRole::parameter;
    double missing = 0.0;  ///< value of a parameter that is not set
    double low = 0.0, high = 0.0;
    bool per_neuron = false;  ///< a parameter may have one value per neuron
    std::string_view text;
    std::string_view nir = {};                       ///< its dataset in a NIR node; empty: none
    std::span<const std::string_view> choices = {};  ///< not empty: the value is a position in this list
    std::uint32_t list = 0;                          ///< > 0: a list of that many numbers
    bool whole = false;                              ///< whole numbers only
};

/// Whether the range of a parameter says more than that it is finite.
constexpr bool has_range(const Field& field) {
    return field.low > std::numeric_limits<double>::lowest() ||
           field.high < std::numeric_limits<double>::max();
}

}  // namespace memprop::network
