#include "host_runtime/config/toml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

constexpr std::size_t kMostKeyParts = 8;

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
