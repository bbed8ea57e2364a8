// Which of the two kinds of HDF5 file a user may name as a network.
#pragma once

#include <filesystem>

namespace memprop::host::nir {

/// Whether the file is a checkpoint of a training run rather than a NIR file: it has a seal, or is one of an
/// older version, for which a child process looks into it. Throws InputError if it is no HDF5 file.
bool is_checkpoint(const std::filesystem::path& file);

}  // namespace memprop::host::nir
