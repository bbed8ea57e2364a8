#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "crossbar/base/error.hpp"
#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/hdf5/identifiers.hpp"

namespace memprop::host::h5 {
namespace {

bool is_boolean(hid_t type) {  // h5py: an enumeration of FALSE = 0, TRUE = 1 over int8
    return H5Tget_class(type) == H5T_ENUM && H5Tget_nmembers(type) == 2 && H5Tget_size(type) == 1;
}

ElementKind kind_of(hid_t type) {
    switch (H5Tget_class(type)) {
        case H5T_INTEGER:
            return H5Tget_sign(type) == H5T_SGN_NONE ? ElementKind::unsigned_integer : ElementKind::integer;
        case H5T_FLOAT:
            return ElementKind::floating;
        case H5T_STRING:
            return ElementKind::string;
        case H5T_VLEN:
            return ElementKind::variable_length;
        case H5T_ENUM:
            return is_boolean(type) ? ElementKind::boolean : ElementKind::other;
        default:
            return ElementKind::other;
    }
}

template <class T>
bool readable_as(ElementKind kind) {
    if constexpr (std::is_same_v<T, std::string>) {
        return kind == ElementKind::string;
    } else {
        return kind == ElementKind::integer || kind == ElementKind::unsigned_integer ||
               kind == ElementKind::boolean || kind == ElementKind::floating;
    }
}

/// Reads the selection `file_space` (count elements) of strings, of variable or fixed length.
bool read_strings(hid_t dataset, hid_t file_type, hid_t memory_space, hid_t file_space,
                  std::vector<std::string>& out) {
    if (H5Tis_variable_str(file_type) > 0) {
        const Handle type(string_type(H5Tget_cset(file_type)), H5Tclose);
        std::vector<char*> pointers(out.size(), nullptr);
        const bool ok = H5Dread(dataset, type, memory_space, file_space, H5P_DEFAULT, pointers.data()) >= 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (pointers[i] != nullptr) {
                out[i] = pointers[i];
                H5free_memory(pointers[i]);
            }
        }
        return ok;
    }
    const std::size_t width = H5Tget_size(file_type);
    std::vector<char> text(out.size() * width);
    if (H5Dread(dataset, file_type, memory_space, file_space, H5P_DEFAULT, text.data()) < 0) {
        return false;
    }
    const bool padded = H5Tget_strpad(file_type) == H5T_STR_SPACEPAD;
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::string_view field(&text[i * width], width);
        field = field.substr(0, field.find('\0'));
        if (padded) {
            field = field.substr(0, field.find_last_not_of(' ') + 1);
        }
        out[i] = field;
    }
    return true;
}

template <class T>
bool read_selection(hid_t dataset, hid_t file_type, hid_t memory_space, hid_t file_space,
                    std::vector<T>& out) {
    if (out.empty()) {
        return true;
    }
    if constexpr (std::is_same_v<T, std::string>) {
        return read_strings(dataset, file_type, memory_space, file_space, out);
    } else {
        return H5Dread(dataset, native_type<T>(), memory_space, file_space, H5P_DEFAULT, out.data()) >= 0;
    }
}

}  // namespace

DatasetInfo File::info(const std::string& dataset) const {
    made_progress();
    silence();
    const Handle id(H5Dopen2(handle_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle type(id.valid() ? H5Dget_type(id) : -1, H5Tclose);
    const Handle space(id.valid() ? H5Dget_space(id) : -1, H5Sclose);
    const Handle creation(id.valid() ? H5Dget_create_plist(id) : -1, H5Pclose);
    if (!type.valid() || !space.valid() || !creation.valid()) {
        fail(dataset, "is not a readable dataset");
    }
    DatasetInfo result;
    const int rank = H5Sget_simple_extent_ndims(space);
    if (rank < 0) {
        fail(dataset, "its shape cannot be read");
    }
    std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space, extents.data(), nullptr);
    result.shape.assign(extents.begin(), extents.end());
    result.empty_space = H5Sget_simple_extent_type(space) == H5S_NULL;
    result.kind = kind_of(type);
    result.element_bytes = H5Tget_size(type);
    result.stored_bytes = H5Dget_storage_size(id);
    result.elsewhere = H5Pget_layout(creation) == H5D_VIRTUAL ||
                       (H5Pget_layout(creation) == H5D_CONTIGUOUS && H5Pget_external_count(creation) > 0);
    return result;
}

template <class T>
std::vector<T> File::read_block(const std::string& dataset, const Shape& offset, const Shape& count) const {
    made_progress();
    silence();
    const Handle id(H5Dopen2(handle_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle type(id.valid() ? H5Dget_type(id) : -1, H5Tclose);
    const Handle file_space(id.valid() ? H5Dget_space(id) : -1, H5Sclose);
    if (!type.valid() || !file_space.valid()) {
        fail(dataset, "is not a readable dataset");
    }
    const ElementKind kind = kind_of(type);
    if (!readable_as<T>(kind)) {
        fail(dataset, fmt::format("holds elements of kind {}, {} needed", to_string(kind),
                                  std::is_same_v<T, std::string> ? "strings" : "numbers"));
    }
    const int rank = H5Sget_simple_extent_ndims(file_space);
    if (offset.size() != count.size() || static_cast<std::size_t>(rank) != count.size()) {
        fail(dataset, fmt::format("has {} dimensions, {} were expected", rank, count.size()));
    }
    std::vector<T> out(element_count(count));
    if (rank == 0) {
        if (!read_selection(id, type, H5S_ALL, H5S_ALL, out)) {
            fail(dataset, "cannot be read");
        }
        return out;
    }
    const std::vector<hsize_t> start(offset.begin(), offset.end()), extent(count.begin(), count.end());
    const Handle memory_space(H5Screate_simple(rank, extent.data(), nullptr), H5Sclose);
    if (!out.empty() &&
        (H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0 ||
         H5Sselect_valid(file_space) <= 0 || !read_selection(id, type, memory_space, file_space, out))) {
        fail(dataset, "cannot be read");
    }
    return out;
}

template <class T>
std::vector<T> File::read(const std::string& dataset, std::uint64_t max_elements) const {
    const DatasetInfo claimed = info(dataset);
    const std::uint64_t count = claimed.empty_space ? 0 : element_count(claimed.shape);
    if (count > max_elements) {
        fail(dataset, fmt::format("has shape [{}], more than the {} elements allowed",
                                  fmt::join(claimed.shape, ", "), max_elements));
    }
    if (claimed.empty_space) {
        return {};
    }
    return read_block<T>(dataset, Shape(claimed.shape.size(), 0), claimed.shape);
}

template <class T>
T File::read_scalar(const std::string& dataset) const {
    std::vector<T> values = read<T>(dataset, 1);
    if (values.size() != 1) {
        fail(dataset, "is empty, one element is needed");
    }
    return std::move(values.front());
}

template <class T>
std::vector<T> File::read_sequence(const std::string& dataset, std::uint64_t row,
                                   std::uint64_t max_elements) const {
    silence();
    const DatasetInfo claimed = info(dataset);
    if (claimed.kind != ElementKind::variable_length || claimed.shape.size() != 1) {
        fail(dataset, "is not a vector of variable-length sequences");
    }
    if (row >= claimed.shape[0]) {
        fail(dataset, fmt::format("has {} rows, row {} was asked for", claimed.shape[0], row));
    }
    const Handle id(H5Dopen2(handle_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle file_type(H5Dget_type(id), H5Tclose);
    const Handle base(H5Tget_super(file_type), H5Tclose);
    if (!base.valid() || !readable_as<T>(kind_of(base))) {
        fail(dataset, "does not hold sequences of numbers");
    }
    const Handle type(H5Tvlen_create(native_type<T>()), H5Tclose);
    const Handle file_space(H5Dget_space(id), H5Sclose);
    const hsize_t start = row, one = 1;
    const Handle memory_space(H5Screate_simple(1, &one, nullptr), H5Sclose);
    hvl_t sequence{0, nullptr};
    hsize_t bytes = 0;
    if (H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, nullptr, &one, nullptr) < 0 ||
        H5Dvlen_get_buf_size(id, type, file_space, &bytes) < 0) {
        fail(dataset, fmt::format("row {} cannot be read", row));
    }
    if (bytes / sizeof(T) > max_elements) {
        fail(dataset, fmt::format("row {} has {} elements, at most {} are allowed", row, bytes / sizeof(T),
                                  max_elements));
    }
    if (H5Dread(id, type, memory_space, file_space, H5P_DEFAULT, &sequence) < 0) {
        fail(dataset, fmt::format("row {} cannot be read", row));
    }
    const T* first = static_cast<const T*>(sequence.p);
    std::vector<T> out(first, first + sequence.len);
    H5Dvlen_reclaim(type, memory_space, H5P_DEFAULT, &sequence);
    return out;
}

// The element types of the header.
#define MEMPROP_H5_ELEMENT(T)                                                       \
    template std::vector<T> File::read<T>(const std::string&, std::uint64_t) const; \
    template T File::read_scalar<T>(const std::string&) const;                      \
    template std::vector<T> File::read_block<T>(const std::string&, const Shape&, const Shape&) const;
#define MEMPROP_H5_NUMBER(T) \
    MEMPROP_H5_ELEMENT(T)    \
    template std::vector<T> File::read_sequence<T>(const std::string&, std::uint64_t, std::uint64_t) const;
MEMPROP_H5_NUMBERS(MEMPROP_H5_NUMBER)
MEMPROP_H5_ELEMENT(std::string)
#undef MEMPROP_H5_NUMBER
#undef MEMPROP_H5_ELEMENT

}  // namespace memprop::host::h5
