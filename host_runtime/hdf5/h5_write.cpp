#include <fmt/format.h>

#include <algorithm>

#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/hdf5/identifiers.hpp"

namespace memprop::host::h5 {
namespace {

Shape chunk_for(const Shape& shape, std::size_t element_bytes) {
    constexpr std::uint64_t kTargetBytes = 1 << 20;
    Shape chunk = shape;
    for (std::uint64_t& extent : chunk) {
        extent = std::max<std::uint64_t>(extent, 1);
    }
    for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
        const std::uint64_t bytes = element_count(chunk) * element_bytes;
        if (bytes <= kTargetBytes) {
            break;
        }
        chunk[axis] = std::max<std::uint64_t>(1, chunk[axis] * kTargetBytes / bytes);
    }
    return chunk;
}

/// Creates the dataset; invalid (negative) if that fails.
hid_t create_dataset(hid_t file, const std::string& path, hid_t type, const Shape& shape,
                     const Storage& storage, std::size_t element_bytes) {
    const std::vector<hsize_t> extents(shape.begin(), shape.end());
    const Handle space(shape.empty()
                           ? H5Screate(H5S_SCALAR)
                           : H5Screate_simple(static_cast<int>(shape.size()), extents.data(), nullptr),
                       H5Sclose);
    const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_char_encoding(links, H5T_CSET_UTF8);
    const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(creation, false);
    constexpr std::uint64_t kSmallBytes = 4096;  // a chunk index costs more than such data
    const std::uint64_t bytes = element_count(shape) * element_bytes;
    const bool compress = storage.gzip_level > 0 && bytes > kSmallBytes;
    if (!shape.empty() && bytes > 0 && (compress || !storage.chunk.empty())) {
        const Shape chunk = storage.chunk.empty() ? chunk_for(shape, element_bytes) : storage.chunk;
        const std::vector<hsize_t> chunk_extents(chunk.begin(), chunk.end());
        H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk_extents.data());
        if (compress) {
            H5Pset_deflate(creation, static_cast<unsigned>(storage.gzip_level));
        }
    }
    return H5Dcreate2(file, path.c_str(), type, space, links, creation, H5P_DEFAULT);
}

}  // namespace

void File::create_group(const std::string& path) {
    silence();
    if (exists(path)) {
        if (!is_group(path)) {
            fail(path, "exists and is not a group");
        }
        return;
    }
    const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_char_encoding(links, H5T_CSET_UTF8);
    const Handle group(H5Gcreate2(handle_, path.c_str(), links, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    if (!group.valid()) {
        fail(path, "group cannot be created");
    }
}

template <class T>
void File::write(const std::string& dataset, std::span<const T> data, const Shape& shape,
                 const Storage& storage) {
    silence();
    if (data.size() != element_count(shape)) {
        fail(dataset, fmt::format("{} values for shape [{}]", data.size(), fmt::join(shape, ", ")));
    }
    bool ok = false;
    if constexpr (std::is_same_v<T, std::string>) {
        const Handle type(string_type(H5T_CSET_UTF8), H5Tclose);
        const Handle id(create_dataset(handle_, dataset, type, shape, storage, sizeof(char*)), H5Dclose);
        std::vector<const char*> pointers;
        pointers.reserve(data.size());
        for (const std::string& text : data) {
            pointers.push_back(text.c_str());
        }
        ok = id.valid() &&
             (data.empty() || H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0);
    } else {
        const Handle id(create_dataset(handle_, dataset, native_type<T>(), shape, storage, sizeof(T)),
                        H5Dclose);
        ok = id.valid() && (data.empty() ||
                            H5Dwrite(id, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()) >= 0);
    }
    if (!ok) {
        fail(dataset, "cannot be written");
    }
}

void File::write_booleans(const std::string& dataset, std::span<const std::uint8_t> data,
                          const Shape& shape) {
    silence();
    const Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose);
    const std::int8_t no = 0, yes = 1;
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
    const Handle id(create_dataset(handle_, dataset, type, shape, {}, 1), H5Dclose);
    if (data.size() != element_count(shape) || !id.valid() ||
        (!data.empty() && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()) < 0)) {
        fail(dataset, "cannot be written");
    }
}

template <class T>
void File::write_attribute(const std::string& path, const std::string& name, const T& value) {
    silence();
    const Handle object(H5Oopen(handle_, path.c_str(), H5P_DEFAULT), H5Oclose);
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    if constexpr (std::is_same_v<T, std::string>) {
        const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
        H5Tset_size(type, H5T_VARIABLE);
        H5Tset_cset(type, H5T_CSET_UTF8);
        const Handle id(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
        const char* text = value.c_str();
        if (!id.valid() || H5Awrite(id, type, &text) < 0) {
            fail(path, "cannot be given attributes");
        }
    } else {
        const hid_t type = native_type<T>();
        const Handle id(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
        if (!id.valid() || H5Awrite(id, type, &value) < 0) {
            fail(path, "cannot be given attributes");
        }
    }
}
template void File::write_attribute(const std::string&, const std::string&, const std::string&);
template void File::write_attribute(const std::string&, const std::string&, const double&);
template void File::write_attribute(const std::string&, const std::string&, const std::int64_t&);

template <class T>
void File::write_sequences(const std::string& dataset, const std::vector<std::vector<T>>& rows) {
    silence();
    const Handle type(H5Tvlen_create(native_type<T>()), H5Tclose);
    const Handle id(create_dataset(handle_, dataset, type, {rows.size()}, {}, sizeof(hvl_t)), H5Dclose);
    std::vector<hvl_t> sequences;
    sequences.reserve(rows.size());
    for (const std::vector<T>& row : rows) {
        sequences.push_back({row.size(), const_cast<T*>(row.data())});  // only read
    }
    if (!id.valid() ||
        (!rows.empty() && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, sequences.data()) < 0)) {
        fail(dataset, "cannot be written");
    }
}

// The element types of the header.
#define MEMPROP_H5_ELEMENT(T) \
    template void File::write<T>(const std::string&, std::span<const T>, const Shape&, const Storage&);
#define MEMPROP_H5_NUMBER(T) \
    MEMPROP_H5_ELEMENT(T)    \
    template void File::write_sequences<T>(const std::string&, const std::vector<std::vector<T>>&);
MEMPROP_H5_NUMBERS(MEMPROP_H5_NUMBER)
MEMPROP_H5_ELEMENT(std::string)
#undef MEMPROP_H5_NUMBER
#undef MEMPROP_H5_ELEMENT

}  // namespace memprop::host::h5
