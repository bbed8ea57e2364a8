// HDF5 files from outside are opened in a child process, because the HDF5 library can crash, hang or
// allocate without bound on hostile files: there, that is a refusal. The child checks the structure
// before it reads any large dataset, then hands the tree over in a memory file that the parent
// validates again from scratch.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <span>
#include <string_view>

namespace memprop::host::h5 {

struct DecodeLimits {
    double cpu_seconds = 0.4;                ///< until extend_limits() is called, and ...
    double cpu_seconds_per_byte = 5e-8;      ///< ... so much more per byte of the file
    double wall_seconds = 600;               ///< for a child that only waits
    std::uint64_t memory_bytes = 160 << 20;  ///< address space beyond what the parent has
};

using Sink = std::function<void(std::string_view)>;

/// Runs `decode` in a child process under the limits. What it sends to the sink is handed to `receive`
/// as one block of bytes. An InputError in the child becomes an InputError here; a crash, a time-out or
/// a lack of memory becomes one that says so and names the file.
void decode_in_child(const std::filesystem::path& file, const DecodeLimits& limits,
                     const std::function<void(const Sink&)>& decode,
                     const std::function<void(std::span<const char>)>& receive);

/// Called by `decode` in the child once it has found the structure sound and knows how much data the file
/// claims: so much CPU time from now on, and so much more memory.
void extend_limits(double cpu_seconds, std::uint64_t memory_bytes);

}  // namespace memprop::host::h5
