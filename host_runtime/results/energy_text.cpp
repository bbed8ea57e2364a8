#include "host_runtime/results/energy_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace memprop::host {
namespace {

struct Part {
    std::string_view key, name;
    bool always;  ///< shown although it is 0
};
constexpr std::array<Part, 9> kParts{{{"set", "SET", true},
                                      {"reset", "RESET", true},
                                      {"read", "read", true},
                                      {"verify_read", "verify", false},
                                      {"wires", "wires", false},
                                      {"adc", "converters", false},
                                      {"routing", "routing", true},
                                      {"tile_periphery", "tile periphery", true},
                                      {"digital", "digital", true}}};

struct Unit {
    std::string_view name;
    double joules;
};

/// In which the largest of the numbers is at least 1.
Unit unit_of(const nlohmann::ordered_json& energy_j) {
    double largest = 0.0;
    for (const auto& value : energy_j) {
        largest = value.is_number() ? std::max(largest, value.get<double>()) : largest;
    }
    constexpr std::array<Unit, 5> kUnits{
        {{"J", 1.0}, {"mJ", 1e-3}, {"uJ", 1e-6}, {"nJ", 1e-9}, {"pJ", 1e-12}}};
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& u) { return largest >= u.joules || u.joules == 1e-12; });
    return largest == 0.0 ? kUnits.front() : *unit;
}

}  // namespace

std::string energy_text(const nlohmann::ordered_json& energy_j) {
    const Unit unit = unit_of(energy_j);
    const auto shown = [&](const nlohmann::ordered_json& value) {
        return value.is_null() ? std::string("not known")
                               : fmt::format("{:.3f}", value.get<double>() / unit.joules);
    };
    const auto& total = energy_j["total"];
    std::string text =
        total.is_null() ? std::string("not known") : fmt::format("{} {}", shown(total), unit.name);
    const char* separator = ": ";
    for (const Part& part : kParts) {
        const auto found = energy_j.find(part.key);
        if (found != energy_j.end() && (part.always || found->is_null() || found->get<double>() != 0.0)) {
            text += fmt::format("{}{} {}{}", separator, part.name, shown(*found),
                                total.is_null() && !found->is_null() ? fmt::format(" {}", unit.name) : "");
            separator = ", ";
        }
    }
    return text;
}

}  // namespace memprop::host
