// Projections whose weights are on the crossbars of a CrossbarMapping.
#pragma once

#include <memory>
#include <vector>

#include "host_runtime/graph/crossbar_mapping.hpp"
#include "learning/network/connect/axis_taps.hpp"
#include "learning/network/connection.hpp"
#include "learning/network/network.hpp"

namespace memprop::host {

/// One array per matrix; `bias` of all outputs or empty.
template <class Real>
std::unique_ptr<network::Connection<Real>> make_crossbar_linear(std::shared_ptr<MappedLayer> layer,
                                                                std::vector<double> bias);

/// One array per group; `bias` per output channel or empty.
template <class Real>
std::unique_ptr<network::Connection<Real>> make_crossbar_convolution(std::shared_ptr<MappedLayer> layer,
                                                                     const network::Window& window,
                                                                     std::vector<double> bias);

}  // namespace memprop::host
