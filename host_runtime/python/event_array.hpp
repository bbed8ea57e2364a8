// Events as numpy has them.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "host_runtime/graph/running_network.hpp"

namespace memprop::host::python {

/// (step, index) in the order of steps, from whole numbers of shape (n, 2). Throws InputError naming the
/// element unless its step is still to come and its index an element of the network's input.
std::vector<std::pair<std::int64_t, std::uint32_t>> sorted_events(const pybind11::object& events,
                                                                  const RunningNetwork& network);

}  // namespace memprop::host::python
