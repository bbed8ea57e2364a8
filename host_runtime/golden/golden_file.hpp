// A file with inputs and results that another implementation has computed from them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/files/stored_arrays.hpp"

namespace memprop::host::golden {

/// Every failure is an InputError that names file, array, what was found and what is expected. Arrays that
/// were asked for or named as given are inputs; all others of the file are results to be compared.
class GoldenFile {
public:
    /// An .npz or HDF5 file.
    explicit GoldenFile(const std::string& file) : GoldenFile(file, read_stored_arrays(file)) {}
    GoldenFile(std::string name, StoredArrays arrays) : name_(std::move(name)), arrays_(std::move(arrays)) {}

    const std::string& name() const { return name_; }
    const StoredArrays& arrays() const { return arrays_; }
    /// What comes before `suffix` in the names of arrays that end with it, in byte order.
    std::vector<std::string> prefixes(std::string_view suffix) const;

    /// An input of this rank.
    const StoredArray& numbers(const std::string& array, std::size_t rank);
    /// An input of exactly this shape, all of whose values pass `allowed`; `rule` says in words what passes.
    const std::vector<double>& checked(const std::string& array, const h5::Shape& shape,
                                       bool (*allowed)(double), std::string_view rule);
    /// An input of one text.
    const std::string& text(const std::string& array);
    /// Not computed anew: theory, ranges, orientation. Fine if it is not there.
    void given(const std::string& array) { given_.insert(array); }
    bool is_given(const std::string& array) const { return given_.contains(array); }

    /// `array` is empty for what is wrong with the file as a whole.
    [[noreturn]] void fail(std::string_view array, std::string_view what) const;

private:
    std::string name_;
    StoredArrays arrays_;
    std::set<std::string> given_;
};

}  // namespace memprop::host::golden
