// Which kernel taps an input of a sliding window meets, axis by axis.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/network/network.hpp"

namespace memprop::network {

/// Kernel tap `kernel` carries an input coordinate to output coordinate `out`.
struct Tap {
    std::uint32_t kernel, out;
};

/// For every input coordinate, its taps.
class AxisTaps {
public:
    AxisTaps(std::uint64_t in, std::uint64_t out, std::uint64_t kernel, std::uint64_t stride,
             std::uint64_t dilation, std::uint64_t padding)
        : AxisTaps(in, out, kernel, stride, dilation, padding,
                   {.first = 0, .count = static_cast<std::uint32_t>(out)}) {}

    /// Only taps that lead to `reached`.
    AxisTaps(std::uint64_t in, std::uint64_t out, std::uint64_t kernel, std::uint64_t stride,
             std::uint64_t dilation, std::uint64_t padding, Slice reached) {
        begin_.push_back(0);
        for (std::uint64_t i = 0; i < in; ++i) {
            // Tap k feeds output (i + padding - k dilation) / stride: start where that is inside.
            const std::uint64_t reach_end = i + padding, last = (out - 1) * stride;
            const std::uint64_t first = reach_end > last ? (reach_end - last + dilation - 1) / dilation : 0;
            for (std::uint64_t k = first; k < kernel && k * dilation <= reach_end; ++k) {
                const std::uint64_t shifted = reach_end - k * dilation;
                const auto to = static_cast<std::uint32_t>(shifted / stride);
                if (shifted % stride == 0 && reached.holds(to)) {
                    taps_.push_back({static_cast<std::uint32_t>(k), to});
                }
            }
            begin_.push_back(taps_.size());
        }
    }

    std::span<const Tap> at(std::uint64_t i) const {
        return {taps_.data() + begin_[i], taps_.data() + begin_[i + 1]};
    }

private:
    std::vector<std::size_t> begin_;
    std::vector<Tap> taps_;
};

}  // namespace memprop::network
