#include "hw_models/bus/register_table.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"
#include "hw_models/bus/register_rules.hpp"

namespace memprop::hw::bus {

std::string name_of(const RegisterTable& map, std::uint32_t address) {
    std::string name;
    const std::optional<Resolved> at = resolve(map, address);
    for (std::size_t i = 0; at && i < at->levels; ++i) {
        const Found& found = at->path[i];
        name += fmt::format("{}{}", i == 0 ? "" : ".", found.entry->name);
        if (found.entry->is_array()) {
            name += fmt::format("[{}]", found.element);
        }
    }
    return at && at->leaf().rest != 0 ? name + " (high word)" : name;
}

std::string allowed_text(const Register& entry) {
    std::string names;
    for (const NamedValue& named : entry.values) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", named.name);
    }
    const bool natural = entry.allowed.kind == Range::Kind::natural;
    const bool floating = entry.type == WordType::f32 || entry.type == WordType::f64;
    if (!names.empty()) {
        return names;
    }
    if (entry.allowed.kind == Range::Kind::any || entry.type == WordType::u64 ||
        (natural && !floating && entry.bits == 32)) {
        return "any";
    }
    if (natural && floating) {
        return "finite";
    }
    const Range range = limits(entry);
    return fmt::format("{} to {}", range.lowest, range.highest);
}

std::vector<std::string> problems(const RegisterTable& map) {
    std::vector<std::string> found;
    rules::inspect(map, 0, [&](const RegisterTable& table, std::string_view row, std::string_view rule) {
        found.push_back(fmt::format("{}{}{}: {}", table.name, row.empty() ? "" : ".", row, rule));
    });
    return found;
}

void require_sound(const RegisterTable& map) {
    const std::vector<std::string> found = problems(map);
    if (!found.empty()) {
        throw InputError("register table " + found.front());
    }
}

}  // namespace memprop::hw::bus
