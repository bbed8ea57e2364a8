#include "host_runtime/cli/node_files.hpp"

#include <fmt/format.h>

#include <functional>
#include <set>

namespace memprop::host::cli {
namespace {

// Of 255 bytes; the rest is for the extension and for what a temporary file adds.
constexpr std::size_t kLongestName = 238, kShortened = 220;

/// Cut at the beginning of a character of UTF-8.
std::string shortened(const std::string& name) {
    std::size_t end = kShortened;
    while (end > kShortened - 4 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return name.substr(0, end);
}

}  // namespace

std::string plain_file_name(const std::string& node) {
    std::string name;
    for (const char c : node) {
        c == '/' ? name.append("__") : name.append(1, c);
    }
    return name;
}

std::vector<std::string> node_file_names(const std::vector<std::string>& nodes) {
    std::vector<std::string> names(nodes.size());
    std::set<std::string, std::less<>> taken;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (nodes[i].find('/') == std::string::npos && nodes[i].size() <= kLongestName) {
            names[i] = nodes[i];
            taken.insert(names[i]);
        }
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!names[i].empty()) {
            continue;
        }
        const std::string plain = plain_file_name(nodes[i]);
        const bool fits = plain.size() <= kLongestName;
        const std::string base = fits ? plain : shortened(plain);
        names[i] = fits ? base : base + "~1";
        for (int k = 2; !taken.insert(names[i]).second; ++k) {
            names[i] = fmt::format("{}~{}", base.size() <= kShortened ? base : shortened(base), k);
        }
    }
    return names;
}

}  // namespace memprop::host::cli
