#include "host_runtime/files/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

void flush_to_disk(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        throw RunError(std::strerror(errno));
    }
    const int failed = ::fsync(descriptor);
    const int reason = errno;
    ::close(descriptor);
    if (failed != 0) {
        throw RunError(std::strerror(reason));
    }
}

}  // namespace

void write_atomically(const std::filesystem::path& target,
                      const std::function<void(const std::filesystem::path&)>& write) {
    std::filesystem::path temporary = target;
    temporary += fmt::format(".tmp{}", ::getpid());
    try {
        write(temporary);
        flush_to_disk(temporary);
        std::filesystem::rename(temporary, target);
    } catch (const std::exception& error) {
        std::error_code ignored;
        std::filesystem::remove(temporary, ignored);
        throw RunError(fmt::format("{}: cannot be written: {}", target.string(), error.what()));
    }
}

void write_text_atomically(const std::filesystem::path& target, std::string_view text) {
    write_atomically(target, [&](const std::filesystem::path& file) {
        std::ofstream out(file, std::ios::binary);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        out.close();
        if (!out) {
            throw RunError(std::strerror(errno));
        }
    });
}

std::string read_text(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        throw InputError(fmt::format("{}: is a directory, not a file", file.string()));
    }
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) {
        throw InputError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
    }
    return text;
}

}  // namespace memprop::host
