// A network as Python holds it.
#pragma once

#include <memory>
#include <string>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::python {

struct PyNetwork {
    std::string file;
    std::shared_ptr<nir::Network> network;

    /// A parameter of a node, nested ones by path. Throws InputError naming what there is none of.
    nir::Dataset& dataset(const std::string& path, const std::string& parameter) const;
};

}  // namespace memprop::host::python
