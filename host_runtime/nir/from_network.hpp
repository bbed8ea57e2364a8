// A network of populations and projections as a NIR graph: the other direction of to_network.hpp, which gives
// the same network back.
#pragma once

#include <string>
#include <vector>

#include "host_runtime/nir/network.hpp"
#include "learning/network/network.hpp"

namespace memprop::host {

/// What a projection's weights are in the graph.
struct GraphWeights {
    std::vector<double> values;  ///< as Projection::weights
    double unit = 1.0;           ///< metadata weight_unit: what 1 uS of a device stands for
    std::int64_t tile_rows = 0;  ///< metadata tile_rows, of weights on devices; else 0
};

/// `network` trained in single or double precision, with weights by projection. Every population that an
/// objective looks at gets an Output, or, without objectives, every population that sends nothing. Metadata
/// hold the discretisation and arithmetic of training, and the order in which sums are made. Throws
/// InputError, starting with `place`, naming population or projection for what NIR cannot say: models and
/// parameters that it does not have, neurons that are reset or tested in different ways, feedback without a
/// delay where the graph gives one.
nir::Network from_network(const network::Network& network, const std::vector<GraphWeights>& weights,
                          bool single, const std::string& place);

/// The same checks as far as weights are not needed.
void check_nir_has(const network::Network& network, const std::string& place);

}  // namespace memprop::host
