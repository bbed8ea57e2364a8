// A user's HDF5 file with the data of a task: datasets are checked before they are used.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/hdf5/h5.hpp"

namespace memprop::host {

/// Every failure is an InputError that names file, dataset, what was found and what is expected.
class TaskFile {
public:
    explicit TaskFile(const std::string& file) : file_(h5::File::open(file)) {}

    bool has(const std::string& name) const { return file_.is_dataset(name); }

    h5::Shape shape(const std::string& name, std::size_t rank, std::string_view meaning) const {
        if (!has(name)) {
            fail(name, fmt::format("is missing; it must be {}", meaning));
        }
        h5::Shape shape = file_.info(name).shape;
        if (shape.size() != rank) {
            fail(name, fmt::format("has shape [{}]; it must be {}", fmt::join(shape, ", "), meaning));
        }
        for (const std::uint64_t extent : shape) {
            if (extent == 0 || extent > (1U << 24)) {
                fail(name, fmt::format("has shape [{}]; extents must be 1 to 2^24", fmt::join(shape, ", ")));
            }
        }
        return shape;
    }

    /// Finite numbers of exactly this shape.
    std::vector<double> numbers(const std::string& name, const h5::Shape& expected,
                                std::string_view meaning) const {
        const h5::Shape found = shape(name, expected.size(), meaning);
        if (found != expected) {
            fail(name, fmt::format("has shape [{}]; it must be {} = [{}]", fmt::join(found, ", "), meaning,
                                   fmt::join(expected, ", ")));
        }
        std::vector<double> values = file_.read<double>(name);
        for (const double v : values) {
            if (!std::isfinite(v)) {
                fail(name, "holds a value that is not a finite number");
            }
        }
        return values;
    }

    std::vector<std::uint8_t> bytes(const std::string& name) const { return file_.read<std::uint8_t>(name); }
    std::vector<std::uint8_t> block(const std::string& name, const h5::Shape& count) const {
        return file_.read_block<std::uint8_t>(name, h5::Shape(count.size(), 0), count);
    }
    std::vector<std::int64_t> integers(const std::string& name) const {
        return file_.read<std::int64_t>(name);
    }

    /// Row `row` of variable-length sequences.
    std::vector<double> sequence(const std::string& name, std::uint64_t row) const {
        return file_.read_sequence<double>(name, row);
    }

    [[noreturn]] void fail(std::string_view name, std::string_view what) const {
        throw InputError(fmt::format("{}:/{} {}", file_.name(), name, what));
    }

private:
    h5::File file_;
};

}  // namespace memprop::host
