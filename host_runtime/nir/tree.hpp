// The content of an HDF5 group in memory, free of HDF5: what the decoding child process hands over.
// A tree is only data; schema.hpp gives it meaning.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host::nir {

using h5::Shape;

/// std::monostate: known by shape and type only, not loaded.
using Values = std::variant<std::monostate, std::vector<float>, std::vector<double>,
                            std::vector<std::int64_t>, std::vector<std::string>>;

/// unsupported: a kind of HDF5 data this tree cannot carry; tolerated (and dropped) in metadata only.
enum class ElementType : std::uint8_t { float32, float64, int64, boolean, string, unsupported };
std::string_view to_string(ElementType type);

struct Dataset {
    std::string name;
    ElementType type = ElementType::float64;
    Shape shape;    ///< empty: scalar
    Values values;  ///< row-major; float32 -> float, float64 -> double, int64 and boolean -> int64

    bool loaded() const { return !std::holds_alternative<std::monostate>(values); }
    bool is_number() const { return type < ElementType::string; }
    bool operator==(const Dataset&) const = default;
};

struct Group {
    std::string name;
    std::vector<Dataset> datasets;  ///< in byte order of the names
    std::vector<Group> groups;      ///< in byte order of the names

    const Dataset* find_dataset(std::string_view dataset_name) const;
    const Group* find_group(std::string_view group_name) const;
    bool operator==(const Group&) const = default;
};

inline constexpr std::uint64_t kMaxParameterElements = 1ULL << 31;
inline constexpr unsigned kMaxDepth = 64;               ///< of groups; every nested graph takes two
inline constexpr std::uint64_t kMaxObjects = 1U << 20;  ///< groups and datasets of one file

using h5::Sink;

/// Sends all bytes of the values of a dataset that is not loaded: (its group, its path, itself, sink).
using Loader = std::function<void(const Group&, const std::string&, const Dataset&, const Sink&)>;

/// Bytes for another process or a fuzz corpus. Datasets that are not loaded stay so, or go through
/// the loader if there is one, so that a large file never lies in memory as a whole.
std::string serialise(const Group& group);
void serialise(const Group& group, const Loader& load, const Sink& sink);

/// Trusts nothing: checks every count against the bytes that are there, names for order and
/// uniqueness, the limits above, and shapes against values.
Group deserialise(std::span<const char> bytes);  ///< throws InputError

}  // namespace memprop::host::nir
