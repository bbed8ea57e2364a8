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
#include "host_runtime/nir/to_network.hpp"
#include "learning/classic.hpp"

namespace memprop::host {

/// The matrix of a projection; none: no rows.
struct CompiledWeights {
    std::optional<std::uint32_t> node;                ///< of the graph
    std::optional<network::ProjectionId> projection;  ///< of its network
    bool bias = false;                                ///< the last row is driven in every step
    std::uint32_t rows = 0, columns = 0;
    float unit = 1.0F;            ///< weight of 1
    std::uint64_t tile_rows = 0;  ///< rows summed up before they are added to the others; at most all
    std::vector<float> values;    ///< [row][column], in units
};

struct CompiledNetwork {
    std::uint32_t neurons = 0;                     ///< node of the graph
    std::optional<std::uint32_t> readouts, delay;  ///< likewise
    network::PopulationId neuron_population{};     ///< of its network
    std::optional<network::PopulationId> readout_population;
    std::array<CompiledWeights, 3> weights;     ///< by position in the classic network (learning::classic)
    std::optional<std::uint32_t> bias_address;  ///< the last input, if there are biases
    learning::NetworkParameters<float> parameters{learning::NetworkConfig{}};

    /// For weights that are numbers.
    NetworkShape shape() const;
};

/// `net` is that of the graph, whose names and values messages quote, in the arithmetic of training in single
/// precision. `on_devices`: the weights stay those of the graph, for a crossbar to be programmed with;
/// biases, which devices do not hold, are refused. Throws InputError naming node and parameter that the chip
/// has no unit, or no room in its registers, for.
CompiledNetwork compile(const NetworkOfGraph& net, const nir::FlatGraph& graph, const std::string& file,
                        const Discretisation& discretisation, bool on_devices);

}  // namespace memprop::host
