// Arrays with names, as files of other programs hold them: NumPy's .npz and HDF5.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host {

/// Row-major. Numbers of every kind become doubles (integers beyond 2^53 lose their last bits), booleans 0
/// and 1; text stays text.
struct StoredArray {
    h5::Shape shape;                 ///< empty: a scalar
    std::vector<double> values;      ///< of numbers
    std::vector<std::string> texts;  ///< of text
    bool operator==(const StoredArray&) const = default;
};

/// By name; in HDF5 the path without the first slash.
using StoredArrays = std::map<std::string, StoredArray>;

inline constexpr std::uint64_t kMaxStoredElements = 1ULL << 27;  ///< of all arrays of one file together

/// The arrays of an .npz or HDF5 file, told apart by their first bytes. Files may come from anywhere: nothing
/// in them makes this crash, hang or allocate more than they hold. Throws InputError naming file and array.
StoredArrays read_stored_arrays(const std::filesystem::path& file);

/// The .npz part. Members may be compressed; types: booleans, integers, float16 to float64, text; any byte
/// order.
StoredArrays read_npz(const std::filesystem::path& file);

}  // namespace memprop::host
