// SHA-256, as lower-case hexadecimal digits: tells whether bytes are those that were written.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace memprop::host {

inline constexpr std::size_t kDigestCharacters = 64;

std::string sha256(std::span<const char> bytes);

/// Of the content of a file. Throws InputError naming it if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace memprop::host
