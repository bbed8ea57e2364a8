#include "host_runtime/hdf5/h5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "host_runtime/hdf5/decode.hpp"
#include "host_runtime/hdf5/identifiers.hpp"

namespace memprop::host::h5 {
namespace {

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
    require_regular_file(file, "an HDF5 file");  // the library would wait for a pipe without an end
    result.handle_ = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    if (result.handle_ < 0) {
        result.fail("", "cannot be opened as an HDF5 file");
    }
    return result;
}

File File::open_image(const std::filesystem::path& file, std::span<const char> bytes) {
    silence();
    File result(-1, file.string(), false);
    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    constexpr std::size_t kGrowth = std::size_t{1} << 20;
    H5Pset_fapl_core(access, kGrowth, false);
    // The library copies the image and does not write to it; its interface knows no const.
    H5Pset_file_image(access, const_cast<char*>(bytes.data()), bytes.size());
    // An image must not have the name of a file that there is; below a file there is none.
    result.handle_ = H5Fopen((file / "image").c_str(), H5F_ACC_RDONLY, access);
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

std::vector<char> File::take_image() {
    const ssize_t size =
        H5Fflush(handle_, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(handle_, nullptr, 0);
    std::vector<char> image(size < 0 ? 0 : static_cast<std::size_t>(size));
    if (size < 0 || H5Fget_file_image(handle_, image.data(), image.size()) != size) {
        fail("", "cannot be completed");
    }
    if (H5Fclose(std::exchange(handle_, -1)) < 0) {
        fail("", "cannot be closed");
    }
    return image;
}

void File::close() {
    if (handle_ < 0) {
        return;
    }
    if (!writing_) {
        if (H5Fclose(std::exchange(handle_, -1)) < 0) {
            fail("", "cannot be closed");
        }
        return;
    }
    const std::vector<char> image = take_image();
    std::ofstream out(name_, std::ios::binary | std::ios::trunc);
    out.write(image.data(), static_cast<std::streamsize>(image.size()));
    out.close();
    if (!out) {
        throw RunError(fmt::format("{}: cannot be written: {}", name_, std::strerror(errno)));
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
        made_progress();
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

}  // namespace memprop::host::h5
