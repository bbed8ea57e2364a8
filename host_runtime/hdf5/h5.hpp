// A thin owner of HDF5 files over the C API: groups and n-dimensional datasets, row-major, addressed by
// absolute or root-relative paths ("node/nodes/lif/tau").
// Reading fails with InputError, writing with RunError; both name file, path and HDF5's first cause.
// HDF5's own error printing is off. Element types: std::uint8_t, std::int16_t, std::int32_t,
// std::uint32_t, std::int64_t, std::uint64_t, float, double, std::string (variable-length UTF-8;
// fixed-length strings are read too). Numbers convert between types as HDF5 does (saturating).
// Not for hostile files by itself: the library can crash on them; decode those in a child process.
// Object times are not stored, so equal content gives equal bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace memprop::host::h5 {

using Shape = std::vector<std::uint64_t>;  ///< empty: a scalar (0-d)

/// Product of the extents, 1 for a scalar; the largest value if it does not fit.
std::uint64_t element_count(const Shape& shape);

enum class ElementKind { integer, unsigned_integer, boolean, floating, string, variable_length, other };
std::string_view to_string(ElementKind kind);

/// What a dataset claims to be; nothing of its data is read for this.
struct DatasetInfo {
    Shape shape;
    ElementKind kind = ElementKind::other;
    std::uint64_t element_bytes = 0;  ///< in the file; for variable-length elements HDF5's handle
    std::uint64_t stored_bytes = 0;   ///< allocated in the file, after compression
    bool elsewhere = false;           ///< data in other files (external or virtual storage)
    bool empty_space = false;         ///< HDF5's null dataspace: no element at all
};

enum class LinkKind { group, dataset, other };  ///< other: soft, external and user links, named types

struct Link {
    std::string name;
    LinkKind kind = LinkKind::other;
    std::uint64_t object = 0;  ///< address in the file: the same for two hard links to one object
};

/// Storage of a new dataset. Compression needs chunks; it is skipped for small and scalar data.
struct Storage {
    int gzip_level = 0;  ///< 0 (contiguous, not compressed) to 9
    Shape chunk;         ///< empty: chosen, about 1 MiB per chunk
};

class File {
public:
    static File open(const std::filesystem::path& file);  ///< read-only
    /// Read-only, from the bytes of a file that have been read already; `file` is for messages. Copies them.
    static File open_image(const std::filesystem::path& file, std::span<const char> bytes);
    /// A new file, kept in memory and written by close(), which replaces what was there.
    static File create(const std::filesystem::path& file);

    File(File&& other) noexcept
        : handle_(std::exchange(other.handle_, -1)),
          name_(std::move(other.name_)),
          writing_(other.writing_) {}
    File& operator=(File&& other) noexcept;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File();

    /// Writes a new file to disk; without it, none appears.
    void close();
    /// The bytes of a new file, which is closed and not written.
    std::vector<char> take_image();

    const std::string& name() const { return name_; }

    bool exists(const std::string& path) const;  ///< false also if a parent is missing
    bool is_group(const std::string& path) const;
    bool is_dataset(const std::string& path) const;
    std::vector<Link> children(const std::string& group) const;  ///< in byte order of the names
    std::uint64_t child_count(const std::string& group) const;   ///< without listing them
    DatasetInfo info(const std::string& dataset) const;

    /// All elements, row-major; refuses more than `max_elements` before allocating.
    template <class T>
    std::vector<T> read(const std::string& dataset, std::uint64_t max_elements = 1ULL << 31) const;

    /// The one element of a scalar or of any dataset with exactly one element.
    template <class T>
    T read_scalar(const std::string& dataset) const;

    /// The block [offset, offset + count) along every axis, row-major.
    template <class T>
    std::vector<T> read_block(const std::string& dataset, const Shape& offset, const Shape& count) const;

    /// One element of a dataset of variable-length sequences (one row of SHD's spikes/times).
    template <class T>
    std::vector<T> read_sequence(const std::string& dataset, std::uint64_t row,
                                 std::uint64_t max_elements = 1ULL << 31) const;

    void create_group(const std::string& path);  ///< with its parents; fine if it exists

    /// A new dataset; missing parent groups are created. Needs data.size() == element_count(shape).
    template <class T>
    void write(const std::string& dataset, std::span<const T> data, const Shape& shape,
               const Storage& storage = {});
    template <class T>
    void write(const std::string& dataset, const std::vector<T>& data, const Shape& shape,
               const Storage& storage = {}) {
        write(dataset, std::span<const T>(data), shape, storage);
    }
    /// One-dimensional.
    template <class T>
    void write(const std::string& dataset, const std::vector<T>& data) {
        write(dataset, std::span<const T>(data), {data.size()});
    }
    template <class T>
    void write_scalar(const std::string& dataset, const T& value) {
        write(dataset, std::span<const T>(&value, 1), {});
    }
    /// An attribute with one value on an existing group or dataset: a string, a double or an int64.
    template <class T>
    void write_attribute(const std::string& path, const std::string& name, const T& value);
    /// Booleans the way h5py stores them: an enumeration of FALSE and TRUE.
    void write_booleans(const std::string& dataset, std::span<const std::uint8_t> data, const Shape& shape);
    /// A dataset of variable-length sequences, one per row (the layout of SHD).
    template <class T>
    void write_sequences(const std::string& dataset, const std::vector<std::vector<T>>& rows);

private:
    using Id = std::int64_t;  // hid_t

    File(Id handle, std::string name, bool writing)
        : handle_(handle), name_(std::move(name)), writing_(writing) {}
    [[noreturn]] void fail(std::string_view path, std::string_view what) const;

    Id handle_ = -1;
    std::string name_;
    bool writing_ = false;
};

}  // namespace memprop::host::h5
