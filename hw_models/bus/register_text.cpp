#include "hw_models/bus/register_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::hw::bus {
namespace {

// "0x10'0000": as numbers stand in the sources.
std::string grouped(std::uint64_t value) {
    const std::string digits = fmt::format("{:03X}", value);
    std::string result;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 4 == 0) {
            result += '\'';
        }
        result += digits[i];
    }
    return "0x" + result;
}

std::string access_text(Access access) {
    switch (access) {
        case Access::read:
            return "R";
        case Access::write:
            return "W";
        case Access::read_write:
            return "RW";
        case Access::write_one_to_clear:
            return "R, W1C";
    }
    return "";
}

std::string type_text(const Register& entry) {
    switch (entry.type) {
        case WordType::u32:
            return entry.bits == 32 ? "u32" : fmt::format("u{}", entry.bits);
        case WordType::i32:
            return entry.bits == 32 ? "i32" : fmt::format("i{}", entry.bits);
        case WordType::f32:
            return "f32";
        case WordType::u64:
            return "u64, low word first";
        case WordType::f64:
            return "f64, low word first";
    }
    return "";
}

// A cell of a Markdown table.
std::string cell(std::string_view text) {
    std::string result;
    for (const char c : text) {
        result += c == '|' ? "\\|" : std::string(1, c);
    }
    return result;
}

// The tables of a map, each once, in the order in which they come up.
void collect(const RegisterTable& table, std::vector<const RegisterTable*>& tables) {
    if (std::find(tables.begin(), tables.end(), &table) != tables.end()) {
        return;
    }
    tables.push_back(&table);
    for (const Register& entry : table.rows) {
        if (entry.table != nullptr) {
            collect(*entry.table, tables);
        }
    }
}

std::string offset_text(const Register& entry) {
    std::string text = grouped(entry.offset);
    if (entry.is_array()) {
        text += fmt::format(" + {} * {}", grouped(entry.step()), entry.per);
    }
    return text;
}

std::string markdown_row(const Register& entry) {
    std::string name = fmt::format("`{}`", entry.name);
    if (entry.is_array()) {
        name += fmt::format(", {}", entry.count);
    }
    if (entry.table != nullptr) {
        return fmt::format("| {} | {} | | | | {}: table {} |\n", offset_text(entry), name, cell(entry.text),
                           entry.table->name);
    }
    const std::string allowed = entry.writable() ? allowed_text(entry) : std::string();
    return fmt::format("| {} | {} | {} | {} | {} | {}{} |\n", offset_text(entry), name,
                       access_text(entry.access), type_text(entry), allowed, cell(entry.text),
                       entry.fifo ? "; a FIFO: all words of a burst go here" : "");
}

std::string bits_text(const BitField& field) {
    return field.bits == 1 ? fmt::format("bit {}", field.low_bit)
                           : fmt::format("bits {} to {}", field.low_bit, field.low_bit + field.bits - 1);
}

// The way to a register through the blocks of a map.
struct Way {
    std::string name;        // "MEMPROP_CORE_AXON"
    std::uint32_t base = 0;  // of the table
    std::vector<std::string> indices;
    std::vector<std::uint64_t> strides;
};

class Header {
public:
    explicit Header(std::string_view prefix) {
        text_ = fmt::format(
            "/* Registers of the chip. Generated from the register tables of its model; addresses in bytes. "
            "*/\n"
            "#ifndef {0}_REGISTERS_H\n#define {0}_REGISTERS_H\n\n#include <stdint.h>\n",
            upper(prefix));
        names_.insert(fmt::format("{}_REGISTERS_H", upper(prefix)));
    }

    void add(const RegisterTable& table, const Way& way) {
        text_ += fmt::format("\n/* {}: {} */\n", table.name, table.text);
        for (const Register& entry : table.rows) {
            if (entry.table == nullptr) {
                add_register(entry, below(way, entry));
            }
        }
        for (const Register& entry : table.rows) {
            if (entry.table != nullptr) {
                const Way block = below(way, entry);
                add_count(entry, block);
                add(*entry.table, block);
            }
        }
    }

    std::string take() { return text_ + "\n#endif\n"; }

    static std::string upper(std::string_view text) {
        std::string result(text);
        std::transform(result.begin(), result.end(), result.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
        return result;
    }

private:
    static Way below(const Way& way, const Register& entry) {
        Way result = way;
        result.name += fmt::format("_{}", upper(entry.name));
        result.base += entry.offset;
        if (entry.is_array()) {
            result.indices.emplace_back(entry.per);
            result.strides.push_back(entry.step());
        }
        return result;
    }

    void define(const std::string& name, std::string_view arguments, const std::string& value) {
        if (!names_.insert(name).second) {
            throw InputError("C header: two registers, fields or values would have the name " + name);
        }
        text_ += fmt::format("#define {}{} {}\n", name, arguments, value);
    }

    void add_register(const Register& entry, const Way& way) {
        const std::string bits = words_of(entry.type) == 2 || entry.bits == 32
                                     ? type_text(entry)
                                     : fmt::format("{} bits", entry.bits);
        text_ += fmt::format("/* {}, {}: {} */\n", access_text(entry.access), bits, entry.text);
        if (way.indices.empty()) {
            define(way.name, "", fmt::format("0x{:03X}u", way.base));
        } else {
            std::string arguments, sum = fmt::format("0x{:03X}u", way.base);
            for (std::size_t i = 0; i < way.indices.size(); ++i) {
                arguments += (i == 0 ? "" : ", ") + way.indices[i];
                sum += fmt::format(" + 0x{:X}u * (uint32_t)({})", way.strides[i], way.indices[i]);
            }
            define(way.name, "(" + arguments + ")", "(" + sum + ")");
        }
        add_count(entry, way);
        for (const BitField& field : entry.fields) {
            const std::string name = way.name + "_" + upper(field.name);
            define(name + "_MASK", "", fmt::format("0x{:X}u", field.mask()));
            define(name + "_SHIFT", "", fmt::format("{}u", field.low_bit));
        }
        for (const NamedValue& named : entry.values) {
            define(way.name + "_" + upper(named.name), "", fmt::format("{}u", named.value));
        }
    }

    void add_count(const Register& entry, const Way& way) {
        if (entry.is_array()) {
            define(way.name + "_COUNT", "", fmt::format("{}u", entry.count));
        }
    }

    std::string text_;
    std::set<std::string> names_;
};

}  // namespace

std::string markdown(const RegisterTable& map) {
    std::vector<const RegisterTable*> tables;
    collect(map, tables);
    std::string text;
    for (const RegisterTable* table : tables) {
        text += fmt::format("{}## {}: {}\n\n", text.empty() ? "" : "\n", table->name, table->text);
        text += "| offset | name | access | type | allowed | what |\n|---|---|---|---|---|---|\n";
        std::string parts;
        for (const Register& entry : table->rows) {
            text += markdown_row(entry);
            if (!entry.fields.empty() || !entry.values.empty()) {
                parts += fmt::format("\n`{}`:\n\n", entry.name);
            }
            for (const BitField& field : entry.fields) {
                parts += fmt::format("- {}, `{}`: {}\n", bits_text(field), field.name, field.text);
            }
            for (const NamedValue& named : entry.values) {
                parts += fmt::format("- {}, `{}`: {}\n", named.value, named.name, named.text);
            }
        }
        text += parts;
    }
    return text;
}

std::string c_header(const RegisterTable& map, std::string_view prefix) {
    Header header(prefix);
    header.add(map, Way{.name = Header::upper(prefix), .base = 0, .indices = {}, .strides = {}});
    return header.take();
}

}  // namespace memprop::hw::bus
