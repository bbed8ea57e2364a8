// Names of files that belong to nodes.
#pragma once

#include <string>
#include <vector>

namespace memprop::host::cli {

/// The name of a node with '/' written "__".
std::string plain_file_name(const std::string& node);

/// One name, without extension, for each node: its own, '/' written "__". A node whose name is another's
/// already, or too long for a file name, gets the (shortened) name with '~' and a number; nodes that need no
/// change of name come first.
std::vector<std::string> node_file_names(const std::vector<std::string>& nodes);

}  // namespace memprop::host::cli
