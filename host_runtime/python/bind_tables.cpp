// The tables of a network of populations: what their keys are worth.
#include <fmt/format.h>
#include <toml++/toml.h>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/config_entries.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/network_text.hpp"
#include "host_runtime/config/toml_text.hpp"
#include "host_runtime/python/bindings.hpp"

namespace py = pybind11;

namespace memprop::host::python {
namespace {

py::object to_python(const toml::node& node) {
    if (const auto* array = node.as_array()) {
        py::list list;
        for (const toml::node& item : *array) {
            list.append(to_python(item));
        }
        return list;
    }
    if (const auto* text = node.as_string()) {
        return py::str(text->get());
    }
    if (const auto* number = node.as_integer()) {
        return py::int_(number->get());
    }
    if (const auto* number = node.as_floating_point()) {
        return py::float_(number->get());
    }
    return py::bool_(node.value_or(false));
}

/// [(kind, name, {key: value})], in order.
py::list to_python(const learning::NetworkTables& tables) {
    py::list result;
    std::string last;
    py::dict values;
    for (const ConfigEntry& entry : list_entries(tables)) {
        const std::vector<std::string> parts = split_key(entry.table);
        const std::string table = fmt::format("{}.{}", parts[0], toml_key(parts[1]));
        if (table != last) {
            values = py::dict();
            result.append(py::make_tuple(parts[0], parts[1], values));
            last = table;
        }
        std::string key;
        for (std::size_t i = 2; i < parts.size(); ++i) {
            key += fmt::format("{}.", parts[i]);
        }
        const toml::table parsed = toml::parse(fmt::format("value = {}", entry.value));
        values[py::str(key + entry.key)] = to_python(*parsed.get("value"));
    }
    return result;
}

py::dict table_values(const std::string& kind, const std::string& name, const py::dict& given) {
    const learning::NetworkTables tables = parse_tables(table_overrides(kind, name, given));
    return to_python(tables)[0].cast<py::tuple>()[2].cast<py::dict>();
}

py::list experiment_tables(const std::string& path, const py::object& overrides) {
    return to_python(with_tables(load_experiment(path, override_list(overrides, std::nullopt))).tables);
}

}  // namespace

std::vector<std::string> table_overrides(const std::string& kind, const std::string& name,
                                         const py::dict& given) {
    const std::string table = fmt::format("{}.{}", kind, toml_key(name));
    std::vector<std::string> overrides{fmt::format("{}={{}}", table)};
    for (const auto& [key, value] : given) {
        overrides.push_back(
            fmt::format("{}.{}={}", table, py::str(key).cast<std::string>(), toml_value(value, table)));
    }
    return overrides;
}

void bind_tables(py::module_ module) {
    module.def("table_values", table_values, py::arg("kind"), py::arg("name"), py::arg("given"),
               "Every key of a table of a network, with its value where `given` says nothing. Raises "
               "InputError.");
    module.def("experiment_tables", experiment_tables, py::arg("path"), py::arg("overrides") = py::none(),
               "[(kind, name, {key: value})] of the network of an experiment.");
}

}  // namespace memprop::host::python
