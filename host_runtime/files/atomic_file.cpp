#include "host_runtime/files/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "crossbar/base/terminal.hpp"

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

[[noreturn]] void fail(const std::filesystem::path& target, std::string_view reason) {
    throw RunError(fmt::format("{}: cannot be written: {}", target.string(), reason));
}

/// The descriptor of this process that the path names, as /dev/stdout does; else -1.
int named_descriptor(std::filesystem::path path) {
    const std::string own = fmt::format("/proc/{}/fd", ::getpid());
    std::error_code error;
    for (int links = 0; links < 40 && std::filesystem::is_symlink(path, error); ++links) {
        const auto parent = std::filesystem::weakly_canonical(path.parent_path(), error);
        const std::string name = path.filename().string();
        int number = -1;
        if (parent == own &&
            std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc()) {
            return number;
        }
        path = parent / std::filesystem::read_symlink(path, error);
    }
    return -1;
}

/// Whether there is something that a rename must not replace.
bool is_stream(const std::filesystem::path& target) {
    std::error_code error;
    const auto status = std::filesystem::status(target, error);
    return (std::filesystem::exists(status) && std::filesystem::is_other(status)) ||
           named_descriptor(target) >= 0;
}

/// An open descriptor is written to as it is: opening its path anew would begin at the start of a file.
void write_to_stream(const std::filesystem::path& target, std::string_view text) {
    const int named = named_descriptor(target);
    const int descriptor =
        named >= 0 ? ::fcntl(named, F_DUPFD_CLOEXEC, 0) : ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        fail(target, std::strerror(errno));
    }
    std::fflush(nullptr);
    const int reason = write_all(descriptor, text);
    ::close(descriptor);
    if (reason != 0) {
        fail(target, std::strerror(reason));
    }
}

void write_text(const std::filesystem::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) {
        throw RunError(std::strerror(errno));
    }
}

/// The file that takes what is meant for `target`: a link stays, what it leads to is replaced.
std::filesystem::path replaced_file(const std::filesystem::path& target) {
    if (is_stream(target)) {
        fail(target, "is a device, a pipe or a socket, not a file");
    }
    std::error_code ignored;
    if (std::filesystem::is_directory(target, ignored)) {
        fail(target, "is a directory");
    }
    std::error_code error;
    const bool link = std::filesystem::is_symlink(target, error);
    const std::filesystem::path file = link ? std::filesystem::weakly_canonical(target, error) : target;
    if (error && link) {
        fail(target, error.message());
    }
    return file;
}

std::filesystem::path temporary_beside(std::filesystem::path file) {
    file += fmt::format(".tmp{}", ::getpid());
    return file;
}

}  // namespace

void write_atomically(const std::filesystem::path& target,
                      const std::function<void(const std::filesystem::path&)>& write) {
    const std::filesystem::path file = replaced_file(target), temporary = temporary_beside(file);
    std::error_code ignored;
    try {
        write(temporary);
        flush_to_disk(temporary);
        std::filesystem::rename(temporary, file);
    } catch (const std::exception& failure) {
        std::filesystem::remove(temporary, ignored);
        fail(target, failure.what());
    }
}

void write_text_atomically(const std::filesystem::path& target, std::string_view text) {
    if (is_stream(target)) {
        return write_to_stream(target, text);
    }
    write_atomically(target, [&](const std::filesystem::path& file) { write_text(file, text); });
}

void check_writable(std::string_view field, const std::filesystem::path& target) {
    try {
        const std::filesystem::path temporary = temporary_beside(replaced_file(target));
        std::error_code ignored;
        try {
            write_text(temporary, std::string(4096, ' '));  // a full disk takes an empty file
        } catch (const RunError& error) {
            std::filesystem::remove(temporary, ignored);
            fail(target, error.what());
        }
        std::filesystem::remove(temporary, ignored);
    } catch (const RunError& error) {
        throw InputError(fmt::format("{} {}", field, error.what()));
    }
}

std::string read_text(const std::filesystem::path& file) {
    return read_input(file);
}

}  // namespace memprop::host
