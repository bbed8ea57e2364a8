#include "host_runtime/files/hdf5_archive.hpp"

#include <fmt/format.h>

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

}  // namespace

void Hdf5Writer::operator()(std::string_view name, std::uint64_t& value) {
    file_.write_scalar(fmt::format("{}/{}", path_, name), value);
}
void Hdf5Writer::operator()(std::string_view name, double& value) {
    file_.write_scalar(fmt::format("{}/{}", path_, name), value);
}
void Hdf5Writer::enter(std::string_view name) {
    enter_path(path_, name);
}
void Hdf5Writer::leave() {
    leave_path(path_);
}

void Hdf5Reader::operator()(std::string_view name, std::uint64_t& value) {
    value = file_.read_scalar<std::uint64_t>(fmt::format("{}/{}", path_, name));
}
void Hdf5Reader::operator()(std::string_view name, double& value) {
    value = file_.read_scalar<double>(fmt::format("{}/{}", path_, name));
}
void Hdf5Reader::enter(std::string_view name) {
    enter_path(path_, name);
}
void Hdf5Reader::leave() {
    leave_path(path_);
}

template <class T>
void Hdf5Reader::read(std::string_view name, std::vector<T>& values) {
    const std::string path = fmt::format("{}/{}", path_, name);
    std::vector<T> stored = file_.read<T>(path);
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
