#include "host_runtime/chip/axon_ranges.hpp"

#include <algorithm>

#include "learning/network/connect/axis_taps.hpp"

namespace memprop::host {

using network::ConnectKind;
using network::Network;
using network::Projection;
using network::Slice;

namespace {

/// Which presynaptic neurons have a synapse onto a slice.
std::vector<bool> rows_with_synapses(const Network& net, const Projection& p, Slice slice) {
    const std::uint32_t pre = net.at(p.from).size, post = net.at(p.to).size;
    std::vector<bool> rows(pre, false);
    const auto has = [&](std::uint32_t row) { rows[row] = true; };
    const network::Connect& c = p.connect;
    switch (c.kind) {
        case ConnectKind::one_to_one:
            for (std::uint32_t row = slice.first; row < slice.first + slice.count; ++row) {
                has(row);
            }
            break;
        case ConnectKind::sparse:
            for (std::uint32_t row = 0; row < pre; ++row) {
                const auto begin = c.column.begin() + static_cast<std::ptrdiff_t>(c.row_begin[row]);
                const auto end = c.column.begin() + static_cast<std::ptrdiff_t>(c.row_begin[row + 1]);
                const auto at = std::lower_bound(begin, end, slice.first);
                if (at != end && slice.holds(*at)) {
                    has(row);
                }
            }
            break;
        case ConnectKind::dense:
        case ConnectKind::masked:
            for (std::uint32_t row = 0; row < pre; ++row) {
                const auto* mask = c.mask.empty() ? nullptr : c.mask.data() + std::size_t{row} * post;
                if (mask == nullptr || std::any_of(mask + slice.first, mask + slice.first + slice.count,
                                                   [](std::uint8_t exists) { return exists != 0; })) {
                    has(row);
                }
            }
            break;
        case ConnectKind::convolution:
        case ConnectKind::pool: {
            const network::Window& w = c.window;
            const network::AxisTaps down(w.height_in, w.height_out, w.kernel_height, w.stride_y, w.dilation_y,
                                         w.padding_top);
            const network::AxisTaps across(w.width_in, w.width_out, w.kernel_width, w.stride_x, w.dilation_x,
                                           w.padding_left);
            const std::uint64_t plane = std::max<std::uint64_t>(1, w.height_in * w.width_in),
                                out = w.height_out * w.width_out;
            for (std::uint32_t row = 0; row < pre; ++row) {
                const std::uint64_t channel = row / plane;
                std::uint64_t from = channel, to = channel + 1;
                if (c.kind == ConnectKind::convolution) {
                    const std::uint64_t of = w.channels_out / w.groups;
                    from = channel * w.groups / w.channels_in * of;
                    to = from + of;
                }
                for (const network::Tap& y : down.at(row % plane / w.width_in)) {
                    for (const network::Tap& x : across.at(row % w.width_in)) {
                        for (std::uint64_t o = from; o < to; ++o) {
                            if (slice.holds(
                                    static_cast<std::uint32_t>(o * out + y.out * w.width_out + x.out))) {
                                has(row);
                            }
                        }
                    }
                }
            }
            break;
        }
    }
    return rows;
}

}  // namespace

std::vector<Slice> axon_ranges(const Network& net, const Projection& p, Slice slice,
                               std::span<const Slice> parts) {
    const std::vector<bool> rows = rows_with_synapses(net, p, slice);
    std::vector<Slice> out;
    bool goes_on = false;
    for (const Slice part : parts) {
        const auto begin = rows.begin() + part.first, end = begin + part.count;
        const auto first = std::find(begin, end, true);
        if (first == end) {
            goes_on = false;
            continue;
        }
        auto last = end;
        while (!*std::prev(last)) {
            --last;
        }
        const auto to = static_cast<std::uint32_t>(last - rows.begin());
        if (!goes_on) {
            out.push_back({static_cast<std::uint32_t>(first - rows.begin()), 0});
        }
        out.back().count = to - out.back().first;
        goes_on = true;
    }
    return out;
}

}  // namespace memprop::host
