#include "host_runtime/python/bindings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/toml_text.hpp"

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

std::string toml_value(const py::handle& value, std::string_view where) {
    const bool is_array =
        py::hasattr(value, "ndim") && py::hasattr(value, "tolist") && value.attr("ndim").cast<int>() > 0;
    const py::object plain = is_array ? py::object(value.attr("tolist")())
                             : py::hasattr(value, "item") && py::hasattr(value, "dtype")
                                 ? py::object(value.attr("item")())  // a number of NumPy
                                 : py::reinterpret_borrow<py::object>(value);
    if (py::isinstance<py::bool_>(plain)) {
        return plain.cast<bool>() ? "true" : "false";
    }
    if (py::isinstance<py::str>(plain)) {
        return toml_string(plain.cast<std::string>());
    }
    if (py::isinstance<py::int_>(plain) || py::isinstance<py::float_>(plain)) {
        return py::repr(plain).cast<std::string>();
    }
    if (py::isinstance<py::list>(plain) || py::isinstance<py::tuple>(plain)) {
        std::vector<std::string> items;
        for (const py::handle item : plain) {
            items.push_back(toml_value(item, where));
        }
        return fmt::format("[{}]", fmt::join(items, ", "));
    }
    throw InputError(fmt::format("{}: values of type {}, must be numbers, strings, booleans or lists", where,
                                 py::str(py::type::of(plain)).cast<std::string>()));
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
