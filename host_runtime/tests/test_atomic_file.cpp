#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using memprop::RunError;
using namespace memprop::host;
namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::size_t entries_of(const fs::path& directory) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a text goes into a pipe, which is still one afterwards") {
    const TemporaryDirectory directory;
    const fs::path pipe = directory / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(reader >= 0);
    write_text_atomically(pipe, "a,b\n1,2\n");
    std::array<char, 64> buffer;
    const auto count = ::read(reader, buffer.data(), buffer.size());
    ::close(reader);
    CHECK(std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))) == "a,b\n1,2\n");
    CHECK(fs::is_fifo(pipe));
    CHECK(entries_of(directory.path()) == 1);
    CHECK_THROWS_AS(write_atomically(pipe, [](const fs::path&) {}), RunError);
    CHECK(fs::is_fifo(pipe));
}

TEST_CASE("a symbolic link stays and the file it leads to is replaced") {
    const TemporaryDirectory directory;
    fs::create_directory(directory / "elsewhere");
    write_text_atomically(directory / "elsewhere/file", "old");
    fs::create_symlink("elsewhere/file", directory / "link");
    write_text_atomically(directory / "link", "new");
    CHECK(fs::is_symlink(directory / "link"));
    CHECK(content_of(directory / "elsewhere/file") == "new");
    CHECK(entries_of(directory.path()) == 2);
    CHECK(entries_of(directory / "elsewhere") == 1);
}

TEST_CASE("a text for an open descriptor goes behind what stands there") {
    const TemporaryDirectory directory;
    const fs::path file = directory / "log";
    std::FILE* open = std::fopen(file.c_str(), "w");
    REQUIRE(open != nullptr);
    std::fputs("first\n", open);
    std::fflush(open);
    const fs::path link = directory / "stdout";
    fs::create_symlink("/proc/self/fd/" + std::to_string(::fileno(open)), link);
    write_text_atomically(link, "second\n");
    std::fputs("third\n", open);
    std::fclose(open);
    CHECK(content_of(file) == "first\nsecond\nthird\n");
}

TEST_CASE("a directory is refused and stays as it was") {
    const TemporaryDirectory directory;
    fs::create_directory(directory / "target");
    write_text_atomically(directory / "target/file", "kept");
    CHECK_THROWS_WITH_AS(write_text_atomically(directory / "target", "new"),
                         doctest::Contains("is a directory"), RunError);
    CHECK(content_of(directory / "target/file") == "kept");
    CHECK(entries_of(directory.path()) == 1);
}
