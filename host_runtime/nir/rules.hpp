// Which datasets belong to which node type, and what their values must be: the schema of NIR as a table.
#pragma once

#include <string_view>
#include <vector>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

/// What the values of a dataset must be. Integer rules also demand integer values (floats with whole
/// values are accepted: some writers store every number as float).
enum class Rule : std::uint8_t {
    finite,
    positive,
    delay,         ///< seconds in [0, kMaxDelaySeconds]
    extents,       ///< integers in [1, 2^31]
    padding,       ///< integers in [0, 2^20], or one of the strings "same" and "valid"
    axis,          ///< a whole number in [-64, 64]
    shape_or_none  ///< as extents; empty or with a 0 if its writer did not know it
};

struct ParameterRule {
    std::string_view name;
    Rule rule;
    int min_rank, max_rank;
    bool required = true;
};

inline constexpr int kAnyRank = 32;  // HDF5's own limit

struct TypeRule {
    NodeType type;
    std::string_view name;
    std::vector<ParameterRule> parameters;
};

/// One per NodeType, in its order.
const std::vector<TypeRule>& type_rules();

const TypeRule* find_type(std::string_view name);  ///< nullptr if there is none
const ParameterRule* find_rule(const TypeRule& type, std::string_view name);

}  // namespace memprop::host::nir
