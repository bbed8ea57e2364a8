#include "hw_models/chip/image_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/messages.hpp"

namespace memprop::hw::chip {
namespace {

void check_units(const CoreProgram& program, const ChipConfig& config) {
    network::Network net;
    net.time_step_seconds = program.time_step_seconds;
    for (std::size_t u = 0; u < program.units.size(); ++u) {
        const CoreProgram::Unit& unit = program.units[u];
        net.populations.push_back(unit.neurons);
        net.populations.back().name = fmt::format("unit_{}", u);
        if (unit.first_address > kMostAddresses - unit.neurons.size) {
            throw InputError(fmt::format("first event address of unit {}", u), unit.first_address,
                             fmt::format("with {} neurons leaves the {} that there are", unit.neurons.size,
                                         kMostAddresses));
        }
        if (unit.first_neuron > ~0U - unit.neurons.size) {
            throw InputError(fmt::format("first neuron of unit {}", u), unit.first_neuron, "is too large");
        }
        if (unit.tree != CoreProgram::kNoTree && unit.tree >= config.multicast_trees) {
            throw InputError(fmt::format("tree of unit {}", u), unit.tree,
                             fmt::format("routers have {}", config.multicast_trees));
        }
    }
    if (!net.populations.empty()) {
        network::check(net);
    }
}

}  // namespace

void check_image(const CoreProgram& program, const ChipConfig& config) {
    const auto need = [](std::string_view key, std::int64_t limit, std::uint64_t needed, bool unlimited) {
        if (!unlimited && needed > static_cast<std::uint64_t>(limit)) {
            throw InputError(key, limit, fmt::format("is too few: the image needs {}", needed));
        }
    };
    std::uint64_t neurons = 0, memories = 0;
    std::uint32_t delay = 0;
    for (const CoreProgram::Unit& unit : program.units) {
        neurons += unit.neurons.size;
    }
    for (const CoreProgram::Block& block : program.blocks) {
        memories += block.on_array ? block.tiles.size() : 1;
        delay = std::max(delay, block.projection.delay_steps);
    }
    need("chip.neurons_per_core", config.neurons_per_core, neurons, config.neurons_per_core == 0);
    need("chip.tiles_per_core", config.tiles_per_core, memories, config.tiles_per_core == 0);
    need("chip.axon_ranges", config.axon_ranges, program.axons.size(), false);
    need("chip.delay_slots", config.delay_slots, delay, config.delay_slots == 0);
    check_units(program, config);
}

}  // namespace memprop::hw::chip
