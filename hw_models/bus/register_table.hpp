// One description of the registers behind a bus: name, place, access, width, allowed values, text. From it
// follow decoding (find), checks of direction and value (check_read, check_write), addresses for the host
// (locate), names for messages (name_of), the rules a map must keep (register_rules.hpp), the documented map
// and a C header (register_text.hpp). A new register is one row:
//
//   constexpr Register kHostRows[] = {
//       {.name = "identity", .offset = 0x000, .access = Access::read, .text = "0x4D50'5250"},
//       {.name = "label", .offset = 0x028, .access = Access::write, .text = "class of the sample; -1:
//       targets",
//        .type = WordType::i32, .allowed = Range::between(-1, 1023), .timing = Timing::ahead},
//       {.name = "core", .offset = 0x10'0000, .text = "...", .count = 64, .stride = 0x10'0000, .per = "core",
//        .table = &kCore}};
//   constexpr RegisterTable kHost{.name = "host", .text = "...", .rows = kHostRows};
//   static_assert(is_sound(kHost));
//
//   const Decoded write = decode_write(kHost, offset, word);  // direction and value are checked
//   if (write.status != BusStatus::ok) { return write.status; }
//   switch (write.at.row) {
//       case kHost.row("label"): ...     // a name that is not in the table does not compile
//
// A row is a register, an array of them (`per` names what its index counts) or, with `table`, one or several
// blocks of a table of its own. Offsets count in bytes from the beginning of the table; words have 32 bits;
// u64 and f64 take two of them, low word first. Rows stand in the order of their offsets, so find() is a
// binary search. What only the configuration of a chip tells (sizes, limits) is set in a SizedTable.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/bus/bus_target.hpp"

namespace memprop::hw::bus {

enum class Access : std::uint8_t {
    read,
    write,
    read_write,
    write_one_to_clear,  ///< reads its bits; a written 1 clears its bit
};

enum class WordType : std::uint8_t { u32, i32, f32, u64, f64 };

constexpr std::uint32_t words_of(WordType type) {
    return type == WordType::u64 || type == WordType::f64 ? 2 : 1;
}

/// Values that may be written.
struct Range {
    enum class Kind : std::uint8_t {
        natural,  ///< integers: what the register's bits hold; floats: finite numbers
        any,      ///< every pattern of bits
        limits,   ///< from lowest to highest, both included; never NaN
    };
    Kind kind = Kind::natural;
    double lowest = 0.0, highest = 0.0;  // exact for all integers of 32 bits

    static constexpr Range any() { return {.kind = Kind::any}; }
    static constexpr Range between(double lowest, double highest) {
        return {.kind = Kind::limits, .lowest = lowest, .highest = highest};
    }
};

/// Part of a register.
struct BitField {
    std::string_view name;
    std::uint32_t low_bit = 0, bits = 1;
    std::string_view text;

    constexpr std::uint32_t mask() const {
        return static_cast<std::uint32_t>(((std::uint64_t{1} << bits) - 1) << low_bit);
    }
};

/// A value with a name. A register with such values takes no other.
struct NamedValue {
    std::string_view name;
    std::uint32_t value = 0;
    std::string_view text;
};

struct RegisterTable;

/// A pointer to the table of a block, or none. Whether there is one can be asked in constant expressions,
/// where GCC with -fsanitize=undefined does not compare addresses with nullptr.
class BlockTable {
public:
    constexpr BlockTable() = default;
    constexpr BlockTable(const RegisterTable* table) : table_(table), exists_(true) {}
    constexpr BlockTable(std::nullptr_t) {}

    constexpr operator const RegisterTable*() const { return table_; }
    constexpr const RegisterTable* operator->() const { return table_; }
    constexpr const RegisterTable& operator*() const { return *table_; }
    constexpr bool operator==(std::nullptr_t) const { return !exists_; }

private:
    const RegisterTable* table_ = nullptr;
    bool exists_ = false;
};

struct Register {
    std::string_view name;     ///< lower case, digits and underscores; unique in its table
    std::uint32_t offset = 0;  ///< bytes
    Access access = Access::read;
    std::string_view text;  ///< what it is, with its unit
    WordType type = WordType::u32;
    std::uint32_t bits = 32;  ///< that it has, from bit 0; only u32 and i32 may have fewer
    Range allowed = {};
    std::uint32_t count = 1;    ///< elements of the array; the most there can be
    std::uint32_t stride = 0;   ///< bytes from one to the next, and the size of a block; 0: they follow
    std::string_view per = {};  ///< not empty: an array, with one element per ...
    bool fifo = false;          ///< all words of a burst go here
    Timing timing = Timing::in_time;
    std::span<const BitField> fields = {};
    std::span<const NamedValue> values = {};
    BlockTable table = {};  ///< blocks of registers instead of registers

    constexpr bool is_array() const { return !per.empty(); }
    constexpr bool readable() const { return access != Access::write; }
    constexpr bool writable() const { return access != Access::read; }
    constexpr std::uint64_t element_bytes() const {
        return table != nullptr && stride != 0 ? stride : std::uint64_t{4} * words_of(type);
    }
    constexpr std::uint64_t step() const { return stride != 0 ? stride : element_bytes(); }
    /// The offset behind its last word.
    constexpr std::uint64_t end() const {
        return count == 0 ? offset : offset + (count - std::uint64_t{1}) * step() + element_bytes();
    }
};

struct RegisterTable {
    std::string_view name;
    std::string_view text;
    std::span<const Register> rows;

    /// The number of a row. Throws std::logic_error (does not compile, where a constant is needed) for a
    /// name that no row has.
    constexpr std::uint32_t row(std::string_view row_name) const {
        for (std::uint32_t i = 0; i < rows.size(); ++i) {
            if (rows[i].name == row_name) {
                return i;
            }
        }
        throw std::logic_error("no row of this name in the register table");
    }
    constexpr const Register& operator[](std::string_view row_name) const { return rows[row(row_name)]; }
    constexpr std::uint64_t bytes() const {
        std::uint64_t most = 0;
        for (const Register& entry : rows) {
            most = entry.end() > most ? entry.end() : most;
        }
        return most;
    }
};

/// What lies at an offset of a table.
struct Found {
    const Register* entry = nullptr;
    std::uint32_t row = 0;      ///< number of the row in its table
    std::uint32_t element = 0;  ///< of the array
    std::uint32_t rest = 0;     ///< bytes into the element: offset in entry->table, or 4: the high word
};

/// Nothing if no word of a row lies there. O(log rows).
constexpr std::optional<Found> find(const RegisterTable& table, std::uint32_t offset) {
    std::size_t first = 0, last = table.rows.size();
    while (first < last) {  // the first row behind the offset
        const std::size_t middle = first + (last - first) / 2;
        if (table.rows[middle].offset <= offset) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    if (first == 0 || offset % 4 != 0) {
        return std::nullopt;
    }
    const Register& entry = table.rows[first - 1];
    const std::uint32_t from = offset - entry.offset;
    Found found{.entry = &entry, .row = static_cast<std::uint32_t>(first - 1), .rest = from};
    if (entry.is_array()) {
        const auto step = static_cast<std::uint32_t>(entry.step());
        found.element = from / step;
        found.rest = from % step;
    }
    return found.element < entry.count && found.rest < entry.element_bytes() ? std::optional(found)
                                                                             : std::nullopt;
}

/// Tables in tables, the outermost included.
inline constexpr std::size_t kMostLevels = 4;

/// What lies at an address of a map, through all its levels.
struct Resolved {
    const RegisterTable* table = nullptr;  ///< of the register
    std::array<Found, kMostLevels> path{};
    std::size_t levels = 0;

    constexpr const Found& leaf() const { return path[levels - 1]; }
    constexpr const Register& entry() const { return *leaf().entry; }
};

constexpr std::optional<Resolved> resolve(const RegisterTable& map, std::uint32_t address) {
    Resolved result{.table = &map};
    std::uint32_t offset = address;
    while (result.levels < kMostLevels) {
        const std::optional<Found> found = find(*result.table, offset);
        if (!found) {
            return std::nullopt;
        }
        result.path[result.levels++] = *found;
        if (found->entry->table == nullptr) {
            return result;
        }
        result.table = found->entry->table;
        offset = found->rest;
    }
    return std::nullopt;
}

/// "core[3].axon[7].first"; the second word of a number of 64 bits has " (high word)" behind it. Empty if
/// there is none.
std::string name_of(const RegisterTable& map, std::uint32_t address);

/// Where a register of a map is.
struct Place {
    const Register* entry = nullptr;
    std::uint32_t base = 0;
    std::array<std::uint32_t, kMostLevels> strides{}, counts{};  // of the arrays it lies in, outermost first
    std::size_t dimensions = 0;

    /// The address of an element: an index for each array. Throws std::logic_error if there is none.
    template <class... Index>
    constexpr std::uint32_t operator()(Index... index) const {
        std::uint32_t address = base;
        if (sizeof...(index) != dimensions) {
            throw std::logic_error("a register needs one index per array it lies in");
        }
        [[maybe_unused]] std::size_t i = 0;
        ((address += element(i++, static_cast<std::uint64_t>(index))), ...);
        return address;
    }

private:
    constexpr std::uint32_t element(std::size_t dimension, std::uint64_t index) const {
        if (index >= counts[dimension]) {
            throw std::logic_error("index of a register outside its array");
        }
        return static_cast<std::uint32_t>(index) * strides[dimension];
    }
};

/// By the names of blocks and register: "core.axon.first". Throws std::logic_error (does not compile, where a
/// constant is needed) if there is no such register.
constexpr Place locate(const RegisterTable& map, std::string_view path) {
    Place place;
    const RegisterTable* table = &map;
    for (;;) {
        const std::size_t dot = path.find('.');
        place.entry = &(*table)[path.substr(0, dot)];
        place.base += place.entry->offset;
        if (place.entry->is_array()) {
            place.strides.at(place.dimensions) = static_cast<std::uint32_t>(place.entry->step());
            place.counts.at(place.dimensions++) = place.entry->count;
        }
        if (dot == std::string_view::npos) {
            return place;
        }
        if (place.entry->table == nullptr) {
            throw std::logic_error("the register has no parts with names");
        }
        table = place.entry->table;
        path.remove_prefix(dot + 1);
    }
}

/// The least and the most value that may be written to an integer or float register; never asked of `any`.
constexpr Range limits(const Register& entry) {
    if (entry.allowed.kind != Range::Kind::natural) {
        return entry.allowed;
    }
    const double span = static_cast<double>(std::uint64_t{1} << entry.bits);
    switch (entry.type) {
        case WordType::i32:
            return Range::between(-span / 2, span / 2 - 1);
        case WordType::f32:
            return Range::between(-0x1.fffffep127, 0x1.fffffep127);
        case WordType::f64:
            return Range::between(-0x1.fffffffffffffp1023, 0x1.fffffffffffffp1023);
        default:
            return Range::between(0, span - 1);
    }
}

/// True if the register may take the word. Of an f64, only the word with the exponent can be refused, and
/// only for numbers that are not finite; those of a u64 never.
constexpr bool allows(const Register& entry, std::uint32_t word, bool high_word = false) {
    if (entry.allowed.kind == Range::Kind::any || entry.type == WordType::u64) {
        return true;
    }
    if (entry.type == WordType::f64) {
        return !high_word || (word & 0x7FF0'0000U) != 0x7FF0'0000U;
    }
    if (!entry.values.empty()) {
        for (const NamedValue& named : entry.values) {
            if (named.value == word) {
                return true;
            }
        }
        return false;
    }
    const double value = entry.type == WordType::f32   ? static_cast<double>(std::bit_cast<float>(word))
                         : entry.type == WordType::i32 ? static_cast<double>(static_cast<std::int32_t>(word))
                                                       : static_cast<double>(word);
    const Range range = limits(entry);
    return range.lowest <= value && value <= range.highest;  // false for NaN
}

/// Before a value reaches what it is for.
constexpr BusStatus check_write(const Register& entry, std::uint32_t word, bool high_word = false) {
    return !entry.writable()                 ? BusStatus::command_error
           : !allows(entry, word, high_word) ? BusStatus::refused
                                             : BusStatus::ok;
}

constexpr BusStatus check_read(const Register& entry) {
    return entry.readable() ? BusStatus::ok : BusStatus::command_error;
}

/// The row at an offset, and whether the access may reach it. A block says ok: its own table decides
/// (at.rest).
struct Decoded {
    BusStatus status = BusStatus::address_error;
    Found at;
};

constexpr Decoded decode_write(const RegisterTable& table, std::uint32_t offset, std::uint32_t word) {
    const std::optional<Found> found = find(table, offset);
    if (!found) {
        return {};
    }
    return {.status = found->entry->table != nullptr ? BusStatus::ok
                                                     : check_write(*found->entry, word, found->rest != 0),
            .at = *found};
}

constexpr Decoded decode_read(const RegisterTable& table, std::uint32_t offset) {
    const std::optional<Found> found = find(table, offset);
    if (!found) {
        return {};
    }
    return {.status = found->entry->table != nullptr ? BusStatus::ok : check_read(*found->entry),
            .at = *found};
}

/// "0 to 15", "finite", "any", "off, errors"
std::string allowed_text(const Register& entry);

/// A table with the sizes and limits of one chip. Rows keep their numbers; one that the chip does not have
/// gets the count 0.
class SizedTable {
public:
    explicit SizedTable(const RegisterTable& table)
        : rows_(table.rows.begin(), table.rows.end()), table_(table) {
        table_.rows = rows_;
    }
    SizedTable(const SizedTable&) = delete;  // blocks of other tables point to table()
    SizedTable& operator=(const SizedTable&) = delete;

    /// To change; require_sound() tells whether the table is still one. std::logic_error: no such row.
    Register& row(std::string_view name) { return rows_[table_.row(name)]; }
    const RegisterTable& table() const { return table_; }

private:
    std::vector<Register> rows_;
    RegisterTable table_;
};

}  // namespace memprop::hw::bus
