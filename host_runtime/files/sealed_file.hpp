// HDF5 files that know whether they are whole: checkpoints and states of runs. The last bytes are a seal,
//     memprop seal 1 sha256 <64 hexadecimal digits>\n
// with the SHA-256 of all bytes before it. HDF5 itself ignores what follows its data, so h5py and h5dump read
// such a file; a program that changes it loses the seal. A file is read once, compared with its seal and
// given to HDF5 from memory, so what HDF5 parses is what was written. A file without seal is refused.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host {

/// Makes the file with `fill`, seals it and lets it appear whole or not at all. Throws RunError if it cannot
/// be written; an older one then stays.
void write_sealed(const std::filesystem::path& target, const std::function<void(h5::File&)>& fill);

/// `kind` is what the file should be, for messages ("checkpoint"); /format must be `format`. Throws
/// InputError naming the file unless it is whole.
h5::File open_sealed(const std::filesystem::path& file, std::string_view kind, std::string_view format);

/// Whether the file ends with a seal, be it right or wrong. False also if it cannot be read.
bool has_seal(const std::filesystem::path& file);

/// Runs `read`; an InputError that does not name the file then does.
template <class Read>
void naming(const std::filesystem::path& file, const Read& read) {
    try {
        read();
    } catch (const InputError& error) {
        const std::string what = error.what();
        throw InputError(what.starts_with(file.string()) ? what : file.string() + ": " + what);
    }
}

}  // namespace memprop::host
