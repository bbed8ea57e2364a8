#include <doctest/doctest.h>

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/bus/register_text.hpp"
#include "hw_models/tests/bus_registers.hpp"

namespace memprop::hw::bus::test {
namespace {

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

/// By going through all rows and elements; what find() and resolve() must agree with.
std::string name_by_search(const RegisterTable& table, std::uint64_t base, std::uint64_t address,
                           const std::string& before) {
    for (const Register& entry : table.rows) {
        for (std::uint64_t i = 0; i < entry.count; ++i) {
            const std::uint64_t at = base + entry.offset + i * entry.step();
            std::string name = before + std::string(entry.name);
            if (entry.is_array()) {
                name += fmt::format("[{}]", i);
            }
            if (entry.table != nullptr) {
                std::string below = name_by_search(*entry.table, at, address, name + ".");
                if (!below.empty()) {
                    return below;
                }
            } else if (at == address) {
                return name;
            } else if (words_of(entry.type) == 2 && at + 4 == address) {
                return name + " (high word)";
            }
        }
    }
    return {};
}

/// The problems of a table with these rows.
std::string first_problem(std::vector<Register> rows) {
    const RegisterTable table{.name = "t", .text = "for a test", .rows = rows};
    const std::vector<std::string> found = problems(table);
    CHECK(is_sound(table) == found.empty());
    return found.empty() ? std::string() : found.front();
}

TEST_CASE("register table: every address of a map is decoded as a search through it does") {
    std::uint32_t words = 0;
    for (std::uint32_t address = 0; address < 0x1'4000; address += address < 0x400 ? 1 : 4) {
        const std::string expected = name_by_search(kMap, 0, address, "");
        CAPTURE(address);
        REQUIRE(name_of(kMap, address) == expected);
        words += expected.empty() ? 0 : 1;
    }
    CHECK(words == 12 + 2 + 4 + 2 + 3 * (1 + 8 * 2));
    CHECK(name_of(kMap, locate(kMap, "bank.cell.second")(2, 7)) == "bank[2].cell[7].second");
    CHECK(name_of(kMap, locate(kMap, "host.transfers")() + 4) == "host.transfers (high word)");
    for (const std::uint32_t address : {0x1'4000U, 0x8000'0000U, 0xFFFF'FFFCU}) {
        CHECK(name_of(kMap, address).empty());
    }
}

TEST_CASE("register table: what is found tells row, element and the way there") {
    const std::optional<Found> found = find(kHost, 0x108);
    REQUIRE(found);
    CHECK(found->entry == &kHost["target"]);
    CHECK(found->row == kHost.row("target"));
    CHECK(found->element == 2);
    CHECK(found->rest == 0);
    CHECK(find(kHost, 0x034)->rest == 4);
    CHECK_FALSE(find(kHost, 0x02C));  // a gap
    CHECK_FALSE(find(kHost, 0x10A));  // within a word
    CHECK_FALSE(find(kHost, 0x204));  // between the elements
    CHECK_FALSE(find(kHost, 0x224));  // behind the last

    const std::optional<Resolved> at = resolve(kMap, 0x1'2134);
    REQUIRE(at);
    CHECK(at->table == &kCell);
    CHECK(at->levels == 3);
    CHECK(at->path[0].element == 2);
    CHECK(at->path[0].rest == 0x134);
    CHECK(at->path[1].element == 3);
    CHECK(at->entry().name == "second");
}

TEST_CASE("register table: addresses follow from names, when the program is compiled") {
    static_assert(locate(kMap, "host.command")() == 0x004);
    static_assert(locate(kMap, "host.target")(3) == 0x10C);
    static_assert(locate(kMap, "host.raw")(1) == 0x220);
    static_assert(locate(kMap, "bank.cell.second")(1, 2) == 0x1'1124);
    static_assert(locate(kMap, "bank")(2) == 0x1'2000);
    static_assert(kHost.row("command") == 1);
    static_assert(find(kHost, 0x004)->row == kHost.row("command"));
    CHECK_THROWS_AS(locate(kMap, "host.comand"), std::logic_error);
    CHECK_THROWS_AS(locate(kMap, "host.command.bit"), std::logic_error);
    CHECK_THROWS_AS(locate(kMap, ""), std::logic_error);
    CHECK_THROWS_AS(locate(kMap, "host.target")(4), std::logic_error);
    CHECK_THROWS_AS(locate(kMap, "host.target")(-1), std::logic_error);
    CHECK_THROWS_AS(locate(kMap, "host.target")(), std::logic_error);
    CHECK_THROWS_AS(locate(kMap, "host.command")(0), std::logic_error);
}

TEST_CASE("register table: direction and value are checked before anything is done") {
    const auto writes = [](std::string_view name, std::uint32_t word) {
        return check_write(kHost[name], word);
    };
    CHECK(writes("identity", 0) == BusStatus::command_error);
    CHECK(check_read(kHost["identity"]) == BusStatus::ok);
    CHECK(check_read(kHost["command"]) == BusStatus::command_error);
    CHECK(check_read(kHost["status"]) == BusStatus::ok);

    CHECK(writes("command", 1) == BusStatus::ok);
    CHECK(writes("command", 2) == BusStatus::ok);
    for (const std::uint32_t word : {0U, 3U, 257U, 0xFFFF'FFFFU}) {
        CHECK(writes("command", word) == BusStatus::refused);
    }
    CHECK(writes("status", 3) == BusStatus::ok);
    CHECK(writes("status", 4) == BusStatus::refused);
    CHECK(writes("mode", 15) == BusStatus::ok);
    CHECK(writes("mode", 16) == BusStatus::refused);
    CHECK(writes("duration", 0) == BusStatus::refused);
    CHECK(writes("duration", 1) == BusStatus::ok);
    CHECK(writes("duration", 1000) == BusStatus::ok);
    CHECK(writes("duration", 1001) == BusStatus::refused);
    CHECK(writes("label", ~0U) == BusStatus::ok);
    CHECK(writes("label", ~1U) == BusStatus::refused);
    CHECK(writes("label", 9) == BusStatus::ok);
    CHECK(writes("label", 10) == BusStatus::refused);
    CHECK(writes("push", ~0U) == BusStatus::ok);

    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float value : {0.0F, -0.0F, 1e-45F, std::numeric_limits<float>::max(), -1.0F}) {
        CHECK(writes("factor", bits(value)) == BusStatus::ok);
    }
    for (const float value : {kInfinity, -kInfinity, std::nanf("")}) {
        CHECK(writes("factor", bits(value)) == BusStatus::refused);
        CHECK(writes("raw", bits(value)) == BusStatus::ok);
        CHECK(check_write(kCell["second"], bits(value)) == BusStatus::refused);
    }
    CHECK(check_write(kCell["second"], bits(1.5F)) == BusStatus::ok);
    CHECK(check_write(kCell["second"], bits(std::nextafter(1.5F, 2.0F))) == BusStatus::refused);

    const auto high = [](double value) {
        return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(value) >> 32);
    };
    CHECK(check_write(kHost["energy"], ~0U, false) == BusStatus::ok);
    CHECK(check_write(kHost["energy"], high(-1e300), true) == BusStatus::ok);
    CHECK(check_write(kHost["energy"], high(std::numeric_limits<double>::infinity()), true) ==
          BusStatus::refused);
    CHECK(check_write(kHost["energy"], high(std::nan("")), true) == BusStatus::refused);
    CHECK(check_write(kHost["transfers"], 0, true) == BusStatus::command_error);
}

TEST_CASE("register table: an access is decoded and checked at once") {
    CHECK(decode_write(kHost, 0x02C, 0).status == BusStatus::address_error);
    CHECK(decode_write(kHost, 0x000, 0).status == BusStatus::command_error);
    CHECK(decode_write(kHost, 0x004, 3).status == BusStatus::refused);
    CHECK(decode_write(kHost, 0x03C, 0x7FF0'0000).status == BusStatus::refused);
    CHECK(decode_write(kHost, 0x038, 0x7FF0'0000).status == BusStatus::ok);
    const Decoded write = decode_write(kHost, 0x10C, 0);
    CHECK(write.status == BusStatus::ok);
    CHECK(write.at.row == kHost.row("target"));
    CHECK(write.at.element == 3);
    CHECK(decode_read(kHost, 0x004).status == BusStatus::command_error);
    CHECK(decode_read(kHost, 0x110).status == BusStatus::address_error);
    CHECK(decode_read(kHost, 0x10C).status == BusStatus::ok);
    CHECK(decode_read(kMap, 0x1'1104).status == BusStatus::ok);  // a block: its own table decides
    CHECK(decode_write(kMap, 0x1'1104, 0).at.rest == 0x104);
}

TEST_CASE("register table: a signed register of few bits takes what they hold") {
    constexpr Register entry{
        .name = "x", .access = Access::write, .text = "x", .type = WordType::i32, .bits = 4};
    for (std::int32_t value = -20; value < 20; ++value) {
        CHECK(allows(entry, static_cast<std::uint32_t>(value)) == (value >= -8 && value <= 7));
    }
}

TEST_CASE("register table: a chip sets sizes and limits, rows keep their numbers") {
    SizedTable sized(kHost);
    sized.row("target").count = 2;
    sized.row("raw").count = 0;
    sized.row("label").allowed = Range::between(-1, 1);
    const RegisterTable& table = sized.table();
    CHECK(problems(table).empty());
    CHECK(find(table, 0x104)->row == kHost.row("target"));
    CHECK_FALSE(find(table, 0x108));
    CHECK_FALSE(find(table, 0x200));
    CHECK(check_write(table["label"], 2) == BusStatus::refused);
    CHECK(check_write(kHost["label"], 2) == BusStatus::ok);
    CHECK_THROWS_AS(sized.row("labels"), std::logic_error);

    SizedTable map(kMap);
    map.row("host").table = &table;
    map.row("bank").count = 1;
    CHECK(name_of(map.table(), 0x100) == "host.target[0]");
    CHECK(name_of(map.table(), 0x108).empty());
    CHECK(name_of(map.table(), 0x1'0000) == "bank[0].refusals");
    CHECK(name_of(map.table(), 0x1'1000).empty());

    sized.row("target").count = 65;  // reaches into raw
    sized.row("raw").count = 1;
    CHECK_THROWS_WITH_AS(require_sound(map.table()), "register table host.raw: overlaps a row before it",
                         InputError);
}

TEST_CASE("register table: what is wrong with a table is named") {
    CHECK(first_problem({{.name = "a", .text = "x"}, {.name = "b", .offset = 4, .text = "x"}}).empty());
    CHECK(first_problem({{.name = "a", .offset = 2, .text = "x"}}) ==
          "t.a: offset and stride must be multiples of 4 bytes");
    CHECK(first_problem({{.name = "a", .offset = 4, .text = "x"}, {.name = "b", .text = "x"}}) ==
          "t.b: rows must stand in the order of their offsets");
    CHECK(first_problem({{.name = "a", .text = "x", .type = WordType::u64},
                         {.name = "b", .offset = 4, .text = "x"}}) == "t.b: overlaps a row before it");
    CHECK(first_problem({{.name = "a", .text = "x", .count = 3, .stride = 8, .per = "i"},
                         {.name = "b", .offset = 4, .text = "x"}}) == "t.b: overlaps a row before it");
    CHECK(first_problem({{.name = "a", .text = "x"}, {.name = "a", .offset = 4, .text = "x"}}) ==
          "t.a: names must be unique in their table");
    CHECK(first_problem({{.name = "a", .text = ""}}) == "t.a: needs a text of one line");
    CHECK(first_problem({{.name = "a", .text = "x */"}}) == "t.a: needs a text of one line");
    CHECK(first_problem({{.name = "A", .text = "x"}}) ==
          "t.A: needs a name of lower-case letters, digits and underscores");
    CHECK(first_problem({{.name = "a", .text = "x", .count = 2}}) ==
          "t.a: an array needs the name of what its index counts (per)");
    CHECK(first_problem({{.name = "a", .text = "x", .type = WordType::f64, .stride = 4}}) ==
          "t.a: the stride must hold an element");
    CHECK(first_problem({{.name = "a", .offset = 0xFFFF'FFFC, .text = "x", .count = 2, .per = "i"}}) ==
          "t.a: leaves the 32 bits of the addresses");
    CHECK(first_problem({{.name = "a", .offset = 0xFFFF'FFFC, .text = "x"}}).empty());
    CHECK(first_problem({{.name = "a", .text = "x", .type = WordType::f32, .bits = 16}}) ==
          "t.a: bits must be 1 to 32, 32 for floats and numbers of 64 bits");
    CHECK(first_problem({{.name = "a", .text = "x", .allowed = Range::between(2, 1)}}) ==
          "t.a: the limits allow no value");
    CHECK(first_problem({{.name = "a", .text = "x", .allowed = Range::between(-1, 1)}}) ==
          "t.a: the limits must be numbers of its type");
    CHECK(
        first_problem({{.name = "a", .text = "x", .type = WordType::f64, .allowed = Range::between(0, 1)}}) ==
        "t.a: limits cannot be checked word by word");
    CHECK(first_problem({{.name = "a", .text = "x", .timing = Timing::ahead}}) ==
          "t.a: only writes can come ahead of time");
    CHECK(first_problem({{.name = "a", .text = "x", .table = &kCell}}) ==
          "t.a: the stride of a block must hold its table");
    CHECK(first_problem({{.name = "a", .text = "x", .stride = 4, .table = &kCell}}) ==
          "t.a: the stride of a block must hold its table");
    CHECK(first_problem({{.name = "a", .text = "x", .stride = 8, .fifo = true, .table = &kCell}}) ==
          "t.a: a block is not a register: it has no fields and values and is no FIFO");

    const std::vector<BitField> over{{.name = "f", .low_bit = 3, .bits = 2, .text = "x"}};
    CHECK(first_problem({{.name = "a", .text = "x", .bits = 4, .fields = over}}) ==
          "t.a: a field must lie in the bits of its register");
    const std::vector<BitField> twice{{.name = "f", .bits = 2, .text = "x"},
                                      {.name = "g", .low_bit = 1, .text = "x"}};
    CHECK(first_problem({{.name = "a", .text = "x", .fields = twice}}) == "t.a: fields must not overlap");
    const std::vector<NamedValue> same{{.name = "u", .value = 1, .text = "x"},
                                       {.name = "v", .value = 1, .text = "x"}};
    CHECK(first_problem({{.name = "a", .text = "x", .values = same}}) ==
          "t.a: values must differ, and their names too");
    CHECK(first_problem({{.name = "a", .text = "x", .bits = 1, .values = kCommands}}) ==
          "t.a: a value must fit the bits of its register");
    CHECK(first_problem({{.name = "a", .text = "x", .allowed = Range::any(), .values = kCommands}}) ==
          "t.a: a register with named values takes these and has no other limits");
    CHECK(problems(kMap).empty());
}

TEST_CASE("register table: allowed values as text") {
    CHECK(allowed_text(kHost["command"]) == "work, clear");
    CHECK(allowed_text(kHost["duration"]) == "1 to 1000");
    CHECK(allowed_text(kHost["label"]) == "-1 to 9");
    CHECK(allowed_text(kHost["mode"]) == "0 to 15");
    CHECK(allowed_text(kHost["factor"]) == "finite");
    CHECK(allowed_text(kHost["push"]) == "any");
    CHECK(allowed_text(kHost["raw"]) == "any");
    CHECK(allowed_text(kCell["second"]) == "-1.5 to 1.5");
}

TEST_CASE("register table: the map in Markdown") {
    CHECK(markdown(kBank) ==
          "## bank: a memory behind a network\n\n"
          "| offset | name | access | type | allowed | what |\n"
          "|---|---|---|---|---|---|\n"
          "| 0x000 | `refusals` | R | u32 |  | writes that were taken and not done |\n"
          "| 0x100 + 0x010 * cell | `cell`, 8 | | | | cells of the bank: table cell |\n"
          "\n## cell: two numbers of a cell\n\n"
          "| offset | name | access | type | allowed | what |\n"
          "|---|---|---|---|---|---|\n"
          "| 0x000 | `first` | RW | u32 | any | fetched from afar |\n"
          "| 0x004 | `second` | RW | f32 | -1.5 to 1.5 | fetched from afar, mV |\n");
    const std::string text = markdown(kMap);
    CHECK(text.find("| 0x1'0000 + 0x1000 * bank | `bank`, 3 | | | | banks: table bank |\n") !=
          std::string::npos);
    CHECK(text.find("| 0x008 | `status` | R, W1C | u2 | 0 to 3 | of the device |\n") != std::string::npos);
    CHECK(text.find("\n`mode`:\n\n- bits 0 to 2, `gain`: 2^gain\n- bit 3, `on`: counts | does not\n") !=
          std::string::npos);
    CHECK(text.find("\n`command`:\n\n- 1, `work`: busy for `duration` cycles, then an interrupt\n") !=
          std::string::npos);
    CHECK(text.find("into the FIFO; a FIFO: all words of a burst go here |\n") != std::string::npos);
}

TEST_CASE("register table: the header for C") {
    CHECK(
        c_header(kBank, "dev") ==
        "/* Registers of the chip. Generated from the register tables of its model; addresses in bytes. */\n"
        "#ifndef DEV_REGISTERS_H\n"
        "#define DEV_REGISTERS_H\n\n"
        "#include <stdint.h>\n\n"
        "/* bank: a memory behind a network */\n"
        "/* R, u32: writes that were taken and not done */\n"
        "#define DEV_REFUSALS 0x000u\n"
        "#define DEV_CELL_COUNT 8u\n\n"
        "/* cell: two numbers of a cell */\n"
        "/* RW, u32: fetched from afar */\n"
        "#define DEV_CELL_FIRST(cell) (0x100u + 0x10u * (uint32_t)(cell))\n"
        "/* RW, f32: fetched from afar, mV */\n"
        "#define DEV_CELL_SECOND(cell) (0x104u + 0x10u * (uint32_t)(cell))\n"
        "\n#endif\n");
    const std::string text = c_header(kMap);
    for (const char* line :
         {"#define MEMPROP_HOST_COMMAND 0x004u\n", "#define MEMPROP_HOST_COMMAND_WORK 1u\n",
          "#define MEMPROP_HOST_STATUS_ERROR_MASK 0x2u\n#define MEMPROP_HOST_STATUS_ERROR_SHIFT 1u\n",
          "#define MEMPROP_HOST_TARGET(output) (0x100u + 0x4u * (uint32_t)(output))\n",
          "#define MEMPROP_HOST_TARGET_COUNT 4u\n", "#define MEMPROP_BANK_COUNT 3u\n"}) {
        CAPTURE(line);
        CHECK(text.find(line) != std::string::npos);
    }
    CHECK(text.find("#define MEMPROP_BANK_CELL_SECOND(bank, cell) "
                    "(0x10104u + 0x1000u * (uint32_t)(bank) + 0x10u * (uint32_t)(cell))\n") !=
          std::string::npos);

    const std::vector<Register> rows{{.name = "a", .text = "x", .count = 2, .per = "i"},
                                     {.name = "a_count", .offset = 8, .text = "x"}};
    CHECK_THROWS_WITH_AS(c_header({.name = "t", .text = "x", .rows = rows}),
                         "C header: two registers, fields or values would have the name MEMPROP_A_COUNT",
                         InputError);
}

}  // namespace
}  // namespace memprop::hw::bus::test
