// Reading a NIR file.
#pragma once

#include <filesystem>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

/// Decodes the file in a child process and makes all checks, those of flatten() included. A file that is
/// wrong is refused with file, node path, dataset and reason before anything large is allocated. Throws
/// InputError.
Network read_network(const std::filesystem::path& file);

}  // namespace memprop::host::nir
