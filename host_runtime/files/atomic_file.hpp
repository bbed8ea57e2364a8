// Files appear whole or not at all: written under a temporary name beside the target, flushed to
// disk, then renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace memprop::host {

/// Calls write(temporary) and renames the temporary to `target`. If anything fails, the temporary is
/// removed, an existing target stays as it was and RunError names the target and the reason. A symbolic link
/// stays; the file it leads to is replaced. Directories, devices and pipes are refused with RunError.
void write_atomically(const std::filesystem::path& target,
                      const std::function<void(const std::filesystem::path&)>& write);

/// The same for a text at hand. Devices and pipes, such as /dev/stdout, are written to as they are.
void write_text_atomically(const std::filesystem::path& target, std::string_view text);

/// Whether a file could be written there now: to be asked before long work. Throws InputError naming `field`
/// (as "--save") and the target.
void check_writable(std::string_view field, const std::filesystem::path& target);

/// The whole content of a file (crossbar/base/input_file.hpp). Throws InputError naming the file if it cannot
/// be read.
std::string read_text(const std::filesystem::path& file);

}  // namespace memprop::host
