// Checkpoint state in HDF5: the two directions of StateArchive.
#pragma once

#include <string>
#include <utility>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/files/value_ranges.hpp"
#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host {

/// Writes every value as a dataset below `root`. Throws RunError naming a value that is not finite.
class Hdf5Writer final : public StateArchive {
public:
    Hdf5Writer(h5::File& file, std::string root) : file_(file), path_(std::move(root)) {}

    void operator()(std::string_view name, std::vector<float>& values) override { write(name, values); }
    void operator()(std::string_view name, std::vector<double>& values) override { write(name, values); }
    void operator()(std::string_view name, std::vector<std::int32_t>& values) override {
        write(name, values);
    }
    void operator()(std::string_view name, std::vector<std::uint32_t>& values) override {
        write(name, values);
    }
    void operator()(std::string_view name, std::uint64_t& value) override;
    void operator()(std::string_view name, double& value) override;
    void enter(std::string_view name) override;
    void leave() override;

private:
    template <class T>
    void write(std::string_view name, const std::vector<T>& values);

    h5::File& file_;
    std::string path_;
};

/// Reads what Hdf5Writer wrote into objects of the same configuration. Throws InputError naming file and
/// dataset if one is missing, has another type or shape than Hdf5Writer gives it, another length than the
/// object needs (empty vectors take any length), or a value out of its range.
class Hdf5Reader : public StateArchive {
public:
    Hdf5Reader(const h5::File& file, std::string root, ValueRanges ranges = {})
        : file_(file), path_(std::move(root)), ranges_(std::move(ranges)) {}

    void operator()(std::string_view name, std::vector<float>& values) override { read(name, values); }
    void operator()(std::string_view name, std::vector<double>& values) override { read(name, values); }
    void operator()(std::string_view name, std::vector<std::int32_t>& values) override { read(name, values); }
    void operator()(std::string_view name, std::vector<std::uint32_t>& values) override {
        read(name, values);
    }
    void operator()(std::string_view name, std::uint64_t& value) override;
    void operator()(std::string_view name, double& value) override;
    void enter(std::string_view name) override;
    void leave() override;
    bool holds(std::string_view name) const override { return file_.exists(path_ + "/" + std::string(name)); }

private:
    template <class T>
    std::vector<T> read_checked(std::string_view name, bool scalar) const;
    template <class T>
    void read(std::string_view name, std::vector<T>& values);

    const h5::File& file_;
    std::string path_;
    ValueRanges ranges_;
};

}  // namespace memprop::host
