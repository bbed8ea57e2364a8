// Lines and numbers of a text file; errors name file and line.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::tb {

struct TextPlace {
    std::string file;
    std::size_t line = 0;

    [[noreturn]] void fail(std::string_view message) const {
        throw InputError(fmt::format("{}:{}: {}", file, line, message));
    }
};

/// Decimal or 0x-hexadecimal whole number in [low, high].
inline std::int64_t parse_number(const TextPlace& place, std::string_view text, std::int64_t low,
                                 std::int64_t high) {
    const bool negative = text.starts_with('-');
    std::string_view digits = text.substr(negative ? 1 : 0);
    const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
    digits.remove_prefix(hexadecimal ? 2 : 0);
    std::uint64_t magnitude = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size() || magnitude > (1ULL << 40)) {
        place.fail(fmt::format("'{}' is not a whole number", text));
    }
    const auto value =
        negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
    if (value < low || value > high) {
        place.fail(fmt::format("{} must be in [{}, {}]", text, low, high));
    }
    return value;
}

/// Exactly 8 hexadecimal digits.
inline std::uint32_t parse_hex_word(const TextPlace& place, std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.size() != 8 || error != std::errc() || end != text.data() + text.size()) {
        place.fail(fmt::format("'{}' must be a word of 8 hexadecimal digits", text));
    }
    return value;
}

inline std::vector<std::string> split(std::string_view line, std::string_view separators = " \t\r") {
    std::vector<std::string> words;
    for (std::size_t at = line.find_first_not_of(separators); at != std::string_view::npos;) {
        const std::size_t end = line.find_first_of(separators, at);
        words.emplace_back(line.substr(at, end - at));
        at = line.find_first_not_of(separators, end);
    }
    return words;
}

/// The lines of a file without their ends.
inline std::vector<std::string> read_lines(const std::filesystem::path& file) {
    const std::string text = host::read_text(file);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        if (lines.back().ends_with('\r')) {
            lines.back().pop_back();
        }
        at = end + 1;
    }
    return lines;
}

}  // namespace memprop::tb
