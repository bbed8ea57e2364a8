// What the connections of sliding windows share: where an input leads to, and kernels by input.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "learning/network/connect/axis_taps.hpp"
#include "learning/network/connection.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/network.hpp"

namespace memprop::network {

template <class Real>
class WindowConnection : public Connection<Real> {
public:
    explicit WindowConnection(const Window& window)
        : WindowConnection(window, {.first = 0, .count = static_cast<std::uint32_t>(window.height_out)}) {}

protected:
    /// Only of taps that lead to these output rows.
    WindowConnection(const Window& window, Slice rows_out)
        : window_(window),
          rows_(window.height_in, window.height_out, window.kernel_height, window.stride_y, window.dilation_y,
                window.padding_top, rows_out),
          columns_(window.width_in, window.width_out, window.kernel_width, window.stride_x, window.dilation_x,
                   window.padding_left, {.first = 0, .count = static_cast<std::uint32_t>(window.width_out)}) {
    }

    struct Place {
        std::uint64_t channel;
        std::span<const Tap> rows, columns;
    };
    Place place_of(std::uint32_t index) const {
        const std::uint64_t plane = window_.height_in * window_.width_in, width = window_.width_in;
        return {index / plane, rows_.at(index % plane / width), columns_.at(index % width)};
    }
    std::uint64_t plane_out() const { return window_.height_out * window_.width_out; }

    Window window_;

private:
    AxisTaps rows_, columns_;
};

/// Shared weights of a convolution.
template <class Real>
struct Kernel {
    std::uint64_t channels_per_group;
    std::vector<Real> weight;  ///< [in channel][ky][kx][out channel of its group]
    std::vector<Real> bias;    ///< [out channel]; empty: none, or all 0

    /// From [out channel][in channel of its group][ky][kx].
    Kernel(const Window& window, const Numbers& numbers, bool has_bias)
        : channels_per_group(window.channels_out / window.groups) {
        const std::uint64_t in_per_group = window.channels_in / window.groups;
        const std::uint64_t taps = window.kernel_height * window.kernel_width;
        weight.resize(window.channels_out * in_per_group * taps);
        for (std::uint64_t o = 0; o < window.channels_out; ++o) {
            const std::uint64_t group = o / channels_per_group;
            for (std::uint64_t i = 0; i < in_per_group; ++i) {
                for (std::uint64_t tap = 0; tap < taps; ++tap) {
                    weight[((group * in_per_group + i) * taps + tap) * channels_per_group +
                           o % channels_per_group] =
                        narrow<Real>(number_at(numbers, (o * in_per_group + i) * taps + tap));
                }
            }
        }
        for (std::uint64_t o = 0; has_bias && o < window.channels_out; ++o) {
            bias.push_back(narrow<Real>(number_at(numbers, weight.size() + o)));
        }
        if (std::all_of(bias.begin(), bias.end(), [](Real b) { return b == Real{0}; })) {
            bias.clear();
        }
    }
    /// Weights from an input channel.
    const Real* from(const Window& window, std::uint64_t channel) const {
        return weight.data() + channel * window.kernel_height * window.kernel_width * channels_per_group;
    }
};

}  // namespace memprop::network
