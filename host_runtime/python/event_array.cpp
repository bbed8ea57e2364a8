#include "host_runtime/python/event_array.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace py = pybind11;

namespace memprop::host::python {

std::vector<std::pair<std::int64_t, std::uint32_t>> sorted_events(const py::object& events,
                                                                  const RunningNetwork& network) {
    const py::array array = py::array::ensure(events);
    const bool empty = array && array.size() == 0;
    if (!array || (!empty && (array.ndim() != 2 || array.shape(1) != 2 ||
                              (array.dtype().kind() != 'i' && array.dtype().kind() != 'u')))) {
        throw InputError("events: must be whole numbers of shape (n, 2): step, index");
    }
    std::vector<std::pair<std::int64_t, std::uint32_t>> result;
    if (empty) {
        return result;
    }
    const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> numbers(array);
    const auto at = numbers.unchecked<2>();
    const auto begin = static_cast<std::int64_t>(network.steps_done());
    for (py::ssize_t k = 0; k < at.shape(0); ++k) {
        if (at(k, 0) < begin || at(k, 0) >= std::int64_t{1} << 31) {
            throw InputError(fmt::format("events[{}, 0]", k), at(k, 0),
                             fmt::format("must be in [{}, 2^31), the steps to come", begin));
        }
        if (at(k, 1) < 0 || static_cast<std::uint64_t>(at(k, 1)) >= network.input_size()) {
            throw InputError(fmt::format("events[{}, 1]", k), at(k, 1),
                             fmt::format("the network's input has {} elements", network.input_size()));
        }
        result.emplace_back(at(k, 0), static_cast<std::uint32_t>(at(k, 1)));
    }
    std::stable_sort(result.begin(), result.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return result;
}

}  // namespace memprop::host::python
