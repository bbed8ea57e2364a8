// memprop inspect --dot
#pragma once

#include <string>

namespace memprop::host::cli {

/// Prints the network of an experiment, a checkpoint or a NIR file as a graph for Graphviz, or as JSON for
/// scripts/plot.py.
void print_drawing(const std::string& file, bool json);

}  // namespace memprop::host::cli
