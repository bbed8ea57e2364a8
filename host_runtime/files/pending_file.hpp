// A file that is written piece by piece and appears whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

namespace memprop::host {

/// Written under a temporary name beside the target, which is open only while a piece is written, so that
/// there may be more of them than a process may have open files; commit() flushes it to disk and renames it.
/// Without commit() the temporary is removed and an existing target stays as it was. Throws RunError naming
/// the target.
class PendingFile {
public:
    explicit PendingFile(std::filesystem::path target);
    PendingFile(PendingFile&& other) noexcept;
    PendingFile& operator=(PendingFile&&) = delete;
    PendingFile(const PendingFile&) = delete;
    PendingFile& operator=(const PendingFile&) = delete;
    ~PendingFile();

    void append(std::string_view text);
    void commit();

private:
    [[noreturn]] void fail() const;
    void write(std::string_view text, const char* mode, bool to_disk) const;

    std::filesystem::path target_, temporary_;
    bool pending_ = true;
};

}  // namespace memprop::host
