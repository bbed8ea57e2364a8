#include "hw_models/chip/block_factory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "learning/network/connect/axis_taps.hpp"

namespace memprop::hw::chip {
namespace {

using network::ConnectKind;

/// What a row of a window reaches: output positions, and how many numbers are added there.
struct WindowWork {
    std::uint32_t positions = 0, adds = 0;
};

std::vector<WindowWork> window_work(const network::Window& w, ConnectKind kind, Slice columns,
                                    std::uint32_t pre) {
    const network::AxisTaps rows(w.height_in, w.height_out, w.kernel_height, w.stride_y, w.dilation_y,
                                 w.padding_top);
    const network::AxisTaps cols(w.width_in, w.width_out, w.kernel_width, w.stride_x, w.dilation_x,
                                 w.padding_left);
    const std::uint64_t plane_in = w.height_in * w.width_in, plane = w.height_out * w.width_out;
    const std::uint64_t first = columns.first, end = first + columns.count;
    std::vector<WindowWork> out(pre);
    const bool is_empty =
        std::min({w.height_in, w.width_in, w.channels_in, w.groups}) == 0;  // network::check()
    for (std::uint32_t i = 0; i < pre && !is_empty; ++i) {
        const std::uint64_t channel = i / plane_in;
        std::uint64_t from = channel, to = channel + 1;  // a pool keeps the channel
        if (kind == ConnectKind::convolution) {
            const std::uint64_t group = channel * w.groups / w.channels_in, of = w.channels_out / w.groups;
            from = group * of;
            to = from + of;
        }
        for (const network::Tap& y : rows.at(i % plane_in / w.width_in)) {
            for (const network::Tap& x : cols.at(i % w.width_in)) {
                const std::uint64_t at = y.out * w.width_out + x.out;
                std::uint32_t channels = 0;
                for (std::uint64_t o = from; o < to; ++o) {
                    const std::uint64_t j = o * plane + at;
                    channels += j >= first && j < end ? 1 : 0;
                }
                out[i].positions += channels > 0 ? 1 : 0;
                out[i].adds += channels;
            }
        }
    }
    return out;
}

std::uint32_t words(std::uint64_t weights) {
    return static_cast<std::uint32_t>((weights + 1) / 2);  // 64 bits hold two
}

struct BlockWork {
    std::vector<RowWork> rows;
    RowWork bias;
};

BlockWork work_of(const CoreProgram::Block& block) {
    const network::Projection& p = block.projection;
    const std::uint32_t n = block.columns.count;
    BlockWork out;
    switch (p.connect.kind) {
        case ConnectKind::dense:
        case ConnectKind::masked:
            out.rows = {{words(n), n}};
            break;
        case ConnectKind::one_to_one:
            out.rows = {{network::size_of(p.weights) == 0 ? 0U : 1U, 1U}};
            break;
        case ConnectKind::sparse:
            for (std::size_t row = 0; row + 1 < p.connect.row_begin.size(); ++row) {
                const std::uint64_t fan = p.connect.row_begin[row + 1] - p.connect.row_begin[row];
                // Each synapse is its weight and its neuron.
                out.rows.push_back({words(2 * fan), static_cast<std::uint32_t>(fan)});
            }
            break;
        case ConnectKind::convolution:
        case ConnectKind::pool:
            for (const WindowWork& w :
                 window_work(p.connect.window, p.connect.kind, block.columns, block.pre)) {
                const bool weights = p.connect.kind == ConnectKind::convolution;
                const std::uint32_t per_position =
                    w.positions == 0 ? 0 : words((w.adds + w.positions - 1) / w.positions);
                out.rows.push_back({weights ? w.positions * per_position : 0, w.adds});
            }
            break;
    }
    if (p.bias) {
        out.bias = {words(n), n};
    }
    return out;
}

}  // namespace

std::unique_ptr<SynapseBlock> make_block(const CoreProgram::Block& block, ChipMemory& memory,
                                         const ChipConfig& config, std::int64_t columns_per_converter,
                                         const Clock& clock, const std::string& name) {
    const network::Projection& p = block.projection;
    if (block.on_array) {
        WeightArray* const array = memory.array(block.number);
        if (array == nullptr) {
            throw InputError(fmt::format("{}: projection", name), block.number,
                             "has no array on this chip: it has to be attached before the image is loaded");
        }
        for (const std::uint32_t tile : block.tiles) {
            if (tile >= array->tiles().size()) {
                throw InputError(fmt::format("{}: tile", name), tile,
                                 fmt::format("the array has {}", array->tiles().size()));
            }
            const tile::TileRegion& region = array->tiles()[tile];
            if (region.first_column < block.columns.first ||
                region.first_column - block.columns.first + region.columns > block.columns.count) {
                throw InputError(fmt::format("{}: tile", name), tile,
                                 "has columns that are not those of the unit");
            }
        }
        return std::make_unique<ArrayBlock>(*array, block.tiles, block.columns.first, config,
                                            columns_per_converter, clock, name);
    }
    if (block.is_shared) {
        SharedConnection* const shared =
            block.number < memory.shared.size() ? memory.shared[block.number].get() : nullptr;
        if (shared == nullptr) {
            throw InputError(fmt::format("{}: projection", name), block.number,
                             "has no devices on this chip: they have to be attached before the image is "
                             "loaded");
        }
        if (block.pre != shared->rows() || block.columns.first > shared->columns() ||
            block.columns.count > shared->columns() - block.columns.first) {
            throw InputError(
                fmt::format("{}: presynaptic neurons, columns", name), block.pre,
                fmt::format("its devices connect {} neurons with {}", shared->rows(), shared->columns()));
        }
        std::vector<std::uint32_t> drives{1};
        std::uint32_t converted = block.columns.count;
        if (p.connect.kind == ConnectKind::convolution) {
            const network::Window& w = p.connect.window;
            drives.clear();
            for (const WindowWork& work : window_work(w, p.connect.kind, block.columns, block.pre)) {
                drives.push_back(work.positions);
            }
            converted = static_cast<std::uint32_t>(w.channels_out / w.groups);
        }
        return std::make_unique<DeviceBlock>(*shared, block.pre, block.columns, std::move(drives), converted,
                                             config.crossbar_tile(columns_per_converter), clock);
    }
    BlockWork work = work_of(block);
    return std::make_unique<NumberBlock>(make_numbers(block), block.pre, p.bias_first, std::move(work.rows),
                                         work.bias, config, clock);
}

}  // namespace memprop::hw::chip
