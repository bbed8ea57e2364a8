// From an HDF5 file to a tree: the part that touches the HDF5 library. Meant to run in the child
// process of host_runtime/hdf5/decode.hpp; works in any process.
#pragma once

#include <string>

#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/nir/tree.hpp"

namespace memprop::host::nir {

inline constexpr std::uint64_t kLoadedAtOnce = 4096;  ///< numbers; larger datasets are left unloaded

/// The root group with dataset `version` and group `node`. Refuses links that are not hard links, groups
/// linked twice, data kept in other files, and shapes that claim more than the file can hold. Small
/// datasets and strings are loaded. Throws InputError naming file and path.
Group read_tree(const h5::File& file);

/// All groups and datasets of any file, loaded, with the same refusals; at most `max_elements` numbers
/// together.
Group read_everything(const h5::File& file, std::uint64_t max_elements);

/// Sends the values of an unloaded dataset to the sink, a block at a time, checking each block
/// against the rules of its node type (network.hpp).
void send_values(const h5::File& file, const Group& parent, const std::string& path, const Dataset& dataset,
                 const Sink& sink);

/// Adds the LZF filter (32000) that h5py files may use to the HDF5 library of this process.
void register_lzf_filter();

}  // namespace memprop::host::nir
