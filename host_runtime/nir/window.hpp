// Geometry of convolution and pooling nodes.
#pragma once

#include <cstdint>
#include <string>

#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {

/// Geometry of a window that slides over [channels, height, width]; Conv1d has height 1.
struct Window {
    std::uint64_t channels_in = 0, channels_out = 0, groups = 1;
    std::uint64_t height_in = 1, width_in = 1, height_out = 1, width_out = 1;
    std::uint64_t kernel_height = 1, kernel_width = 1;
    std::uint64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
    std::uint64_t padding_top = 0, padding_left = 0;  ///< zeros in front; those behind follow from the sizes
};

/// The groups of a Conv1d or Conv2d: one number, which some writers repeat for every axis. Throws InputError
/// starting with `place`.
std::uint64_t groups_of(const Node& node, const std::string& place);

/// The window of a Conv1d, Conv2d, SumPool2d or AvgPool2d node over an input of this shape, which may
/// have axes of 1 in front. Throws
/// InputError starting with `place` if they do not fit.
Window window_of(const Node& node, const Shape& input, const std::string& place);

}  // namespace memprop::host::nir
