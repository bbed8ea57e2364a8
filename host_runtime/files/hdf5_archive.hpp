// Checkpoint state in HDF5: the two directions of StateArchive.
#pragma once

#include <string>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host {

/// Writes every value as a dataset below `root`.
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
    void write(std::string_view name, const std::vector<T>& values) {
        file_.write(path_ + "/" + std::string(name), values);
    }

    h5::File& file_;
    std::string path_;
};

/// Reads what Hdf5Writer wrote into objects of the same configuration. Throws InputError naming file and
/// dataset if one is missing or an array has another length than the object needs (empty vectors take
/// any length).
class Hdf5Reader : public StateArchive {
public:
    Hdf5Reader(const h5::File& file, std::string root) : file_(file), path_(std::move(root)) {}

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
    void read(std::string_view name, std::vector<T>& values);

    const h5::File& file_;
    std::string path_;
};

}  // namespace memprop::host
