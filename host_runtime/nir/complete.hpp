// Input and Output nodes that a file leaves out, put where the NIR library puts them on reading.
#pragma once

#include <string>
#include <vector>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

/// Every node of the outermost graph that no edge leads to, and that is no Input, gets an Input `input_NAME`.
/// Nodes that no edge leaves get an Output
/// `output_NAME` if the graph has no Output, or if an Input reaches none but them. Nested graphs that have no
/// Input or Output where an edge needs one are completed likewise. What was added is listed in `warnings`.
/// `file` is only for messages. Throws InputError where the shape of an Input is not to be found.
void complete_ports(Graph& graph, const std::string& file, std::vector<std::string>& warnings);

}  // namespace memprop::host::nir
