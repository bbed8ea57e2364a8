#include "host_runtime/results/placement_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "host_runtime/chip/mapping.hpp"
#include "host_runtime/chip/placement.hpp"
#include "host_runtime/graph/crossbar_report.hpp"
#include "host_runtime/results/chip_report.hpp"

namespace memprop::host {
namespace {

using hw::chip::ChipConfig;
using hw::chip::ChipPlan;
using hw::chip::CorePlan;
using hw::chip::Slice;

nlohmann::ordered_json used(std::uint64_t count, std::uint64_t limit) {
    return {{"used", count}, {"limit", limit}};
}

/// A limit of the configuration, where 0 means what the memory map holds.
std::uint64_t limit_of(std::int64_t configured, std::uint64_t most) {
    return configured == 0 ? most : static_cast<std::uint64_t>(configured);
}

nlohmann::ordered_json neurons_json(const ChipNetwork& network, std::uint32_t node, const Slice& slice) {
    return {{"node", network.nodes()[node].name}, {"first", slice.first}, {"count", slice.count}};
}

nlohmann::ordered_json core_json(const ChipNetwork& network, const CorePlan& core, const ChipConfig& chip) {
    const CompiledNetwork& compiled = network.compiled();
    const hw::noc::Position at =
        hw::noc::position_of(core.node, static_cast<std::uint32_t>(chip.mesh_width) + 1);
    nlohmann::ordered_json json{{"node", static_cast<unsigned>(core.node)},
                                {"x", at.x - 1},
                                {"y", at.y},
                                {"holds", nlohmann::ordered_json::array()}};
    if (core.neurons.count > 0) {
        json["holds"].push_back(neurons_json(network, compiled.neurons, core.neurons));
    }
    if (core.readouts.count > 0) {
        json["holds"].push_back(neurons_json(network, *compiled.readouts, core.readouts));
    }
    std::uint64_t synapses = 0;
    json["tiles"] = nlohmann::ordered_json::array();
    for (const hw::chip::TilePlacement& placed : core.tiles) {
        const auto w = static_cast<std::size_t>(placed.projection);
        const hw::tile::TileRegion& region =
            network.hardware().chip().weights(placed.projection).tiles()[placed.tile];
        json["tiles"].push_back({{"node", network.nodes()[*compiled.weights[w].node].name},
                                 {"first_row", region.first_row},
                                 {"rows", region.rows},
                                 {"first_column", region.first_column},
                                 {"columns", region.columns}});
        synapses += std::uint64_t{region.rows} * region.columns;
    }
    json["synapses"] = synapses;
    json["fill"] = {{"neurons", used(core.neurons.count + core.readouts.count,
                                     limit_of(chip.neurons_per_core, hw::chip::kNeuronMemoryStride))},
                    {"tiles", used(core.tiles.size(), limit_of(chip.tiles_per_core, hw::chip::kMostTiles))},
                    {"axon_ranges", used(core.axons.size(), static_cast<std::uint64_t>(chip.axon_ranges))}};
    return json;
}

}  // namespace

void add_placement(const ChipNetwork& network, nlohmann::ordered_json& result) {
    add_chip_counters(network.hardware(), network.hardware().chip().cycle(), result);
    const ChipPlan& plan = network.hardware().chip().plan();
    const ChipConfig& chip = network.hardware().chip().config();
    result["load_cycles"] = network.hardware().load_cycles();
    auto& json = result["mapping"];
    json["mesh"] = {chip.mesh_width, chip.mesh_height};
    json["cores"] = nlohmann::ordered_json::array();
    for (const CorePlan& core : plan.cores) {
        json["cores"].push_back(core_json(network, core, chip));
    }
    json["fill"] = {
        {"cores", used(plan.cores.size(), static_cast<std::uint64_t>(chip.mesh_width * chip.mesh_height))},
        {"multicast_trees", used(plan.trees.size(), static_cast<std::uint64_t>(chip.multicast_trees))},
        {"event_fifo", used(std::max(plan.inputs, plan.recurrent + plan.outputs),
                            static_cast<std::uint64_t>(chip.event_fifo_depth))}};
    json["hops"] = {{"by_distance", network.first_hop_cost()}, {"placed", hop_cost(plan, chip)}};
    json["bias_line"] = network.compiled().bias_address.has_value();
}

nlohmann::ordered_json chip_energy_json(const ChipNetwork& network, const CrossbarMapping* mapping) {
    nlohmann::ordered_json json = energy_json(mapping);
    add_chip_energy(network.hardware().chip().energy(), json);
    return json;
}

std::string placement_text(const ChipNetwork& network) {
    const ChipPlan& plan = network.hardware().chip().plan();
    const ChipConfig& chip = network.hardware().chip().config();
    std::string text = "memprop: " + describe_plan(plan, network.shape(), chip);
    fmt::format_to(std::back_inserter(text),
                   "links passed if all spike once: {} ({} before placement); loaded in {} cycles\n",
                   hop_cost(plan, chip), network.first_hop_cost(), network.hardware().load_cycles());
    return text;
}

}  // namespace memprop::host
