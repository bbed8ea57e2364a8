#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/exchange/export.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/write.hpp"
#include "host_runtime/python/bindings.hpp"
#include "host_runtime/python/py_network.hpp"

namespace py = pybind11;

namespace memprop::host::python {

PyTables share(py::list tables) {
    return {new py::list(std::move(tables)), [](py::list* held) {
                const py::gil_scoped_acquire gil;
                delete held;
            }};
}

const nir::Network& PyNetwork::graph() const {
    if (network == nullptr) {
        throw InputError("the network is one of populations; it has no nodes and is no NIR graph");
    }
    return *network;
}

const py::list& PyNetwork::need_parts() const {
    if (parts == nullptr) {
        throw InputError(fmt::format("{}: is a NIR graph; it has no tables of populations", file));
    }
    return *parts;
}

std::vector<std::string> PyNetwork::tables() const {
    std::vector<std::string> overrides;
    for (const py::handle table : need_parts()) {
        if (!py::hasattr(table, "kind") || !py::hasattr(table, "given")) {
            throw InputError(
                fmt::format("Network: {} is no Population, Projection, Objective, Device, Rule or "
                            "Update",
                            py::repr(table).cast<std::string>()));
        }
        const std::vector<std::string> own =
            table_overrides(table.attr("kind").cast<std::string>(), table.attr("name").cast<std::string>(),
                            table.attr("given"));
        overrides.insert(overrides.end(), own.begin(), own.end());
    }
    return overrides;
}

NamedWeights PyNetwork::weights() const {
    NamedWeights weights;
    for (const py::handle table : need_parts()) {
        const py::object values = py::getattr(table, "weights", py::none());
        if (!values.is_none()) {
            const auto name = table.attr("name").cast<std::string>();
            const py::array array = py::array::ensure(values);
            const DoubleArray numbers =
                double_array(values, fmt::format("projection.{}.weights", name), array ? array.ndim() : 0);
            weights.emplace_back(name, std::vector<double>(numbers.data(), numbers.data() + numbers.size()));
        }
    }
    return weights;
}

nir::Dataset& PyNetwork::dataset(const std::string& path, const std::string& parameter) const {
    this->graph();
    nir::Graph* graph = &network->graph;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = path.find('/', begin);
        const std::string name = path.substr(begin, end - begin);
        const auto it = std::find_if(graph->nodes.begin(), graph->nodes.end(),
                                     [&](const nir::Node& n) { return n.name == name; });
        if (it == graph->nodes.end()) {
            throw InputError(fmt::format("{}: has no node {}", file, path));
        }
        if (end == std::string::npos) {
            for (nir::Dataset& found : it->parameters) {
                if (found.name == parameter) {
                    return found;
                }
            }
            throw InputError(fmt::format("{}: node {}: has no parameter {}", file, path, parameter));
        }
        if (it->subgraph.empty()) {
            throw InputError(fmt::format("{}: node {} is no graph", file, path.substr(0, end)));
        }
        graph = &it->subgraph.front();
        begin = end + 1;
    }
}

namespace {

py::object parameter(const PyNetwork& self, const std::string& node, const std::string& name) {
    const nir::Dataset& dataset = self.dataset(node, name);
    const std::vector<py::ssize_t> shape(dataset.shape.begin(), dataset.shape.end());
    return std::visit(
        [&](const auto& values) -> py::object {
            using V = std::decay_t<decltype(values)>;
            if constexpr (std::is_same_v<V, std::monostate>) {
                return py::none();
            } else if constexpr (std::is_same_v<V, std::vector<std::string>>) {
                return py::cast(values.size() == 1 ? values.front()
                                                   : fmt::format("{}", fmt::join(values, " ")));
            } else {
                py::array_t<typename V::value_type> result(shape);
                std::copy(values.begin(), values.end(), result.mutable_data());
                return result;
            }
        },
        dataset.values);
}

void set_parameter(PyNetwork& self, const std::string& node, const std::string& name,
                   const DoubleArray& values) {
    const nir::Dataset& old = self.dataset(node, name);
    const nir::Shape shape(values.shape(), values.shape() + values.ndim());
    if (shape != old.shape || !old.is_number()) {
        throw InputError(fmt::format("{}: node {}: {} has shape [{}], given is [{}]", self.file, node, name,
                                     fmt::join(old.shape, ", "), fmt::join(shape, ", ")));
    }
    PyNetwork changed{self.file, std::make_shared<nir::Network>(self.graph()), {}};
    nir::Dataset& dataset = changed.dataset(node, name);
    // Booleans and whole numbers hold no fractions: they become real numbers rather than being rounded.
    const bool fractions = std::any_of(values.data(), values.data() + values.size(),
                                       [](double v) { return v != std::floor(v) || std::abs(v) > 0x1p53; });
    const bool others = std::any_of(values.data(), values.data() + values.size(),
                                    [](double v) { return v != 0.0 && v != 1.0; });
    if ((dataset.type == nir::ElementType::int64 && fractions) ||
        (dataset.type == nir::ElementType::boolean && others)) {
        dataset.type = nir::ElementType::float64;
        dataset.values = std::vector<double>(h5::element_count(dataset.shape));
    }
    std::visit(
        [&](auto& stored) {
            using V = std::decay_t<decltype(stored)>;
            if constexpr (!std::is_same_v<V, std::monostate> &&
                          !std::is_same_v<V, std::vector<std::string>>) {
                std::transform(values.data(), values.data() + values.size(), stored.begin(),
                               [](double v) { return static_cast<typename V::value_type>(v); });
            }
        },
        dataset.values);
    nir::flatten(nir::parse_network(nir::to_tree(*changed.network), self.file), self.file);
    self.network = changed.network;  // only what passes all checks
}

py::list nodes(const PyNetwork& self) {
    py::list result;
    for (const nir::FlatNode& node : nir::flatten(self.graph(), self.file).nodes) {
        py::dict entry;
        entry["name"] = node.name;
        entry["type"] = std::string(nir::to_string(node.node->type));
        entry["input_shape"] = py::tuple(py::cast(node.input_shape));
        entry["output_shape"] = py::tuple(py::cast(node.output_shape));
        py::list parameters;
        for (const nir::Dataset& dataset : node.node->parameters) {
            parameters.append(dataset.name);
        }
        entry["parameters"] = parameters;
        result.append(entry);
    }
    return result;
}

py::list edges(const PyNetwork& self) {
    py::list result;
    const nir::FlatGraph graph = nir::flatten(self.graph(), self.file);
    for (const nir::FlatNode& node : graph.nodes) {
        for (const std::uint32_t target : node.targets) {
            result.append(py::make_tuple(node.name, graph.nodes[target].name));
        }
    }
    return result;
}

}  // namespace

void bind_network(py::module_ module) {
    py::class_<PyNetwork>(
        module, "Network",
        "A network: in the Neural Intermediate Representation (NIR), or of populations and\n"
        "projections.")
        .def(py::init([](const py::args& tables) {
                 PyNetwork made{"Network", nullptr, share(py::list())};
                 for (const py::handle table : tables) {
                     made.parts->append(table);
                 }
                 made.tables();
                 return made;
             }),
             "Network(*tables): a network of the Population, Projection, Objective, Device, Rule and Update\n"
             "objects given, in this order; they stay those of the caller.")
        .def_property_readonly(
            "tables",
            [](const PyNetwork& self) {
                self.tables();
                return py::tuple(*self.parts);
            },
            "Of a network of populations: its tables, in order.")
        .def_static(
            "load",
            [](const std::string& file) {
                const py::gil_scoped_release no_gil;
                return PyNetwork{file, std::make_shared<nir::Network>(load_network(file)), {}};
            },
            py::arg("path"), "Reads a NIR file or a checkpoint.h5 of `memprop train`. Raises InputError.")
        .def(
            "save",
            [](const PyNetwork& self, const std::string& file) {
                const py::gil_scoped_release no_gil;
                nir::write_network(self.graph(), file);
            },
            py::arg("path"), "Writes a NIR file; it appears whole or not at all.")
        .def_property_readonly("nodes", nodes,
                               "All nodes, nested ones by path: list of dicts with name, type, input_shape, "
                               "output_shape, parameters (their names).")
        .def_property_readonly("edges", edges, "List of (source, target) names.")
        .def_property_readonly(
            "warnings", [](const PyNetwork& self) { return self.graph().warnings; },
            "What was tolerated in the file, one line each.")
        .def("parameter", parameter, py::arg("node"), py::arg("name"),
             "A parameter of a node as a NumPy array (a copy), such as parameter(\"fc\", \"weight\").")
        .def(
            "set_parameter",
            [](PyNetwork& self, const std::string& node, const std::string& name, const py::object& values) {
                const py::array array = py::array::ensure(values);
                if (!array) {
                    throw InputError(fmt::format("{}: cannot be made into an array of real numbers", name));
                }
                set_parameter(self, node, name, double_array(values, name, array.ndim()));
            },
            py::arg("node"), py::arg("name"), py::arg("values"),
            "Replaces a parameter by values of the same shape. Makes all checks of a file.")
        .def("__repr__", [](const PyNetwork& self) {
            return self.network == nullptr
                       ? fmt::format("<memprop.Network of {} tables>", py::len(*self.parts))
                       : fmt::format("<memprop.Network {}: {} nodes>", self.file,
                                     self.network->graph.nodes.size());
        });
}

}  // namespace memprop::host::python
