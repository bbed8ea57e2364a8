#include "host_runtime/config/config_reader.hpp"

#include <limits>
#include <numeric>
#include <sstream>

namespace memprop::host {
namespace {

std::string at(std::string_view source, const toml::source_region& where) {
    return where.begin ? fmt::format("{}:{}:{}", source, where.begin.line, where.begin.column)
                       : std::string(source);
}

/// Length of the longest beginning that is UTF-8 (RFC 3629) without NUL.
std::size_t valid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto byte = [&](std::size_t i) {
            return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
        };
        const unsigned first = byte(0);
        const std::size_t length = first < 0x80   ? 1
                                   : first < 0xC2 ? 0
                                   : first < 0xE0 ? 2
                                   : first < 0xF0 ? 3
                                   : first < 0xF5 ? 4
                                                  : 0;
        // The second byte rules out long forms, surrogates and numbers beyond U+10FFFF.
        const unsigned low = first == 0xE0   ? 0xA0
                             : first == 0xF0 ? 0x90
                                             : 0x80,
                       high = first == 0xED   ? 0x9F
                              : first == 0xF4 ? 0x8F
                                              : 0xBF;
        bool good = first != 0 && length > 0 && (length == 1 || (byte(1) >= low && byte(1) <= high));
        for (std::size_t i = 2; i < length; ++i) {
            good = good && (byte(i) & 0xC0U) == 0x80U;
        }
        if (!good) {
            return at;
        }
        at += length;
    }
    return at;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

void ConfigReader::refuse_unknown_keys() const {
    for (const auto& [key, node] : table_) {
        const std::string_view name = key.str();
        if (std::find(known_.begin(), known_.end(), name) != known_.end()) {
            continue;
        }
        std::string nearest;
        std::size_t least = std::numeric_limits<std::size_t>::max();
        for (const std::string& candidate : known_) {
            if (const std::size_t distance = edit_distance(name, candidate); distance < least) {
                least = distance;
                nearest = candidate;
            }
        }
        throw InputError(fmt::format("{}: unknown key '{}'; the nearest valid key is '{}'",
                                     at(source_, key.source()), dotted(name), dotted(nearest)));
    }
}

void ConfigReader::refuse_unwritable(std::string_view name, const toml::node& node,
                                     std::string_view text) const {
    const std::size_t valid = valid_utf8(text);
    if (valid < text.size()) {
        throw InputError(fmt::format("{}: {}: byte {} is 0x{:02X}; the text must be UTF-8 without NUL",
                                     at(source_, node.source()), dotted(name), valid + 1,
                                     static_cast<unsigned char>(text[valid])));
    }
}

void ConfigReader::refuse(std::string_view name, const toml::node& node, std::string_view rule) const {
    std::ostringstream value;
    value << toml::default_formatter{node};
    throw InputError(
        fmt::format("{}: {} = {}: {}", at(source_, node.source()), dotted(name), value.str(), rule));
}

}  // namespace memprop::host
