#include "host_runtime/files/pending_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::host {

PendingFile::PendingFile(std::filesystem::path target) : target_(std::move(target)), temporary_(target_) {
    temporary_ += fmt::format(".tmp{}", ::getpid());
    write({}, "wbe", false);
}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      pending_(std::exchange(other.pending_, false)) {}

PendingFile::~PendingFile() {
    if (pending_) {
        std::error_code ignored;
        std::filesystem::remove(temporary_, ignored);
    }
}

void PendingFile::fail() const {
    throw RunError(fmt::format("{}: cannot be written: {}", target_.string(), std::strerror(errno)));
}

void PendingFile::write(std::string_view text, const char* mode, bool to_disk) const {
    std::FILE* const file = std::fopen(temporary_.c_str(), mode);
    if (file == nullptr) {
        fail();
    }
    const bool written = (text.empty() || std::fwrite(text.data(), 1, text.size(), file) == text.size()) &&
                         std::fflush(file) == 0 && (!to_disk || ::fsync(::fileno(file)) == 0);
    const int cause = errno;
    if (std::fclose(file) != 0 || !written) {
        errno = written ? errno : cause;
        std::error_code ignored;
        std::filesystem::remove(temporary_, ignored);
        fail();
    }
}

void PendingFile::append(std::string_view text) {
    if (!text.empty()) {
        write(text, "abe", false);
    }
}

void PendingFile::commit() {
    write({}, "r+be", true);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        fail();
    }
    pending_ = false;
}

}  // namespace memprop::host
