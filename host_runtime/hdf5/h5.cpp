#include "host_runtime/hdf5/h5.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <type_traits>

#include "crossbar/base/error.hpp"

namespace memprop::host::h5 {
namespace {

static_assert(std::is_same_v<hid_t, std::int64_t>);

/// An identifier and the function that gives it back.
class Handle {
public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close) : id_(id), close_(close) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (id_ >= 0) {
            close_(id_);
        }
    }
    operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): passed to C calls
    bool valid() const { return id_ >= 0; }

private:
    hid_t id_;
    Close close_;
};

void silence() {
    // The error stack and its printing belong to the thread.
    thread_local const bool done = (H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), true);
    (void)done;
}

/// The innermost message on HDF5's error stack: where it first went wrong.
std::string first_cause() {
    std::string cause;
    H5Ewalk2(
        H5E_DEFAULT, H5E_WALK_UPWARD,
        [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
            if (n == 0 && error->desc != nullptr) {
                *static_cast<std::string*>(out) = error->desc;
            }
            return 0;
        },
        &cause);
    H5Eclear2(H5E_DEFAULT);
    return cause;
}

template <class T>
hid_t native_type() {
    if constexpr (std::is_same_v<T, std::uint8_t>) {
        return H5T_NATIVE_UINT8;
    } else if constexpr (std::is_same_v<T, std::int16_t>) {
        return H5T_NATIVE_INT16;
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return H5T_NATIVE_INT32;
    } else if constexpr (std::is_same_v<T, std::uint32_t>) {
        return H5T_NATIVE_UINT32;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return H5T_NATIVE_INT64;
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
        return H5T_NATIVE_UINT64;
    } else if constexpr (std::is_same_v<T, float>) {
        return H5T_NATIVE_FLOAT;
    } else {
        static_assert(std::is_same_v<T, double>);
        return H5T_NATIVE_DOUBLE;
    }
}

hid_t string_type(H5T_cset_t charset) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, charset);
    return type;
}

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

}  // namespace

std::uint64_t element_count(const Shape& shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : shape) {
        if (__builtin_mul_overflow(count, extent, &count)) {
            return std::find(shape.begin(), shape.end(), 0U) != shape.end()
                       ? 0
                       : std::numeric_limits<std::uint64_t>::max();
        }
    }
    return count;
}

std::string_view to_string(ElementKind kind) {
    switch (kind) {
        case ElementKind::integer:
            return "integer";
        case ElementKind::unsigned_integer:
            return "unsigned integer";
        case ElementKind::boolean:
            return "boolean";
        case ElementKind::floating:
            return "floating point";
        case ElementKind::string:
            return "string";
        case ElementKind::variable_length:
            return "variable-length sequence";
        case ElementKind::other:
            break;
    }
    return "unsupported type";
}

void File::fail(std::string_view path, std::string_view what) const {
    const std::string cause = first_cause();
    const std::string message = fmt::format("{}: {}{}{}{}", name_, path, path.empty() ? "" : ": ", what,
                                            cause.empty() ? "" : " (HDF5: " + cause + ")");
    if (writing_) {
        throw RunError(message);
    }
    throw InputError(message);
}

File File::open(const std::filesystem::path& file) {
    silence();
    File result(-1, file.string(), false);
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        throw InputError(fmt::format("{}: no such file", file.string()));
    }
    if (std::filesystem::is_directory(file, error)) {
        throw InputError(fmt::format("{}: is a directory, not an HDF5 file", file.string()));
    }
    result.handle_ = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    if (result.handle_ < 0) {
        result.fail("", "cannot be opened as an HDF5 file");
    }
    return result;
}

File File::create(const std::filesystem::path& file) {
    silence();
    File result(-1, file.string(), true);
    // In memory until close(): the library crashes at exit after a write that failed on a full disk.
    constexpr std::size_t kGrowth = std::size_t{1} << 20;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, kGrowth, false);
    result.handle_ = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (result.handle_ < 0) {
        result.fail("", "cannot be created");
    }
    return result;
}

File& File::operator=(File&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(name_, other.name_);
    std::swap(writing_, other.writing_);
    return *this;
}

File::~File() {
    if (handle_ >= 0) {
        silence();
        H5Fclose(handle_);
    }
}

void File::close() {
    if (handle_ < 0) {
        return;
    }
    std::vector<char> image;
    if (writing_) {
        const ssize_t size =
            H5Fflush(handle_, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(handle_, nullptr, 0);
        image.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        if (size < 0 || H5Fget_file_image(handle_, image.data(), image.size()) != size) {
            fail("", "cannot be completed");
        }
    }
    if (H5Fclose(std::exchange(handle_, -1)) < 0) {
        fail("", "cannot be closed");
    }
    if (writing_) {
        std::ofstream out(name_, std::ios::binary | std::ios::trunc);
        out.write(image.data(), static_cast<std::streamsize>(image.size()));
        out.close();
        if (!out) {
            throw RunError(fmt::format("{}: cannot be written: {}", name_, std::strerror(errno)));
        }
    }
}

bool File::exists(const std::string& path) const {
    silence();
    // Every step must exist, or H5Lexists is an error.
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string step = path.substr(0, end);
        if (!step.empty() && step != "/" && H5Lexists(handle_, step.c_str(), H5P_DEFAULT) <= 0) {
            return false;
        }
        if (end == std::string::npos) {
            break;
        }
    }
    return path == "/" || H5Oexists_by_name(handle_, path.c_str(), H5P_DEFAULT) > 0;
}

namespace {
bool is_object(hid_t file, const std::string& path, H5O_type_t wanted) {
    H5O_info_t info;
    return H5Oget_info_by_name2(file, path.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           info.type == wanted;
}
}  // namespace

bool File::is_group(const std::string& path) const {
    return exists(path) && is_object(handle_, path, H5O_TYPE_GROUP);
}

bool File::is_dataset(const std::string& path) const {
    return exists(path) && is_object(handle_, path, H5O_TYPE_DATASET);
}

std::uint64_t File::child_count(const std::string& group) const {
    silence();
    H5G_info_t info;
    if (H5Gget_info_by_name(handle_, group.c_str(), &info, H5P_DEFAULT) < 0) {
        fail(group, "is not a readable group");
    }
    return info.nlinks;
}

std::vector<Link> File::children(const std::string& group) const {
    silence();
    const Handle id(H5Gopen2(handle_, group.c_str(), H5P_DEFAULT), H5Gclose);
    if (!id.valid()) {
        fail(group, "is not a readable group");
    }
    std::vector<Link> links;
    const auto add = [](hid_t parent, const char* name, const H5L_info_t* info, void* out) -> herr_t {
        Link link{name, LinkKind::other, 0};
        if (info->type == H5L_TYPE_HARD) {
            H5O_info_t object;
            if (H5Oget_info_by_name2(parent, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
                return -1;
            }
            link.kind = object.type == H5O_TYPE_GROUP     ? LinkKind::group
                        : object.type == H5O_TYPE_DATASET ? LinkKind::dataset
                                                          : LinkKind::other;
            link.object = object.addr;
        }
        static_cast<std::vector<Link>*>(out)->push_back(std::move(link));
        return 0;
    };
    if (H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add, &links) < 0) {
        fail(group, "its members cannot be listed");
    }
    std::sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.name < b.name; });
    return links;
}

DatasetInfo File::info(const std::string& dataset) const {
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

namespace {

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
#define MEMPROP_H5_ELEMENT(T)                                                                          \
    template std::vector<T> File::read<T>(const std::string&, std::uint64_t) const;                    \
    template T File::read_scalar<T>(const std::string&) const;                                         \
    template std::vector<T> File::read_block<T>(const std::string&, const Shape&, const Shape&) const; \
    template void File::write<T>(const std::string&, std::span<const T>, const Shape&, const Storage&);
#define MEMPROP_H5_NUMBER(T)                                                                                \
    MEMPROP_H5_ELEMENT(T)                                                                                   \
    template std::vector<T> File::read_sequence<T>(const std::string&, std::uint64_t, std::uint64_t) const; \
    template void File::write_sequences<T>(const std::string&, const std::vector<std::vector<T>>&);
MEMPROP_H5_NUMBER(std::uint8_t)
MEMPROP_H5_NUMBER(std::int16_t)
MEMPROP_H5_NUMBER(std::int32_t)
MEMPROP_H5_NUMBER(std::uint32_t)
MEMPROP_H5_NUMBER(std::int64_t)
MEMPROP_H5_NUMBER(std::uint64_t)
MEMPROP_H5_NUMBER(float)
MEMPROP_H5_NUMBER(double)
MEMPROP_H5_ELEMENT(std::string)
#undef MEMPROP_H5_NUMBER
#undef MEMPROP_H5_ELEMENT

}  // namespace memprop::host::h5
