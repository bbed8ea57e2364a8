// Keeps a second process away from a directory of results.
#pragma once

#include <filesystem>

namespace memprop::host {

/// Holds a lock on the directory itself, so it leaves no file there and ends with the process, however that
/// ends. Reading needs no lock. File systems that know no locks are used without one.
class DirectoryLock {
public:
    /// Throws InputError naming the directory if it is none or another process (or another object of this
    /// one) works in it.
    explicit DirectoryLock(const std::filesystem::path& directory);
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    ~DirectoryLock();

private:
    int descriptor_;
};

}  // namespace memprop::host
