#include "host_runtime/files/directory_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "crossbar/base/error.hpp"

namespace memprop::host {

DirectoryLock::DirectoryLock(const std::filesystem::path& directory)
    : descriptor_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
        throw InputError(fmt::format("{}: cannot be opened: {}", directory.string(), std::strerror(errno)));
    }
    int failed = 0;
    do {
        failed = ::flock(descriptor_, LOCK_EX | LOCK_NB);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0 && errno == EWOULDBLOCK) {
        ::close(descriptor_);
        throw InputError(fmt::format(
            "{}: another process is at work in this directory; wait until it has ended, or choose "
            "another one",
            directory.string()));
    }
}

DirectoryLock::~DirectoryLock() {
    ::close(descriptor_);
}

}  // namespace memprop::host
