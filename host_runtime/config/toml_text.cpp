#include "host_runtime/config/toml_text.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstddef>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

constexpr std::size_t kMostKeyParts = 8;
constexpr std::string_view kBare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

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

std::string toml_key(std::string_view name) {
    return !name.empty() && name.find_first_not_of(kBare) == std::string_view::npos ? std::string(name)
                                                                                    : toml_string(name);
}

std::vector<std::string> split_key(std::string_view key) {
    std::vector<std::string> parts;
    for (std::size_t at = 0;; ++at) {
        const std::size_t end = at < key.size() ? skip_string_or_comment(key, at) : at;
        if (end > at && key[at] != '#') {
            // The parser knows what escapes mean.
            try {
                const toml::table value = toml::parse(fmt::format("k = {}", key.substr(at, end - at)));
                const auto text = value["k"].value<std::string>();
                if (!text) {
                    return {};
                }
                parts.push_back(*text);
            } catch (const toml::parse_error&) {
                return {};
            }
            at = end;
        } else {
            const std::size_t bare = std::min(key.find_first_not_of(kBare, at), key.size());
            if (bare == at) {
                return {};
            }
            parts.emplace_back(key.substr(at, bare - at));
            at = bare;
        }
        if (at == key.size()) {
            return parts;
        }
        if (key[at] != '.') {
            return {};
        }
    }
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
