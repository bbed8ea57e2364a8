#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using memprop::InputError;
using memprop::RunError;
using namespace memprop::host;

namespace {

template <class T>
void check_round_trip(const std::vector<T>& values) {
    const TemporaryDirectory directory;
    const auto path = directory / "types.h5";
    {
        auto file = h5::File::create(path);
        file.write("deep/er/vector", values);
        file.write("matrix", values, {2, values.size() / 2});
        file.write_scalar("scalar", values.front());
        file.close();
    }
    const auto file = h5::File::open(path);
    CHECK(file.read<T>("deep/er/vector") == values);
    CHECK(file.read<T>("matrix") == values);
    CHECK(file.info("matrix").shape == h5::Shape{2, values.size() / 2});
    CHECK(file.read_scalar<T>("scalar") == values.front());
    CHECK(file.info("scalar").shape.empty());
}

std::string message_of(const auto& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("h5: every element type survives a round trip") {
    check_round_trip<std::uint8_t>({0, 1, 128, 255});
    check_round_trip<std::int16_t>({-32768, -1, 0, 32767});
    check_round_trip<std::int32_t>({std::numeric_limits<std::int32_t>::min(), -1, 0, 2147483647});
    check_round_trip<std::uint32_t>({0, 1, 2, 4294967295U});
    check_round_trip<std::int64_t>({std::numeric_limits<std::int64_t>::min(), -1, 0, 1LL << 62});
    check_round_trip<std::uint64_t>({0, 1, 2, std::numeric_limits<std::uint64_t>::max()});
    check_round_trip<float>({-0.1F, 1e-38F, 3.4e38F, 0.0F});
    check_round_trip<double>({-0.1, 1e-300, 1.7e308, 5e-324});
    check_round_trip<std::string>({"", "plain", "with space/and slash", "\xC3\xBC\xE2\x82\xAC"});
}

TEST_CASE("h5: structure can be inspected without reading data") {
    const TemporaryDirectory directory;
    const auto path = directory / "structure.h5";
    {
        auto file = h5::File::create(path);
        file.create_group("b group");
        file.write("a.b", std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 1, 2});
        file.write("none", std::vector<double>{});
        file.write("text", std::vector<std::string>{"x", "y"});
        file.close();
    }
    const auto file = h5::File::open(path);
    const auto links = file.children("/");
    REQUIRE(links.size() == 4);
    CHECK(file.child_count("/") == 4);
    CHECK(links[0].name == "a.b");
    CHECK(links[0].kind == h5::LinkKind::dataset);
    CHECK(links[1].name == "b group");
    CHECK(links[1].kind == h5::LinkKind::group);
    CHECK(file.exists("/"));
    CHECK(file.exists("b group"));
    CHECK(file.is_group("b group"));
    CHECK_FALSE(file.is_dataset("b group"));
    CHECK_FALSE(file.exists("b group/missing/deeper"));
    CHECK_FALSE(file.exists("missing/deeper"));
    const auto info = file.info("a.b");
    CHECK(info.kind == h5::ElementKind::floating);
    CHECK(info.shape == h5::Shape{3, 1, 2});
    CHECK(info.element_bytes == 4);
    CHECK(info.stored_bytes == 24);
    CHECK(file.info("text").kind == h5::ElementKind::string);
    CHECK(file.read<double>("none").empty());
    CHECK(file.read_block<float>("a.b", {1, 0, 1}, {2, 1, 1}) == std::vector<float>{4, 6});
}

TEST_CASE("h5: large arrays are chunked and compressed on request") {
    const TemporaryDirectory directory;
    const auto path = directory / "big.h5";
    std::vector<float> values(400000);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(i / 1000);
    }
    {
        auto file = h5::File::create(path);
        file.write("plain", values, {1000, 400});
        file.write("packed", values, {1000, 400}, {.gzip_level = 4, .chunk = {}});
        file.write("chunked", values, {1000, 400}, {.gzip_level = 0, .chunk = {10, 400}});
        file.close();
    }
    const auto file = h5::File::open(path);
    CHECK(file.info("plain").stored_bytes == 1600000);
    CHECK(file.info("packed").stored_bytes < 160000);
    CHECK(file.read<float>("packed") == values);
    CHECK(file.read<float>("chunked") == values);
    CHECK_THROWS_AS(file.read<float>("plain", 399999), InputError);
}

TEST_CASE("h5: variable-length sequences are read row by row") {
    const TemporaryDirectory directory;
    const auto path = directory / "rows.h5";
    {
        auto file = h5::File::create(path);
        file.write_sequences<float>("times", {{0.5F, 1.5F}, {}, {2.0F}});
        file.close();
    }
    const auto file = h5::File::open(path);
    CHECK(file.info("times").kind == h5::ElementKind::variable_length);
    CHECK(file.read_sequence<double>("times", 0) == std::vector<double>{0.5, 1.5});
    CHECK(file.read_sequence<double>("times", 1).empty());
    CHECK_THROWS_AS(file.read_sequence<double>("times", 3), InputError);
    CHECK_THROWS_AS(file.read_sequence<double>("times", 0, 1), InputError);
}

TEST_CASE("h5: errors name the file and the dataset") {
    const TemporaryDirectory directory;
    const auto path = directory / "errors.h5";
    auto made = h5::File::create(path);
    made.write("text", std::vector<std::string>{"x"});
    CHECK_FALSE(std::filesystem::exists(path));  // nothing appears before it is complete
    made.close();
    const auto file = h5::File::open(path);
    const auto missing = message_of([&] { file.read<float>("group/gone"); });
    CHECK(missing.find("errors.h5") != std::string::npos);
    CHECK(missing.find("group/gone") != std::string::npos);
    CHECK(message_of([&] { file.read<float>("text"); }).find("numbers needed") != std::string::npos);
    CHECK(message_of([&] { h5::File::open(directory / "absent.h5"); }).find("no such file") !=
          std::string::npos);
    std::ofstream(directory / "plain.txt") << "not HDF5\n";
    CHECK(message_of([&] { h5::File::open(directory / "plain.txt"); }).find("plain.txt") !=
          std::string::npos);
    CHECK_THROWS_AS(h5::File::create(directory / "no/such/folder.h5").close(), RunError);
    auto out = h5::File::create(directory / "twice.h5");
    out.write("x", std::vector<float>{1});
    CHECK_THROWS_AS(out.write("x", std::vector<float>{1}), RunError);
    CHECK_THROWS_AS(out.write("y", std::vector<float>{1, 2}, {3}), RunError);
}

TEST_CASE("h5: equal content gives equal bytes") {
    const TemporaryDirectory directory;
    std::string bytes[2];
    for (int i = 0; i < 2; ++i) {
        const auto path = directory / fmt::format("f{}.h5", i);
        auto file = h5::File::create(path);
        file.write("g/x", std::vector<double>{1, 2, 3});
        file.write_scalar("g/name", std::string("n"));
        file.close();
        std::ifstream in(path, std::ios::binary);
        bytes[i].assign(std::istreambuf_iterator<char>(in), {});
    }
    CHECK(bytes[0].size() > 100);
    CHECK(bytes[0] == bytes[1]);
}
