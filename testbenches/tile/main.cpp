#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <systemc>

#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/tile/bench.hpp"
#include "testbenches/tile/options.hpp"
#include "testbenches/tile/trace.hpp"

namespace {

using namespace memprop;
using namespace memprop::tb;

// The tile that the options ask for, with the array behind it.
struct TileUnderTest {
    std::optional<crossbar::SynapseArray> array;
    std::optional<hw::tile::TiledArray> tiled;
    std::unique_ptr<hw::tile::SynapseTile> tile;

    explicit TileUnderTest(const TileOptions& options) {
        const sc_core::sc_time period(options.cycle_ns, sc_core::SC_NS);
        if (options.sram) {
            tile = std::make_unique<hw::tile::SramTile>("tile", options.sram_tile, period);
            return;
        }
        constexpr double kTickSeconds = 38.6;  // device time between two write bursts
        array.emplace(options.devices,
                      crossbar::SynapseArrayShape{.rows = options.rows, .columns = options.columns},
                      kTickSeconds, options.plan.seed, std::uint8_t{0});
        tiled.emplace(*array, options.columns);
        tile = std::make_unique<hw::tile::MemristiveTile>("tile", *tiled, 0, options.crossbar_tile, period);
    }

    std::vector<hw::Counter> report(const TileOptions& options) const {
        std::vector<hw::Counter> out = tile->report("tile.");
        if (tiled) {
            tiled->report("devices.", options.devices.energy, out);
        }
        return out;
    }
};

/// Energies that follow from figures that are not known are left out of the counters.
std::string device_energy_source(const TileOptions& options) {
    const crossbar::EnergyConfig& costs = options.devices.energy;
    return costs.missing().empty()
               ? costs.source
               : fmt::format("{}not known for {}: {}", costs.source.empty() ? "" : costs.source + "; ",
                             options.devices.device, fmt::join(costs.missing(), ", "));
}

nlohmann::ordered_json summary(const TileOptions& options, const TileUnderTest& under_test,
                               const TileRunResult& run) {
    const hw::tile::SynapseTile& tile = *under_test.tile;
    const hw::tile::TileStats& stats = tile.stats();
    nlohmann::ordered_json json;
    json["tile"] = options.sram ? "sram" : "crossbar";
    json["rows"] = options.rows;
    json["columns"] = options.columns;
    json["read_mode"] = tile.read_mode() == hw::tile::ReadMode::per_event ? "per_event" : "per_timestep";
    json["seed"] = options.plan.seed;
    json["steps"] = stats.steps;
    json["events"] = stats.row_events;
    json["cycles"] = run.cycles;
    json["step_cycles_mean"] = static_cast<double>(stats.step_cycles) / static_cast<double>(stats.steps);
    json["step_cycles_max"] = run.longest_step_cycles;
    json["write_bursts"] = stats.writes;
    json["write_cycles"] = stats.write_cycles;
    json["energy_j"]["periphery"] = tile.memory().energy_j();
    json["energy_source"] = options.sram ? options.sram_tile.cost.source : options.crossbar_tile.cost.source;
    if (under_test.array) {
        const auto energy = under_test.array->counters().energy(options.devices.energy);
        const auto or_null = [](const std::optional<double>& joule) {
            return joule ? nlohmann::ordered_json(*joule) : nullptr;
        };
        json["energy_j"]["device_set"] = or_null(energy.set_j);
        json["energy_j"]["device_reset"] = or_null(energy.reset_j);
        json["energy_j"]["device_read"] = or_null(energy.read_j);
        json["device_energy_source"] = device_energy_source(options);
    }
    for (const hw::Counter& counter : under_test.report(options)) {
        json["counters"][counter.name] = counter.value;
    }
    json["tile_process_activations"] = tile.activations();
    json["steps_per_s"] = static_cast<double>(stats.steps) / run.wall_s;
    json["simulated_cycles_per_s"] = static_cast<double>(run.cycles) / run.wall_s;
    json["wall_s"] = run.wall_s;
    return json;
}

void print_report(const TileOptions& options, const TileUnderTest& under_test, const TileRunResult& run) {
    const auto line = [](std::string_view name, double value, std::string_view unit, std::string_view what) {
        put("{:<28} {:>14.6g} {:<13} {}\n", name, value, unit, what);
    };
    line("cycles", static_cast<double>(run.cycles), "cycles", "of the whole run");
    line("step_cycles_max", static_cast<double>(run.longest_step_cycles), "cycles",
         "most from the end of a step to its sums");
    for (const hw::Counter& counter : under_test.report(options)) {
        line(counter.name, counter.value, counter.unit,  // the sources of energy stand below
             std::string_view(counter.description).substr(0, counter.description.find(';')));
    }
    line("simulation_speed", static_cast<double>(run.cycles) / run.wall_s, "cycles/s",
         "simulated cycles per second of wall-clock time");
    put("energy of the tile: {}\n",
        options.sram ? options.sram_tile.cost.source : options.crossbar_tile.cost.source);
    if (under_test.array) {
        put("energy of the devices: {}\n", device_energy_source(options));
    }
}

TileRunResult simulate(const TileOptions& options, Stimulus& stimulus, TileUnderTest& under_test,
                       std::ostream* csv) {
    TileDriver driver("driver", *under_test.tile, stimulus, options.plan, csv);
    driver.port(under_test.tile->port);
    std::optional<TileTrace> trace;
    if (options.trace_file) {
        trace.emplace("trace", *under_test.tile, *options.trace_file);
    }
    sc_core::sc_start();
    if (trace) {
        trace->finish();
    }
    return driver.result();
}

int run(int argc, char** argv) {
    std::optional<TileOptions> options = parse_tile_options(argc, argv);
    if (!options) {
        return 0;
    }
    const auto stimulus =
        options->stimulus_file
            ? read_stimulus(*options->stimulus_file, options->rows)
            : make_random_stimulus(options->rows, options->plan.steps, options->activity, options->plan.seed);
    if (options->plan.steps == 0) {
        options->plan.steps = std::max<std::uint64_t>(stimulus->steps(), 1);
    } else if (stimulus->steps() > options->plan.steps) {
        throw InputError("--steps", options->plan.steps,
                         fmt::format("the stimulus has events up to step {}", stimulus->steps() - 1));
    }
    TileUnderTest under_test(*options);
    TileRunResult result;
    if (options->csv_file) {
        host::write_atomically(*options->csv_file, [&](const std::filesystem::path& temporary) {
            std::ofstream csv(temporary);
            if (!csv) {
                throw RunError("the file cannot be opened");
            }
            result = simulate(*options, *stimulus, under_test, &csv);
            csv.close();
            if (!csv) {
                throw RunError("cannot be written");
            }
        });
    } else {
        result = simulate(*options, *stimulus, under_test, nullptr);
    }
    if (options->json) {
        put("{}\n", summary(*options, under_test, result).dump());
    } else {
        print_report(*options, under_test, result);
    }
    return 0;
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // stdout is ours
    return run_program("tb_tile", [&] {
        apply_simd_environment();
        return run(argc, argv);
    });
}
