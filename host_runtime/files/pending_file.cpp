#include "host_runtime/files/pending_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::host {

PendingFile::PendingFile(std::filesystem::path target) : target_(std::move(target)), temporary_(target_) {
    temporary_ += fmt::format(".tmp{}", ::getpid());
    file_ = std::fopen(temporary_.c_str(), "wbe");
    if (file_ == nullptr) {
        fail();
    }
}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      file_(std::exchange(other.file_, nullptr)) {}

PendingFile::~PendingFile() {
    if (file_ != nullptr) {
        std::fclose(file_);
        std::error_code ignored;
        std::filesystem::remove(temporary_, ignored);
    }
}

void PendingFile::fail() const {
    throw RunError(fmt::format("{}: cannot be written: {}", target_.string(), std::strerror(errno)));
}

void PendingFile::append(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) {
        fail();
    }
}

void PendingFile::commit() {
    if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0) {
        fail();
    }
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        fail();
    }
    std::fclose(std::exchange(file_, nullptr));
}

}  // namespace memprop::host
