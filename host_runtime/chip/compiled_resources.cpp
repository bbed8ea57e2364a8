// What a compiled network takes of a chip, as its hardware and as text.
#include <fmt/format.h>

#include <algorithm>

#include "host_runtime/chip/compile.hpp"

namespace memprop::host {

using hw::chip::BlockImage;
using hw::chip::ChipConfig;
using hw::chip::ChipImage;
using hw::chip::CoreImage;
using hw::chip::UnitImage;

ChipConfig with_resources(const ChipConfig& chip, const CompiledNetwork& compiled,
                          const CompileRequest& request) {
    std::int64_t neurons = 1, tiles = 1, delay = 1;
    for (const CoreImage& core : compiled.image.cores) {
        std::int64_t of_core = 0, parts = 0;
        for (const UnitImage& unit : core.units) {
            of_core += unit.slice.count;
        }
        for (const BlockImage& block : core.blocks) {
            parts += block.on_array
                         ? static_cast<std::int64_t>(block.tiles.size() *
                                                     request.weights[block.projection].tiles_per_part)
                         : 1;
            delay = std::max(delay,
                             std::int64_t{compiled.image.network.projections[block.projection].delay_steps});
        }
        neurons = std::max(neurons, of_core);
        tiles = std::max(tiles, parts);
    }
    ChipConfig sized = chip;
    sized.neurons_per_core = chip.neurons_per_core == 0 ? neurons : chip.neurons_per_core;
    sized.tiles_per_core = chip.tiles_per_core == 0 ? tiles : chip.tiles_per_core;
    sized.delay_slots = chip.delay_slots == 0 ? delay : chip.delay_slots;
    return sized;
}

std::string describe(const CompiledNetwork& compiled, const CompileRequest& request, const ChipConfig& chip) {
    const ChipImage& image = compiled.image;
    std::string out = fmt::format("{} x {} cores, {} in use; {} phases, {} trees\n", chip.mesh_width,
                                  chip.mesh_height, image.cores.size(), image.phases, image.trees.size());
    const ChipConfig sized = with_resources(chip, compiled, request);
    out += fmt::format("each core: {} neurons, {} tiles and memories, {} delay slots, {} axon ranges\n",
                       sized.neurons_per_core, sized.tiles_per_core, sized.delay_slots, sized.axon_ranges);
    for (const CoreImage& core : image.cores) {
        std::size_t tiles = 0;
        for (const BlockImage& block : core.blocks) {
            tiles +=
                block.on_array ? block.tiles.size() * request.weights[block.projection].tiles_per_part : 1;
        }
        out += fmt::format("core at node {:>4}: {:>3} tiles {:>3} axon ranges;",
                           static_cast<unsigned>(core.node), tiles, core.axons.size());
        for (const UnitImage& unit : core.units) {
            out += fmt::format(" {} {}..{}", image.network.populations[unit.population].name,
                               unit.slice.first, unit.slice.first + unit.slice.count - 1);
        }
        out += '\n';
    }
    return out;
}

}  // namespace memprop::host
