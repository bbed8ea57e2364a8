// A NIR graph as a network of populations and projections (learning/network), discretised: what training,
// functional runs and the chip work with.
//
// Neurons, Threshold nodes and outermost Inputs become populations of the node's name. Linear, Affine, Conv,
// Pool and Scale nodes become projections of the node's name. Nodes that pass on what arrives are no part of
// the network where they have one source: whoever they reach is reached by that source. Where sums have to
// be made (several sources, a linear map that reaches another one or several nodes, an Output behind a
// linear map) a population of model `input` makes them. Delay nodes become delays of projections, or, if
// their elements differ or wait for very long, populations of model `delay`. Edges that close a cycle
// (order.hpp) deliver what their source put out in the step before: a delay of one step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "learning/network/network.hpp"

namespace memprop::host {

struct NetworkOfGraph {
    /// Where a node of the graph is.
    struct Place {
        std::optional<network::PopulationId> population;  ///< puts out what the node puts out
        std::optional<network::ProjectionId> projection;  ///< carries the node's weights
    };

    network::Network network;
    std::vector<Place> places;                        ///< by node of the graph
    std::vector<std::optional<std::uint32_t>> waits;  ///< by projection: a Delay node that its delay is of
    std::vector<network::PopulationId> inputs;        ///< by FlatGraph::inputs
    std::vector<network::PopulationId> outputs;       ///< by FlatGraph::outputs; several may be the same
    std::uint64_t longest_delay_steps = 0;            ///< of a way through Delay nodes
};

/// What the weights of Linear, Affine and Conv nodes are to be.
enum class WeightForm : std::uint8_t {
    numbers,  ///< as the arithmetic computes with them, in units
    devices,  ///< left out: devices are programmed with those of the graph; biases stay numbers
};

/// `file` is only for messages. Throws InputError naming node and dataset for what this time step cannot do.
NetworkOfGraph to_network(const nir::FlatGraph& graph, const std::string& file,
                          const Discretisation& discretisation, WeightForm form = WeightForm::numbers);

}  // namespace memprop::host
