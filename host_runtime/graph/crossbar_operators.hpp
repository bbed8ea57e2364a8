// The operators behind CrossbarMapping.
#pragma once

#include <memory>
#include <vector>

#include "host_runtime/graph/axis_taps.hpp"
#include "host_runtime/graph/crossbar_mapping.hpp"

namespace memprop::host {

/// One array per matrix; `bias` of all outputs or empty.
std::unique_ptr<Operator> make_crossbar_linear(std::shared_ptr<MappedLayer> layer, std::vector<double> bias,
                                               bool arrives_late);

/// One array per group; `bias` per output channel or empty.
std::unique_ptr<Operator> make_crossbar_convolution(std::shared_ptr<MappedLayer> layer,
                                                    const nir::Window& window, std::vector<double> bias,
                                                    bool arrives_late);

}  // namespace memprop::host
