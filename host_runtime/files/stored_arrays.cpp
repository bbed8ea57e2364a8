#include "host_runtime/files/stored_arrays.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <string_view>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/read_tree.hpp"

namespace memprop::host {
namespace {

void collect(const nir::Group& group, const std::string& path, StoredArrays& arrays) {
    for (const nir::Dataset& dataset : group.datasets) {
        StoredArray array{dataset.shape, {}, {}};
        std::visit(
            [&](const auto& values) {
                using Held = std::decay_t<decltype(values)>;
                if constexpr (std::is_same_v<Held, std::vector<std::string>>) {
                    array.texts = values;
                } else if constexpr (!std::is_same_v<Held, std::monostate>) {
                    array.values.assign(values.begin(), values.end());
                }
            },
            dataset.values);
        arrays.emplace(path + dataset.name, std::move(array));
    }
    for (const nir::Group& child : group.groups) {
        collect(child, path + child.name + "/", arrays);
    }
}

StoredArrays read_hdf5(const std::filesystem::path& file) {
    // Numbers are held twice, as read and as sent; the time is for slow machines.
    constexpr h5::DecodeLimits kLimits{.cpu_seconds = 60, .memory_bytes = 4 * 8 * kMaxStoredElements};
    StoredArrays arrays;
    h5::decode_in_child(
        file, kLimits,
        [&](const h5::Sink& sink) {
            sink(nir::serialise(nir::read_everything(h5::File::open(file), kMaxStoredElements)));
        },
        [&](std::span<const char> bytes) { collect(nir::deserialise(bytes), "", arrays); });
    return arrays;
}

}  // namespace

StoredArrays read_stored_arrays(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        throw InputError(fmt::format("{}: does not exist", file.string()));
    }
    if (!std::filesystem::is_regular_file(status)) {
        throw InputError(fmt::format("{}: must be a regular file", file.string()));
    }
    std::array<char, 8> start{};
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        throw InputError(fmt::format("{}: cannot be read", file.string()));
    }
    in.read(start.data(), start.size());
    const std::string_view found(start.data(), static_cast<std::size_t>(in.gcount()));
    if (found.starts_with("PK")) {
        return read_npz(file);
    }
    if (found == "\x89HDF\r\n\x1a\n") {
        return read_hdf5(file);
    }
    throw InputError(fmt::format("{}: is neither an .npz nor an HDF5 file", file.string()));
}

}  // namespace memprop::host
