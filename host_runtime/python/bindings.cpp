#include "host_runtime/python/bindings.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"

namespace py = pybind11;

namespace memprop::host::python {

DoubleArray double_array(const py::object& values, std::string_view name, py::ssize_t dimensions) {
    const py::array array = py::array::ensure(values);
    if (!array) {
        throw InputError(fmt::format("{}: cannot be made into an array of real numbers", name));
    }
    const char kind = array.dtype().kind();
    if (kind != 'f' && kind != 'i' && kind != 'u') {
        throw InputError(fmt::format("{}: values of type {}, must be real numbers", name,
                                     std::string(py::str(array.dtype()))));
    }
    if (array.ndim() != dimensions) {
        throw InputError(fmt::format("{}: shape {}, must have {} dimensions", name,
                                     std::string(py::str(array.attr("shape"))), dimensions));
    }
    return DoubleArray(array);
}

void warn(const std::string& line) {
    if (PyErr_WarnEx(PyExc_UserWarning, line.c_str(), 1) < 0) {
        throw py::error_already_set();
    }
}

void InterruptCheck::operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) {
        return;
    }
    last_ = now;
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
    }
}

}  // namespace memprop::host::python
