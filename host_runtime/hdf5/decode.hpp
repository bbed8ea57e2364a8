// HDF5 files from outside are opened in a child process, because the HDF5 library can crash, hang or
// allocate without bound on hostile files: there, that is a refusal. The child checks the structure
// before it reads any large dataset, then hands the tree over in a memory file that the parent
// validates again from scratch.
//
// A hang is a lack of progress, not a long time: every object that is listed or opened and every block that
// is read counts as progress (made_progress(), called by File), and what lies between two of them is small
// whatever the file. How much there is to do is bounded by counts, not by the speed of the machine.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <span>
#include <string_view>

namespace memprop::host::h5 {

struct DecodeLimits {
    double cpu_seconds = 3;                  ///< without progress; a millisecond is usual
    double wall_seconds = 600;               ///< likewise, for a child that only waits
    std::uint64_t memory_bytes = 160 << 20;  ///< address space beyond what the parent has, and ...
    double memory_per_file_byte = 8;         ///< ... so much more (at most 1 GiB): structures of many objects
};

using Sink = std::function<void(std::string_view)>;

/// Runs `decode` in a child process under the limits. What it sends to the sink is handed to `receive`
/// as one block of bytes. An InputError in the child becomes an InputError here; a crash, a time-out or
/// a lack of memory becomes one that says so and names the file.
void decode_in_child(const std::filesystem::path& file, const DecodeLimits& limits,
                     const std::function<void(const Sink&)>& decode,
                     const std::function<void(std::span<const char>)>& receive);

/// Called by `decode` in the child once it has found the structure sound and knows how much data the file
/// claims: so much more memory from now on.
void allow_memory(std::uint64_t bytes);

/// A bounded piece of decoding is done. No-op outside of a decoding child.
void made_progress();

/// Pieces that follow may have to decompress so many bytes at once (a chunk): each may take as much longer as
/// that takes at 5 MB/s. No-op outside of a decoding child.
void expect_bytes(std::uint64_t bytes);

/// While one of these lives in the child, CPU time is not limited: for work on what has been read.
class Unhurried {
public:
    Unhurried();
    Unhurried(const Unhurried&) = delete;
    Unhurried& operator=(const Unhurried&) = delete;
    ~Unhurried();
};

}  // namespace memprop::host::h5
