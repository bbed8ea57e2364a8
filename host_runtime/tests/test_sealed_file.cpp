// Files that know whether they are whole, the ranges of what is read from them, and locked directories.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/digest.hpp"
#include "host_runtime/files/directory_lock.hpp"
#include "host_runtime/files/hdf5_archive.hpp"
#include "host_runtime/files/sealed_file.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using namespace memprop;
using namespace memprop::host;
namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(const fs::path& file, const std::string& content) {
    std::ofstream(file, std::ios::binary) << content;
}

void write_example(const fs::path& file) {
    write_sealed(file, [](h5::File& out) {
        out.write_scalar<std::string>("/format", "example 1");
        out.write("/state/values", std::vector<double>{1.0, 2.0, 3.0});
        out.write_attribute<std::string>("/state", "unit", "uS");
    });
}

template <class Call>
std::string refusal_of(const Call& call) {
    try {
        call();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

bool holds(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("SHA-256 of the examples of FIPS 180-4") {
    CHECK(sha256(std::string_view("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256(std::string_view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    const TemporaryDirectory directory;
    write(directory / "abc", "abc");
    CHECK(sha256_of_file(directory / "abc") == sha256(std::string_view("abc")));
    CHECK_THROWS_AS(sha256_of_file(directory / "absent"), InputError);
}

TEST_CASE("a sealed file is read as it was written, and equal content gives equal bytes") {
    const TemporaryDirectory directory;
    write_example(directory / "a.h5");
    write_example(directory / "b.h5");
    CHECK(content_of(directory / "a.h5") == content_of(directory / "b.h5"));
    CHECK(has_seal(directory / "a.h5"));
    const h5::File in = open_sealed(directory / "a.h5", "example", "example 1");
    CHECK(in.read<double>("/state/values") == std::vector<double>{1.0, 2.0, 3.0});
    CHECK(h5::File::open(directory / "a.h5").read<double>("/state/values").size() ==
          3);  // and as any HDF5 file
}

TEST_CASE("every flipped byte, every cut and every addition is found before HDF5 sees it") {
    const TemporaryDirectory directory;
    const fs::path file = directory / "a.h5";
    write_example(file);
    const std::string whole = content_of(file);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ (1 << i % 8));
        write(file, flipped);
        CAPTURE(i);
        CHECK(holds(refusal_of([&] { open_sealed(file, "example", "example 1"); }), "a.h5"));
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
        write(file, whole.substr(0, length));
        CHECK(holds(refusal_of([&] { open_sealed(file, "example", "example 1"); }), "seal"));
    }
    write(file, whole + "\n");
    CHECK(holds(refusal_of([&] { open_sealed(file, "example", "example 1"); }), "seal"));
    CHECK_FALSE(has_seal(file));
}

TEST_CASE("what is no file of the kind is refused by name") {
    const TemporaryDirectory directory;
    write_example(directory / "a.h5");
    const auto refused = [&](const char* name, const char* format) {
        return refusal_of([&] { open_sealed(directory / name, "checkpoint", format); });
    };
    CHECK(holds(refused("a.h5", "example 2"), "/format must be 'example 2'"));
    CHECK(holds(refused("absent.h5", "example 1"), "no such file"));
    CHECK(holds(refused(".", "example 1"), "not a regular file"));
    const h5::File plain = h5::File::create(directory / "plain.h5");
    write(directory / "text", std::string(1000, 'x'));
    CHECK(holds(refused("text", "example 1"), "is not a checkpoint of this version"));
}

TEST_CASE("a sealed file that cannot be written leaves the old one") {
    const TemporaryDirectory directory;
    write_example(directory / "a.h5");
    const std::string before = content_of(directory / "a.h5");
    CHECK_THROWS_AS(write_sealed(directory / "a.h5", [](h5::File&) { throw RunError("no longer finite"); }),
                    RunError);
    CHECK(content_of(directory / "a.h5") == before);
    CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("values that are read have the type, the shape and the range of what is written") {
    const TemporaryDirectory directory;
    const fs::path file = directory / "a.h5";
    const auto refused = [&](const auto& fill, auto wanted, const char* name) {
        {
            h5::File out = h5::File::create(file);
            fill(out);
            out.close();
        }
        const h5::File in = h5::File::open(file);
        ValueRanges ranges;
        ranges.set("limited", {0.0, 2.0});
        Hdf5Reader reader(in, "", ranges);
        return refusal_of([&] { reader(name, wanted); });
    };
    const auto floats = [](std::vector<float> values, const char* name) {
        return [values, name](h5::File& out) { out.write(name, values); };
    };
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                    kInf = std::numeric_limits<float>::infinity();
    CHECK(refused(floats({1.0F, 2.0F}, "v"), std::vector<float>(2), "v").empty());
    CHECK(refused(floats({}, "v"), std::vector<float>(), "v").empty());
    CHECK(holds(refused(floats({1.0F, kNan}, "v"), std::vector<float>(2), "v"), "a.h5: /v"));
    CHECK(holds(refused(floats({-kInf, 0.0F}, "v"), std::vector<float>(2), "v"), "-inf"));
    CHECK(holds(refused(floats({3.0F}, "limited"), std::vector<float>(1), "limited"), "[0, 2]"));
    CHECK(holds(refused(floats({-1.0F}, "spike"), std::vector<float>(1), "spike"), "[0, 1]"));
    CHECK(holds(refused(floats({1.0F}, "v"), std::vector<float>(2), "v"), "needs 2"));
    CHECK(holds(refused(floats({1.0F}, "v"), std::vector<double>(1), "v"), "8-byte"));
    CHECK(holds(refused(floats({1.0F}, "v"), std::vector<std::int32_t>(1), "v"), "integer"));
    CHECK(holds(refused(
                    [](h5::File& out) {
                        out.write("v", std::vector<float>(4), {2, 2});
                    },
                    std::vector<float>(4), "v"),
                "a vector"));
    CHECK(holds(
        refused([](h5::File& out) { out.write_scalar("v", std::uint64_t{1} << 60); }, std::uint64_t{0}, "v"),
        "9.0072e+15"));
    CHECK(
        holds(refused([](h5::File& out) { out.write_scalar("v", std::int64_t{-1}); }, std::uint64_t{0}, "v"),
              "unsigned integer"));
    CHECK(holds(refused(floats({1.0F}, "w"), std::vector<float>(1), "v"), "a.h5: /v"));
}

TEST_CASE("what is written is finite") {
    const TemporaryDirectory directory;
    h5::File out = h5::File::create(directory / "a.h5");
    Hdf5Writer writer(out, "/state");
    std::vector<double> values{1.0, std::numeric_limits<double>::infinity()};
    CHECK_THROWS_AS(writer("weights", values), RunError);
    double value = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(writer("loss", value), RunError);
}

TEST_CASE("a directory is locked once, until the lock or its process ends") {
    const TemporaryDirectory directory;
    std::optional<DirectoryLock> lock;
    lock.emplace(directory.path());
    CHECK(holds(refusal_of([&] { DirectoryLock second(directory.path()); }), "another process"));
    CHECK(fs::is_empty(directory.path()));
    lock.reset();
    std::array<int, 2> told{};
    REQUIRE(::pipe(told.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const DirectoryLock held(directory.path());
        [[maybe_unused]] const auto written = ::write(told[1], "x", 1);
        for (;;) {
            ::pause();
        }
    }
    char byte = 0;
    REQUIRE(::read(told[0], &byte, 1) == 1);
    CHECK_THROWS_AS(DirectoryLock(directory.path()), InputError);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK_NOTHROW(DirectoryLock(directory.path()));
    CHECK_THROWS_AS(DirectoryLock(directory / "absent"), InputError);
}
