#include "host_runtime/results/chip_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace memprop::host {
namespace {

using namespace hw::chip;

double part(std::uint64_t cycles, std::uint64_t of) {
    return of == 0 ? 0.0 : static_cast<double>(cycles) / static_cast<double>(of);
}

nlohmann::ordered_json core_report(const Core& core, const network::Network& network, std::uint64_t cycles) {
    const CoreStats& stats = core.stats();
    nlohmann::ordered_json json;
    json["node"] = static_cast<unsigned>(core.node());
    std::uint32_t neurons = 0, readouts = 0;
    for (const Unit& unit : core.units()) {
        (unit.program().role == UnitRole::readout ? readouts : neurons) += unit.size();
    }
    json["neurons"] = neurons;
    json["readouts"] = readouts;
    std::uint64_t driving = 0, reading = 0;
    core.for_each_tile([&](std::uint32_t projection, const ArrayBlock::PlacedTile& placed) {
        json["tiles"].push_back(network.projections[projection].name);
        driving = std::max(driving, placed.tile->stats().driving_cycles);
        reading = std::max(reading, placed.tile->stats().readout_cycles);
    });
    json["spikes"] = stats[CoreCounter::spikes];
    json["unmapped_events"] = stats[CoreCounter::unmapped_events];
    json["send_stall_cycles"] = stats[CoreCounter::send_stall_cycles];
    json["utilisation"] = {
        {"word_lines", part(driving, cycles)},
        {"converters", part(reading, cycles)},
        {"neuron_unit",
         part(stats[CoreCounter::neuron_update_cycles] + stats[CoreCounter::readout_update_cycles], cycles)},
        {"learning_engine",
         part(stats[CoreCounter::learning_cycles] + stats[CoreCounter::planning_cycles], cycles)},
        {"programming", part(stats[CoreCounter::write_cycles] + stats[CoreCounter::refresh_cycles] +
                                 stats[CoreCounter::transfer_cycles],
                             cycles)}};
    return json;
}

/// Flits by latency, [least cycles, flits], in bins that double: 1, 2 .. 3, 4 .. 7, ...
nlohmann::ordered_json histogram(const hw::noc::LatencyHistogram& latency) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const hw::noc::LatencyHistogram::Bin& bin : latency.bins()) {
        const std::uint64_t least = std::bit_floor(bin.lower_cycles);
        if (json.empty() || json.back()[0] != least) {
            json.push_back({least, std::uint64_t{0}});
        }
        json.back()[1] = json.back()[1].get<std::uint64_t>() + bin.flits;
    }
    return json;
}

}  // namespace

void add_chip_energy(const ChipEnergy& energy, nlohmann::ordered_json& energy_j) {
    double devices = 0.0;
    // The costs of devices on a chip are known; conversions are charged once, by the tiles.
    if (!energy_j.is_null()) {
        devices = energy_j["total"].get<double>() - energy_j["adc"].get<double>();
        energy_j.erase("adc");
    }
    energy_j["routing"] = energy.routing_j;
    energy_j["tile_periphery"] = energy.tile_periphery_j;
    energy_j["digital"] = energy.digital_j;
    energy_j["total"] = devices + energy.total_j();
}

void add_chip(const ChipSession& session, const ChipTotals& spent, nlohmann::ordered_json& result) {
    result["engine"] = "cycle";
    add_chip_energy(spent.energy, result["energy_j"]);
    add_chip_counters(session, spent.cycles, result);
}

void add_chip_counters(const ChipSession& session, std::uint64_t cycles, nlohmann::ordered_json& result) {
    const Chip& chip = session.chip();
    const HostStats& host = chip.host().stats();
    result["cycles"] = cycles;
    result["deadline_misses"] = host[HostCounter::deadline_misses];
    const hw::noc::Fabric& fabric = chip.fabric();
    const hw::noc::LatencyHistogram& latency = fabric.latency();
    auto& json = result["chip"];
    json["mesh"] = {chip.config().mesh_width, chip.config().mesh_height};
    json["clock_period_ns"] = chip.config().clock_period_ns;
    json["load_cycles"] = session.load_cycles();
    json["step_cycles_mean"] = part(host[HostCounter::step_cycles], host[HostCounter::steps]);
    json["step_cycles_max"] = host[HostCounter::longest_step_cycles];
    json["phase_cycles"] = {{"neurons", host[HostCounter::neuron_phase_cycles]},
                            {"readouts", host[HostCounter::readout_phase_cycles]},
                            {"learning", host[HostCounter::learning_phase_cycles]},
                            {"begin_sample", host[HostCounter::sample_begin_cycles]},
                            {"update", host[HostCounter::update_cycles]},
                            {"refresh", host[HostCounter::refresh_cycles]},
                            {"measure", host[HostCounter::measure_cycles]},
                            {"programming", host[HostCounter::programming_cycles]},
                            {"limit", host[HostCounter::limit_cycles]},
                            {"adaptation", host[HostCounter::adaptation_cycles]},
                            {"reward", host[HostCounter::reward_cycles]}};
    json["bus_cycles"] = host[HostCounter::bus_cycles];
    json["flit_latency_cycles"] = {{"mean", latency.mean_cycles()},
                                   {"p95", latency.quantile_cycles(0.95)},
                                   {"max", latency.max_cycles()},
                                   {"flits", latency.count()}};
    json["flit_latency_histogram"] = histogram(latency);
    for (const auto& core : chip.cores()) {
        if (core->is_used()) {
            json["cores"].push_back(core_report(*core, session.image().network, cycles));
        }
    }
    json["process_activations"] = chip.activations();
    json["cost_sources"] = {{"routing", chip.config().router_cost.source},
                            {"tile_periphery", chip.config().tile_cost.source},
                            {"numbers", chip.config().sram_cost.source},
                            {"digital", chip.config().digital_cost.source}};
    if (chip.config().has_boundaries()) {
        json["boundary_flits"] = fabric.total_router_stats(chip.cycle()).over_boundary_total();
        json["cost_sources"]["boundary"] = chip.config().boundary_source;
    }
}

std::string chip_csv(const ChipSession& session) {
    std::string out = "counter,value,unit,description\n";
    for (const hw::Counter& counter : session.chip().report(session.image().network)) {
        std::string description = counter.description;
        std::replace(description.begin(), description.end(), '"', '\'');
        out += fmt::format("{},{},{},\"{}\"\n", counter.name, counter.value, counter.unit, description);
    }
    return out;
}

}  // namespace memprop::host
