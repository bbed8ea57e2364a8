#include "host_runtime/golden/golden_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "crossbar/base/error.hpp"

namespace memprop::host::golden {

std::vector<std::string> GoldenFile::prefixes(std::string_view suffix) const {
    std::vector<std::string> found;
    for (const auto& [name, array] : arrays_) {
        if (name.ends_with(suffix)) {
            found.push_back(name.substr(0, name.size() - suffix.size()));
        }
    }
    return found;
}

const StoredArray& GoldenFile::numbers(const std::string& array, std::size_t rank) {
    const auto found = arrays_.find(array);
    if (found == arrays_.end()) {
        fail(array, "is missing");
    }
    const StoredArray& values = found->second;
    if (values.values.size() != h5::element_count(values.shape)) {
        fail(array, "must hold numbers");
    }
    if (values.shape.size() != rank) {
        fail(array,
             fmt::format("has shape [{}]; it must have {} dimensions", fmt::join(values.shape, ", "), rank));
    }
    given_.insert(array);
    return values;
}

const std::vector<double>& GoldenFile::checked(const std::string& array, const h5::Shape& shape,
                                               bool (*allowed)(double), std::string_view rule) {
    const StoredArray& found = numbers(array, shape.size());
    if (found.shape != shape) {
        fail(array, fmt::format("has shape [{}]; it must be [{}]", fmt::join(found.shape, ", "),
                                fmt::join(shape, ", ")));
    }
    for (std::size_t i = 0; i < found.values.size(); ++i) {
        if (!allowed(found.values[i])) {
            fail(array, fmt::format("value {} is {}; it must be {}", i, found.values[i], rule));
        }
    }
    return found.values;
}

const std::string& GoldenFile::text(const std::string& array) {
    const auto found = arrays_.find(array);
    if (found == arrays_.end()) {
        fail(array, "is missing");
    }
    if (found->second.texts.size() != 1) {
        fail(array, "must hold one text");
    }
    given_.insert(array);
    return found->second.texts.front();
}

void GoldenFile::fail(std::string_view array, std::string_view what) const {
    throw InputError(fmt::format("{}: {}{}{}", name_, array, array.empty() ? "" : " ", what));
}

}  // namespace memprop::host::golden
