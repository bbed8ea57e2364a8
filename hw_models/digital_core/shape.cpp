#include "hw_models/digital_core/shape.hpp"

#include <fmt/format.h>

#include <bit>

#include "crossbar/base/error.hpp"

namespace memprop::hw {
namespace {

void check_range(std::string_view where, std::string_view field, std::uint32_t value, std::uint32_t low,
                 std::uint32_t high) {
    if (value < low || value > high) {
        throw InputError(fmt::format("{}.{}", where, field), value,
                         fmt::format("must be in [{}, {}]", low, high));
    }
}

void check_count(std::string_view where, std::string_view field, std::uint32_t value, std::uint32_t high) {
    check_range(where, field, value, 2, high);
    if (!std::has_single_bit(value)) {
        throw InputError(fmt::format("{}.{}", where, field), value, "must be a power of two");
    }
}

}  // namespace

void CoreShape::validate(std::string_view where) const {
    check_count(where, "inputs", inputs, kMaxNeurons);
    check_count(where, "neurons", neurons, kMaxNeurons);
    check_count(where, "outputs", outputs, kMaxOutputs);
    check_range(where, "weight_bits", weight_bits, 2, 8);
    check_range(where, "membrane_bits", membrane_bits, 8, 16);
    check_range(where, "trace_bits", trace_bits, 4, 12);
    check_range(where, "output_trace_bits", output_trace_bits, 4, 10);
}

}  // namespace memprop::hw
