// Shared by the parts of the Python module: one bind_NAME() per submodule, each in its own file.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/config/keys_without_effect.hpp"

namespace memprop::host::python {

/// C-ordered float64 copy or view of anything NumPy takes as an array of real numbers. Throws InputError
/// naming the argument if it is not or if it does not have `dimensions` dimensions.
using DoubleArray = pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast>;
DoubleArray double_array(const pybind11::object& values, std::string_view name, pybind11::ssize_t dimensions);

/// Call it from a computation that has released the GIL: raises KeyboardInterrupt (and what other signal
/// handlers raise) there. It looks at most every 50 ms, so that it costs nothing.
class InterruptCheck {
public:
    void operator()();

private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// warnings.warn(line): a UserWarning, or what the filters make of it. Needs the GIL.
void warn(const std::string& line);

/// Numbers, strings, booleans, lists and arrays of NumPy as TOML. Throws InputError for anything else.
std::string toml_value(const pybind11::handle& value, std::string_view where);

/// A table with a name and its keys as overrides: kind.name={}, kind.name.key=value.
std::vector<std::string> table_overrides(const std::string& kind, const std::string& name,
                                         const pybind11::dict& given);

struct PyNetwork;

/// "key=value" of a network of populations (null: none), a dict and a seed (None: none), as load_experiment()
/// takes them. Throws InputError.
std::vector<std::string> override_list(const pybind11::object& overrides, std::optional<std::int64_t> seed,
                                       const PyNetwork* network = nullptr);

/// Warns of keys without effect as Python warns (UserWarning).
void warn_without_effect(std::span<const KeyWithoutEffect> keys);

void bind_crossbar(pybind11::module_ module);
void bind_network(pybind11::module_ module);
void bind_simulation(pybind11::module_ module);
void bind_tables(pybind11::module_ module);
void bind_trainer(pybind11::module_ module);
void bind_training(pybind11::module_ module);

}  // namespace memprop::host::python
