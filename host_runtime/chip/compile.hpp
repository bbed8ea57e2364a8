// What a graph becomes on a chip. The chip has one layer of LIF neurons that may feed each other one step
// later, one layer of leaky readouts, tiles for the weights, and a delay of one step between both layers:
//   Input -> Linear -> LIF (-> Linear -> LIF) (-> (Delay ->) Linear -> LI) -> Output
// with IF for LIF, Affine for Linear, Flatten and nested graphs anywhere. Outputs may follow either layer. A
// node that has no place in it is refused by name.
//
// A bias is the weight of a word line that is driven in every step: one more input address, the same for all
// Affine nodes, and one more row of each of their matrices.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host_runtime/chip/mapping.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/trained.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "learning/classic.hpp"

namespace memprop::host {

/// The matrix of a projection; none: no rows.
struct CompiledWeights {
    std::optional<std::uint32_t> node;  ///< of the graph
    bool bias = false;                  ///< the last row is driven in every step
    std::uint32_t rows = 0, columns = 0;
    TrainedWeights<float> weights{.unit = 1.0F, .tile_rows = 0, .values = {}};  ///< [row][column], in units
};

struct CompiledNetwork {
    std::uint32_t neurons = 0;                     ///< node of the graph
    std::optional<std::uint32_t> readouts, delay;  ///< likewise
    std::array<CompiledWeights, 3> weights;        ///< by learning::ProjectionId
    std::optional<std::uint32_t> bias_address;     ///< the last input, if there are biases
    learning::NetworkParameters<float> parameters{learning::NetworkConfig{}};

    /// For weights that are numbers.
    NetworkShape shape() const;
};

/// The arithmetic must be that of training in single precision. `on_devices`: the weights stay those of the
/// graph, for a crossbar to be programmed with; biases, which devices do not hold, are refused. Throws
/// InputError naming node and parameter that the chip has no unit, or no room in its registers, for.
CompiledNetwork compile(const nir::FlatGraph& graph, const std::string& file,
                        const Discretisation& discretisation, bool on_devices);

}  // namespace memprop::host
