// What must hold of a register table, for static_assert, tests and tables that a configuration has sized.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/bus/register_table.hpp"

namespace memprop::hw::bus {

/// Lower-case letters, digits and underscores, a letter first: becomes a name in C.
constexpr bool is_register_name(std::string_view name) {
    if (name.empty() || name.front() < 'a' || name.front() > 'z') {
        return false;
    }
    for (const char c : name) {
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
            return false;
        }
    }
    return true;
}

/// One line, and nothing that ends a comment in C.
constexpr bool is_documentation(std::string_view text) {
    return !text.empty() && text.find('\n') == std::string_view::npos &&
           text.find("*/") == std::string_view::npos;
}

namespace rules {

/// Calls broken(rule) for each rule of a single row that does not hold.
template <class Broken>
constexpr void inspect_parts(const Register& entry, Broken broken) {
    std::uint64_t used = 0;
    for (std::size_t i = 0; i < entry.fields.size(); ++i) {
        const BitField& field = entry.fields[i];
        if (!is_register_name(field.name) || !is_documentation(field.text)) {
            broken(
                "a field needs a name of lower-case letters, digits and underscores, and a text of one line");
        }
        if (field.bits == 0 || field.bits > 32 || field.low_bit > 31 ||
            field.low_bit + field.bits > entry.bits) {
            broken("a field must lie in the bits of its register");
        } else if ((used & field.mask()) != 0) {
            broken("fields must not overlap");
        } else {
            used |= field.mask();
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (entry.fields[j].name == field.name) {
                broken("fields must have different names");
            }
        }
    }
    for (std::size_t i = 0; i < entry.values.size(); ++i) {
        const NamedValue& named = entry.values[i];
        if (!is_register_name(named.name) || !is_documentation(named.text)) {
            broken(
                "a value needs a name of lower-case letters, digits and underscores, and a text of one line");
        }
        if (entry.bits < 32 && named.value >> entry.bits != 0) {
            broken("a value must fit the bits of its register");
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (entry.values[j].name == named.name || entry.values[j].value == named.value) {
                broken("values must differ, and their names too");
            }
        }
    }
}

template <class Broken>
constexpr void inspect_row(const Register& entry, Broken broken) {
    if (!is_register_name(entry.name)) {
        broken("needs a name of lower-case letters, digits and underscores");
    }
    if (!is_documentation(entry.text)) {
        broken("needs a text of one line");
    }
    if (entry.offset % 4 != 0 || entry.stride % 4 != 0) {
        broken("offset and stride must be multiples of 4 bytes");
    }
    if (entry.end() > std::uint64_t{1} << 32) {
        broken("leaves the 32 bits of the addresses");
    }
    if (entry.is_array() ? !is_register_name(entry.per) : entry.count > 1) {
        broken("an array needs the name of what its index counts (per)");
    }
    if (entry.table != nullptr) {
        if (entry.stride == 0 || entry.stride < entry.table->bytes()) {
            broken("the stride of a block must hold its table");
        }
        if (!entry.fields.empty() || !entry.values.empty() || entry.fifo) {
            broken("a block is not a register: it has no fields and values and is no FIFO");
        }
        return;
    }
    if (entry.stride != 0 && entry.stride < entry.element_bytes()) {
        broken("the stride must hold an element");
    }
    const bool whole = entry.type != WordType::u32 && entry.type != WordType::i32;
    if (entry.bits == 0 || entry.bits > 32 || (whole && entry.bits != 32)) {
        broken("bits must be 1 to 32, 32 for floats and numbers of 64 bits");
    }
    if (words_of(entry.type) == 2 && entry.allowed.kind == Range::Kind::limits) {
        broken("limits cannot be checked word by word");
    }
    if (entry.allowed.kind == Range::Kind::limits && !(entry.allowed.lowest <= entry.allowed.highest)) {
        broken("the limits allow no value");
    }
    if (entry.allowed.kind == Range::Kind::limits && !whole &&
        (entry.allowed.lowest < (entry.type == WordType::u32 ? 0.0 : -2147483648.0) ||
         entry.allowed.highest > (entry.type == WordType::u32 ? 4294967295.0 : 2147483647.0))) {
        broken("the limits must be numbers of its type");
    }
    if (whole && (!entry.fields.empty() || !entry.values.empty())) {
        broken("only integers of one word have fields and named values");
    }
    if (!entry.values.empty() && entry.allowed.kind != Range::Kind::natural) {
        broken("a register with named values takes these and has no other limits");
    }
    if (entry.access == Access::write_one_to_clear && entry.type != WordType::u32) {
        broken("bits that a written 1 clears are those of a u32");
    }
    if (entry.timing == Timing::ahead && !entry.writable()) {
        broken("only writes can come ahead of time");
    }
    inspect_parts(entry, broken);
}

template <class Broken>
constexpr void inspect(const RegisterTable& table, std::size_t level, Broken broken) {
    if (level == kMostLevels) {
        broken(table, std::string_view(), "tables lie in each other too deep");
        return;
    }
    if (!is_register_name(table.name) || !is_documentation(table.text)) {
        broken(table, std::string_view(), "a table needs a name and a text of one line");
    }
    std::uint64_t free_from = 0;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const Register& entry = table.rows[i];
        inspect_row(entry, [&](std::string_view rule) { broken(table, entry.name, rule); });
        if (i > 0 && entry.offset < table.rows[i - 1].offset) {
            broken(table, entry.name, "rows must stand in the order of their offsets");
        } else if (entry.offset < free_from) {
            broken(table, entry.name, "overlaps a row before it");
        }
        free_from = entry.end() > free_from ? entry.end() : free_from;
        for (std::size_t j = 0; j < i; ++j) {
            if (table.rows[j].name == entry.name) {
                broken(table, entry.name, "names must be unique in their table");
            }
        }
        if (entry.table != nullptr) {
            inspect(*entry.table, level + 1, broken);
        }
    }
}

}  // namespace rules

/// static_assert(is_sound(kMap)): problems() tells what is wrong.
constexpr bool is_sound(const RegisterTable& map) {
    bool sound = true;
    rules::inspect(map, 0, [&](const RegisterTable&, std::string_view, std::string_view) { sound = false; });
    return sound;
}

/// All that is wrong with a map and the tables in it: "host.label: the limits allow no value".
std::vector<std::string> problems(const RegisterTable& map);

/// Throws InputError with the first problem: for tables that a configuration has sized.
void require_sound(const RegisterTable& map);

}  // namespace memprop::hw::bus
