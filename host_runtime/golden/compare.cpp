#include "host_runtime/golden/compare.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace memprop::host::golden {

double array_error(std::span<const double> golden, std::span<const double> computed) {
    double largest = 0.0, scale = 0.0;
    for (std::size_t i = 0; i < golden.size(); ++i) {
        const double wanted = golden[i], found = computed[i];
        if (std::isfinite(wanted) && std::isfinite(found)) {
            largest = std::max(largest, std::abs(found - wanted));
            scale = std::max(scale, std::abs(wanted));
        } else if (!(wanted == found || (std::isnan(wanted) && std::isnan(found)))) {
            return kIncomparable;
        }
    }
    // A difference of two huge numbers, or a tiny scale, may leave the range of numbers.
    return std::min(scale > 0.0 ? largest / scale : largest, kIncomparable);
}

Comparison compare(const GoldenFile& file, const std::vector<Computed>& computed) {
    Comparison comparison;
    for (const auto& [name, array] : file.arrays()) {
        if (file.is_given(name)) {
            continue;
        }
        const auto found = std::find_if(computed.begin(), computed.end(),
                                        [&name = name](const Computed& c) { return c.name == name; });
        if (found == computed.end()) {
            file.fail(name, "is neither an input nor a result of this kind");
        }
        if (array.shape != found->shape || array.values.size() != found->values.size()) {
            file.fail(name, fmt::format("has {} of shape [{}]; it must have numbers of shape [{}]",
                                        array.texts.empty() ? "numbers" : "text",
                                        fmt::join(array.shape, ", "), fmt::join(found->shape, ", ")));
        }
        const double error = array_error(array.values, found->values);
        comparison.arrays.emplace_back(name, error);
        comparison.max_relative_error = std::max(comparison.max_relative_error, error);
        for (std::size_t i = 0; found->spikes && i < array.values.size(); ++i) {
            comparison.spikes_differ += array.values[i] != found->values[i] ? 1 : 0;
        }
    }
    if (comparison.arrays.empty()) {
        file.fail("", "has no result to compare");
    }
    return comparison;
}

}  // namespace memprop::host::golden
