// Geometry of convolution and pooling nodes.
#pragma once

#include <cstdint>
#include <string>

#include "host_runtime/nir/network.hpp"
#include "learning/network/network.hpp"

namespace memprop::host::nir {

using network::Window;

/// The groups of a Conv1d or Conv2d: one number, which some writers repeat for every axis. Throws InputError
/// starting with `place`.
std::uint64_t groups_of(const Node& node, const std::string& place);

/// The window of a Conv1d, Conv2d, SumPool2d or AvgPool2d node over an input of this shape, which may
/// have axes of 1 in front. Throws
/// InputError starting with `place` if they do not fit.
Window window_of(const Node& node, const Shape& input, const std::string& place);

}  // namespace memprop::host::nir
