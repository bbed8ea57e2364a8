#include "host_runtime/results/placement_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "host_runtime/chip/placement.hpp"
#include "host_runtime/graph/crossbar_report.hpp"
#include "host_runtime/results/chip_report.hpp"

namespace memprop::host {
namespace {

using namespace hw::chip;

nlohmann::ordered_json used(std::uint64_t count, std::uint64_t limit) {
    return {{"used", count}, {"limit", limit}};
}

/// A limit of the configuration, where 0 means what the memory map holds.
std::uint64_t limit_of(std::int64_t configured, std::uint64_t most) {
    return configured == 0 ? most : static_cast<std::uint64_t>(configured);
}

/// The tile or memory of a block.
nlohmann::ordered_json tiles_json(const Chip& chip, const network::Network& network, const CoreImage& core,
                                  std::uint64_t& synapses) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    const auto add = [&](const network::Projection& p, const hw::tile::TileRegion& region) {
        json.push_back({{"node", p.name},
                        {"first_row", region.first_row},
                        {"rows", region.rows},
                        {"first_column", region.first_column},
                        {"columns", region.columns}});
    };
    for (const BlockImage& block : core.blocks) {
        const network::Projection& p = network.projections[block.projection];
        const Slice slice = core.units[block.unit].slice;
        for (const std::uint32_t tile : block.tiles) {
            const hw::tile::TileRegion& region = chip.memory().array(block.projection)->tiles()[tile];
            add(p, region);
            synapses += std::uint64_t{region.rows} * region.columns;
        }
        if (!block.on_array) {
            add(p, {.first_row = 0,
                    .rows = network.at(p.from).size,
                    .first_column = slice.first,
                    .columns = slice.count});
            synapses += p.connect.kind == network::ConnectKind::dense
                            ? std::uint64_t{network::rows_of(network, p)} * slice.count
                            : network::size_of(p.weights);
        }
    }
    return json;
}

nlohmann::ordered_json core_json(const ChipSession& session, const CoreImage& core) {
    const network::Network& network = session.image().network;
    const ChipConfig& config = session.chip().config();
    const hw::noc::Position at =
        hw::noc::position_of(core.node, static_cast<std::uint32_t>(config.mesh_width) + 1);
    nlohmann::ordered_json json{{"node", static_cast<unsigned>(core.node)},
                                {"x", at.x - 1},
                                {"y", at.y},
                                {"holds", nlohmann::ordered_json::array()}};
    std::uint64_t neurons = 0, synapses = 0;
    for (const UnitImage& unit : core.units) {
        json["holds"].push_back({{"node", network.populations[unit.population].name},
                                 {"first", unit.slice.first},
                                 {"count", unit.slice.count},
                                 {"phase", unit.phase}});
        neurons += unit.slice.count;
    }
    json["tiles"] = tiles_json(session.chip(), network, core, synapses);
    json["synapses"] = synapses;
    json["fill"] = {{"neurons", used(neurons, limit_of(config.neurons_per_core, kMostAddresses))},
                    {"tiles", used(json["tiles"].size(), limit_of(config.tiles_per_core, kMostTiles))},
                    {"axon_ranges", used(core.axons.size(), static_cast<std::uint64_t>(config.axon_ranges))}};
    return json;
}

}  // namespace

void add_placement(const ChipNetwork& network, nlohmann::ordered_json& result) {
    const ChipSession& session = network.session();
    add_chip_counters(session, session.chip().cycle(), result);
    const ChipImage& image = session.image();
    const ChipConfig& config = session.chip().config();
    result["load_cycles"] = session.load_cycles();
    auto& json = result["mapping"];
    json["mesh"] = {config.mesh_width, config.mesh_height};
    json["phases"] = image.phases;
    json["cores"] = nlohmann::ordered_json::array();
    for (const CoreImage& core : image.cores) {
        json["cores"].push_back(core_json(session, core));
    }
    std::uint64_t in = 0, out = 0;
    std::vector<bool> computed(image.network.populations.size(), true);
    for (const SourceImage& source : image.sources) {
        in += image.network.populations[source.population].size;
        computed[source.population] = false;
    }
    for (std::size_t p = 0; p < computed.size(); ++p) {
        out += computed[p] && image.shown[p] ? image.network.populations[p].size : 0;
    }
    json["fill"] = {
        {"cores",
         used(image.cores.size(), static_cast<std::uint64_t>(config.mesh_width * config.mesh_height))},
        {"multicast_trees", used(image.trees.size(), static_cast<std::uint64_t>(config.multicast_trees))},
        {"event_fifo", used(std::max(in, out), static_cast<std::uint64_t>(config.event_fifo_depth))}};
    json["hops"] = {{"by_distance", session.compiled().first_hop_cost}, {"placed", hop_cost(image, config)}};
}

nlohmann::ordered_json chip_energy_json(const ChipNetwork& network, const CrossbarMapping* mapping) {
    nlohmann::ordered_json json = energy_json(mapping);
    add_chip_energy(network.session().chip().energy(), json);
    return json;
}

std::string placement_text(const ChipNetwork& network) {
    const ChipSession& session = network.session();
    const ChipConfig& config = session.chip().config();
    std::string text = "memprop: " + describe(session.compiled(), network.request(), config);
    fmt::format_to(std::back_inserter(text),
                   "links passed if all spike once: {} ({} before placement); loaded in {} cycles\n",
                   hop_cost(session.image(), config), session.compiled().first_hop_cost,
                   session.load_cycles());
    return text;
}

}  // namespace memprop::host
