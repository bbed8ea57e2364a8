#include "host_runtime/chip/compiled_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/memory_map.hpp"

namespace memprop::host {
namespace {

using hw::chip::BlockImage;
using hw::chip::ChipConfig;
using hw::chip::CoreImage;
using hw::chip::UnitImage;
using network::Projection;

void check_core(const CoreImage& core, const CompiledNetwork& compiled, const CompileRequest& request,
                const ChipConfig& chip) {
    const network::Network& net = request.network;
    std::uint32_t neurons = 0;
    std::string names;
    for (const UnitImage& unit : core.units) {
        neurons += unit.slice.count;
        names += (names.empty() ? "" : ", ") + net.populations[unit.population].name;
    }
    const auto refuse = [&](std::string_view key, std::uint64_t limit, std::uint64_t need,
                            std::string_view what) {
        throw InputError(key, limit,
                         fmt::format("is too few: node {} needs {} {} for {} neurons of {}",
                                     static_cast<unsigned>(core.node), need, what, neurons, names));
    };
    std::size_t tiles = 0, parts = 0;
    std::uint32_t delay = 0;
    for (const BlockImage& block : core.blocks) {
        const WeightPlace& place = request.weights[block.projection];
        const Projection& projection = net.projections[block.projection];
        tiles += block.tiles.size();
        parts += block.on_array ? block.tiles.size() * place.tiles_per_part : 1;
        delay = std::max(delay, projection.delay_steps);
        const std::uint64_t synapses =
            std::uint64_t{std::min(network::rows_of(net, projection), std::max(1U, place.tile_rows))} *
            compiled.tile_columns[block.projection];
        if (block.on_array && synapses > hw::chip::kTileStride) {
            throw InputError(place.tile_columns == 0 ? "chip.mesh_width" : "crossbar.tile_rows",
                             place.tile_columns == 0 ? chip.mesh_width : place.tile_rows,
                             fmt::format("makes tiles of {} synapses of projection {}; the memory map "
                                         "holds {} of a tile",
                                         synapses, projection.name, hw::chip::kTileStride));
        }
    }
    if (tiles > hw::chip::kMostTiles) {
        refuse("chip.tiles_per_core", hw::chip::kMostTiles, tiles, "tiles");
    }
    if (parts > limit_of(chip.tiles_per_core)) {
        refuse("chip.tiles_per_core", static_cast<std::uint64_t>(chip.tiles_per_core), parts, "tiles");
    }
    if (core.axons.size() > static_cast<std::size_t>(chip.axon_ranges)) {
        refuse("chip.axon_ranges", static_cast<std::uint64_t>(chip.axon_ranges), core.axons.size(),
               "rows of the axon table");
    }
    if (delay > limit_of(chip.delay_slots)) {
        refuse("chip.delay_slots", static_cast<std::uint64_t>(chip.delay_slots), delay, "delay slots");
    }
}

}  // namespace

void check_fits(const CompiledNetwork& compiled, const CompileRequest& request, const ChipConfig& chip) {
    const network::Network& net = request.network;
    const hw::chip::ChipImage& image = compiled.image;
    std::vector<bool> computed(net.populations.size(), true);
    for (const CoreImage& core : image.cores) {
        check_core(core, compiled, request, chip);
    }
    std::uint64_t in = 0, out = 0;
    for (const hw::chip::SourceImage& source : image.sources) {
        computed[source.population] = false;
        in += net.populations[source.population].size;
    }
    for (std::size_t p = 0; p < net.populations.size(); ++p) {
        out += computed[p] && image.shown[p] ? net.populations[p].size : 0;
    }
    if (std::max(in, out) > static_cast<std::uint64_t>(chip.event_fifo_depth)) {
        throw InputError("chip.event_fifo_depth", chip.event_fifo_depth,
                         fmt::format("is too small: a time step may have {} events", std::max(in, out)));
    }
}

}  // namespace memprop::host
