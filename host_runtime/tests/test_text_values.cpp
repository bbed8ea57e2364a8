#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using memprop::InputError;
using namespace memprop::host;

namespace {

void append_utf8(std::uint32_t c, std::string& out) {
    const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6U);
        put(0x80 | (c & 0x3FU));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12U);
        put(0x80 | (c >> 6U & 0x3FU));
        put(0x80 | (c & 0x3FU));
    } else {
        put(0xF0 | c >> 18U);
        put(0x80 | (c >> 12U & 0x3FU));
        put(0x80 | (c >> 6U & 0x3FU));
        put(0x80 | (c & 0x3FU));
    }
}

}  // namespace

TEST_CASE("every character of a text is written and read back") {
    // All characters but NUL, in texts of 1000.
    for (std::uint32_t first = 1; first < 0x110000; first += 1000) {
        Experiment config = parse_experiment("", "test", {});
        for (std::uint32_t c = first; c < first + 1000 && c < 0x110000; ++c) {
            if (c < 0xD800 || c > 0xDFFF) {  // surrogates are no characters
                append_utf8(c, config.crossbar.energy.source);
            }
        }
        const Experiment read = parse_experiment(print_experiment(config), "test", {});
        CAPTURE(first);
        REQUIRE(read.crossbar.energy.source == config.crossbar.energy.source);
    }
}

TEST_CASE("a text that could not be written is refused with the place of its fault") {
    for (const std::string& text :
         {std::string("a\xFF"), std::string("\x80"), std::string("\xC1\xBF"), std::string("\xE0\x80\x80"),
          std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80"), std::string("x\xE2\x82"),
          std::string("a\0b", 3)}) {
        const std::vector<std::string> overrides{"crossbar.energy.source=" + text};
        CHECK_THROWS_AS(parse_experiment("", "test", overrides), InputError);
    }
    const std::vector<std::string> overrides{"crossbar.energy.source=ab\xFF"};
    CHECK_THROWS_WITH_AS(parse_experiment("", "test", overrides),
                         doctest::Contains("crossbar.energy.source: byte 3 is 0xFF"), InputError);
}

TEST_CASE("whole files are read up to a limit, and regular ones are told from others") {
    const TemporaryDirectory directory;
    std::ofstream(directory / "file") << std::string(1000, 'x');
    CHECK(memprop::read_input(directory / "file").size() == 1000);
    CHECK(memprop::read_input(directory / "file", 1000).size() == 1000);
    CHECK_THROWS_AS(memprop::read_input(directory / "file", 999), InputError);
    CHECK_THROWS_WITH_AS(memprop::read_input("/dev/zero", 1 << 20),
                         "/dev/zero: holds more than 1 MB; that much is not read", InputError);
    CHECK_THROWS_WITH_AS(memprop::read_input(directory.path()), doctest::Contains("is a directory"),
                         InputError);
    CHECK_THROWS_WITH_AS(memprop::read_input(directory / "gone"), doctest::Contains("No such file"),
                         InputError);
    REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
    CHECK_THROWS_WITH_AS(memprop::require_regular_file(directory / "pipe", "a table"),
                         doctest::Contains("pipe: is a pipe, not a table"), InputError);
    const auto stopped =
        memprop::open_input(directory / "pipe", {.most_bytes = 0, .stopped = [] { return true; }});
    CHECK(stopped->get() == std::istream::traits_type::eof());
}

TEST_CASE("a place that cannot be written to is refused, and asking leaves nothing behind") {
    const TemporaryDirectory directory;
    CHECK_NOTHROW(check_writable("--save", directory / "new"));
    CHECK(std::filesystem::is_empty(directory.path()));
    std::ofstream(directory / "old") << "old";
    CHECK_NOTHROW(check_writable("--save", directory / "old"));
    CHECK(read_text(directory / "old") == "old");
    CHECK_THROWS_WITH_AS(check_writable("--save", directory / "missing/new"),
                         doctest::Contains("missing/new: cannot be written"), InputError);
    CHECK_THROWS_AS(check_writable("--save", directory.path()), InputError);
    CHECK_THROWS_AS(check_writable("--save", "/dev/full"), InputError);
}
