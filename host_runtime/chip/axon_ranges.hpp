// Which events a core has to know for a block of synapses.
#pragma once

#include <span>
#include <vector>

#include "learning/network/network.hpp"

namespace memprop::host {

/// Presynaptic neurons of a projection with a synapse onto `slice` of its postsynaptic population, as few
/// ascending ranges. `parts` are ascending slices of the presynaptic population whose events come along
/// different trees: no range lies in a part of which no neuron has a synapse, so that it need not send here.
std::vector<network::Slice> axon_ranges(const network::Network& net, const network::Projection& p,
                                        network::Slice slice, std::span<const network::Slice> parts);

}  // namespace memprop::host
