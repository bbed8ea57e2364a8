#include "host_runtime/config/toml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

constexpr std::size_t kMostKeyParts = 8;

/// Bytes of the UTF-8 sequence at the start of `text`; 0 if there is none.
std::size_t utf8_sequence(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    const std::size_t length = first < 0x80                     ? 1
                               : first >= 0xC2 && first <= 0xDF ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || length > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xBF) {
            return 0;
        }
    }
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    const bool too_large = first == 0xF4 && byte(1) > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

/// Where the string or comment that begins at `at` ends; `at` if none begins there.
std::size_t skip_string_or_comment(std::string_view toml, std::size_t at) {
    const char quote = toml[at];
    if (quote == '#') {
        return std::min(toml.find('\n', at), toml.size());
    }
    if (quote != '"' && quote != '\'') {
        return at;
    }
    const std::string three(3, quote);
    const bool multiline = toml.substr(at).starts_with(three);
    const std::string_view end = multiline ? std::string_view(three) : std::string_view(three).substr(0, 1);
    for (std::size_t i = at + end.size(); i < toml.size(); ++i) {
        if (quote == '"' && toml[i] == '\\') {
            ++i;
        } else if (toml.substr(i).starts_with(end)) {
            return i + end.size();
        } else if (!multiline && toml[i] == '\n') {
            return i;  // not closed: the parser says so
        }
    }
    return toml.size();
}

}  // namespace

std::string toml_string(std::string_view text) {
    constexpr char kDelete = 0x7F;
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == kDelete) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string text_fault(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_sequence(text.substr(at));
        if (length == 0) {
            return fmt::format("byte {} of the text, 0x{:02X}, is not UTF-8", at + 1,
                               static_cast<unsigned>(static_cast<unsigned char>(text[at])));
        }
        if (text[at] == '\0') {
            return fmt::format("byte {} of the text is 0, which ends a text", at + 1);
        }
        at += length;
    }
    return {};
}

void refuse_deep_keys(std::string_view toml, std::string_view source) {
    std::size_t dots = 0, line = 1;
    for (std::size_t at = 0; at < toml.size();) {
        const std::size_t next = skip_string_or_comment(toml, at);
        if (next != at) {
            for (; at < next; ++at) {
                line += toml[at] == '\n' ? 1 : 0;
            }
            continue;
        }
        const char c = toml[at++];
        line += c == '\n' ? 1 : 0;
        if (c == '.') {
            ++dots;
        } else if (c == '\n' || c == '=' || c == ',' || c == '[' || c == ']' || c == '{' || c == '}') {
            dots = 0;
        }
        if (dots >= kMostKeyParts) {
            throw InputError(fmt::format("{}:{}: a key has more than {} parts", source, line, kMostKeyParts));
        }
    }
}

}  // namespace memprop::host
