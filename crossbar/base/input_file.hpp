// Files that a user names, read without trust in what they are: directories are refused, whatever may keep
// its reader waiting (a pipe, a terminal) is waited for with a word, and reading ends at a limit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <string>

namespace memprop {

struct InputOptions {
    /// More is refused; 0: no limit, for what is read in pieces.
    std::uint64_t most_bytes = 0;
    /// Asked while waiting: true ends the stream there.
    std::function<bool()> stopped;
};

inline constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 28;  ///< of files that are read whole

/// A stream of the file's bytes, without seeking. Throws InputError, here and in reading, which names the
/// file: it cannot be opened or read, is a directory, or holds more than `most_bytes`.
std::unique_ptr<std::istream> open_input(const std::filesystem::path& file, InputOptions options = {});

/// The same of standard input.
std::unique_ptr<std::istream> open_standard_input(InputOptions options = {});

/// The whole content of a file. Throws InputError as open_input() does.
std::string read_input(const std::filesystem::path& file, std::uint64_t most_bytes = kMostTextBytes);

/// Throws InputError unless `file` is a regular file: for libraries that open it themselves. `wanted` says
/// what it should be, as in "an HDF5 file".
void require_regular_file(const std::filesystem::path& file, std::string_view wanted);

}  // namespace memprop
