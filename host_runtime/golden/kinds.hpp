// Kinds of golden files for `memprop golden`. To add one: write its function in an own file of this folder
// and add a line to the table in kinds.cpp. The function takes inputs from the file, computes with production
// code and returns what the file's result arrays should hold; it never reads a result.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/golden/golden_file.hpp"

namespace memprop::host::golden {

struct Computed {
    std::string name;
    h5::Shape shape;
    std::vector<double> values;  ///< row-major; NaN where the result is not defined
    bool spikes = false;         ///< elements that differ are counted as spikes
};

struct Computation {
    std::vector<Computed> arrays;
    std::vector<std::string> remarks;  ///< what the results mean, a line each
};

struct GoldenKind {
    std::string_view name;
    std::string_view description;
    Computation (*compute)(GoldenFile&);
};

std::span<const GoldenKind> golden_kinds();

Computation compute_interval_bias(GoldenFile& file);
Computation compute_local_rules(GoldenFile& file);

}  // namespace memprop::host::golden
