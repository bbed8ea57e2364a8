// Values of command-line options and of fields of files. All throw InputError naming the place, the value
// and what is allowed.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "crossbar/base/error.hpp"

namespace memprop::tb {

inline std::uint64_t parse_integer(std::string_view option, std::string_view text, std::uint64_t low,
                                   std::uint64_t high) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
        throw InputError(option, text, fmt::format("must be a whole number from {} to {}", low, high));
    }
    return value;
}

/// A number from 0 to 1.
inline double parse_share(std::string_view option, const std::string& text, std::string_view unit) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0.0 && value <= 1.0)) {
        throw InputError(option, text, fmt::format("must be a number from 0 to 1{}", unit));
    }
    return value;
}

inline std::filesystem::path check_vcd(const std::string& name) {
    if (!name.ends_with(".vcd") || std::filesystem::path(name).stem().empty()) {
        throw InputError("--trace", name, "must be a name that ends in .vcd");
    }
    return name;
}

}  // namespace memprop::tb
