#include "host_runtime/files/hdf5_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

void enter_path(std::string& path, std::string_view name) {
    path += '/';
    path += name;
}

void leave_path(std::string& path) {
    path.resize(path.rfind('/'));
}

constexpr double kMostCount = 9007199254740992.0;  // 2^53

template <class T>
bool all_finite(const std::vector<T>& values) {
    if constexpr (std::is_floating_point_v<T>) {
        return std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
    }
    return true;
}

template <class T>
constexpr h5::ElementKind kind_of() {
    return std::is_floating_point_v<T> ? h5::ElementKind::floating
           : std::is_signed_v<T>       ? h5::ElementKind::integer
                                       : h5::ElementKind::unsigned_integer;
}

template <class T>
constexpr ValueRange range_without_name() {
    return std::is_floating_point_v<T> ? ValueRange{}
                                       : ValueRange{std::is_signed_v<T> ? -kMostCount : 0.0, kMostCount};
}

}  // namespace

template <class T>
void Hdf5Writer::write(std::string_view name, const std::vector<T>& values) {
    if (!all_finite(values)) {
        throw RunError(
            fmt::format("the state is no longer finite ({}/{}): learning has diverged", path_, name));
    }
    file_.write(fmt::format("{}/{}", path_, name), values);
}
template void Hdf5Writer::write(std::string_view, const std::vector<float>&);
template void Hdf5Writer::write(std::string_view, const std::vector<double>&);
template void Hdf5Writer::write(std::string_view, const std::vector<std::int32_t>&);
template void Hdf5Writer::write(std::string_view, const std::vector<std::uint32_t>&);

void Hdf5Writer::operator()(std::string_view name, std::uint64_t& value) {
    file_.write_scalar(fmt::format("{}/{}", path_, name), value);
}
void Hdf5Writer::operator()(std::string_view name, double& value) {
    if (!std::isfinite(value)) {
        throw RunError(
            fmt::format("the state is no longer finite ({}/{}): learning has diverged", path_, name));
    }
    file_.write_scalar(fmt::format("{}/{}", path_, name), value);
}
void Hdf5Writer::enter(std::string_view name) {
    enter_path(path_, name);
}
void Hdf5Writer::leave() {
    leave_path(path_);
}

void Hdf5Reader::operator()(std::string_view name, std::uint64_t& value) {
    value = read_checked<std::uint64_t>(name, true).front();
}
void Hdf5Reader::operator()(std::string_view name, double& value) {
    value = read_checked<double>(name, true).front();
}
void Hdf5Reader::enter(std::string_view name) {
    enter_path(path_, name);
}
void Hdf5Reader::leave() {
    leave_path(path_);
}

/// What a dataset claims is held against the bytes that it has, before anything is allocated for it.
template <class T>
std::vector<T> Hdf5Reader::read_checked(std::string_view name, bool scalar) const {
    const std::string path = fmt::format("{}/{}", path_, name);
    const h5::DatasetInfo info = file_.info(path);
    const std::uint64_t count = h5::element_count(info.shape);
    if (info.kind != kind_of<T>() || info.element_bytes != sizeof(T) || info.elsewhere || info.empty_space ||
        info.shape.size() != (scalar ? 0U : 1U) || info.stored_bytes / sizeof(T) != count) {
        throw InputError(fmt::format("{}: {}: must be {} of {}-byte {}s, as it was written", file_.name(),
                                     path, scalar ? "one number" : "a vector", sizeof(T),
                                     to_string(kind_of<T>())));
    }
    std::vector<T> values = file_.read<T>(path);
    const ValueRange range = ranges_.of(name, range_without_name<T>());
    for (const T value : values) {
        if (!range.holds(static_cast<double>(value))) {
            throw InputError(fmt::format("{}: {}: has the value {}, which must be in [{:g}, {:g}]",
                                         file_.name(), path, value, range.least, range.most));
        }
    }
    return values;
}

template <class T>
void Hdf5Reader::read(std::string_view name, std::vector<T>& values) {
    const std::string path = fmt::format("{}/{}", path_, name);
    std::vector<T> stored = read_checked<T>(name, false);
    if (!values.empty() && stored.size() != values.size()) {
        throw InputError(fmt::format("{}: {} has {} values, this network needs {}", file_.name(), path,
                                     stored.size(), values.size()));
    }
    values = std::move(stored);
}
template void Hdf5Reader::read(std::string_view, std::vector<float>&);
template void Hdf5Reader::read(std::string_view, std::vector<double>&);
template void Hdf5Reader::read(std::string_view, std::vector<std::int32_t>&);
template void Hdf5Reader::read(std::string_view, std::vector<std::uint32_t>&);

}  // namespace memprop::host
