// Writing a NIR file, in the layout of the NIR library 1.0.
#pragma once

#include <filesystem>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

/// Metadata included; read_network() gives back an equal network. The network is checked like one that is
/// read (InputError); the file appears whole or not at all (RunError).
void write_network(const Network& network, const std::filesystem::path& file);

/// The tree of a file, as parse_network() takes it; "1.0.7" stands for a version that is not stated.
Group to_tree(const Network& network);

/// A tree as an HDF5 file, unchecked. Throws RunError.
void write_tree(const Group& tree, const std::filesystem::path& file);

}  // namespace memprop::host::nir
