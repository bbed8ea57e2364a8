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

void ConfigReader::refuse(std::string_view name, const toml::node& node, std::string_view rule) const {
    std::ostringstream value;
    value << toml::default_formatter{node};
    throw InputError(
        fmt::format("{}: {} = {}: {}", at(source_, node.source()), dotted(name), value.str(), rule));
}

}  // namespace memprop::host
