// How keys without effect are told.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host_runtime/config/keys_without_effect.hpp"

namespace memprop::host {

std::string without_effect_text(std::span<const KeyWithoutEffect> keys) {
    std::vector<std::pair<std::string, std::string>> lines;  // reason, keys
    for (const KeyWithoutEffect& k : keys) {
        const auto line = std::find_if(lines.begin(), lines.end(),
                                       [&](const auto& other) { return other.first == k.reason; });
        if (line == lines.end()) {
            lines.emplace_back(k.reason, fmt::format("{} = {}", k.key, k.value));
        } else {
            line->second += fmt::format(", {} = {}", k.key, k.value);
        }
    }
    std::string text;
    for (const auto& [reason, list] : lines) {
        text += fmt::format("memprop: without effect: {} ({})\n", list, reason);
    }
    return text;
}

nlohmann::ordered_json without_effect_json(std::span<const KeyWithoutEffect> keys) {
    auto json = nlohmann::ordered_json::array();
    for (const KeyWithoutEffect& k : keys) {
        json.push_back({{"key", k.key}, {"value", k.value}, {"reason", k.reason}});
    }
    return json;
}

}  // namespace memprop::host
