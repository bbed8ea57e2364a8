// A network as Python holds it.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "host_runtime/nir/network.hpp"
#include "host_runtime/training.hpp"

namespace memprop::host::python {

/// The tables of a network of populations, objects of memprop.network. May be let go without the GIL.
using PyTables = std::shared_ptr<pybind11::list>;
PyTables share(pybind11::list tables);

struct PyNetwork {
    std::string file;
    std::shared_ptr<nir::Network> network;  ///< null: a network of populations
    PyTables parts;

    /// The NIR graph. Throws InputError if it is a network of populations.
    const nir::Network& graph() const;
    /// A parameter of a node, nested ones by path. Throws InputError naming what there is none of.
    nir::Dataset& dataset(const std::string& path, const std::string& parameter) const;

    /// Of a network of populations: its tables as load_experiment() takes overrides, and the weights that its
    /// projections have. Throws InputError for a graph.
    std::vector<std::string> tables() const;
    NamedWeights weights() const;

private:
    const pybind11::list& need_parts() const;
};

}  // namespace memprop::host::python
