#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <systemc>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/router/bench.hpp"
#include "testbenches/router/options.hpp"
#include "testbenches/router/trace.hpp"

namespace {

using namespace memprop;
using namespace memprop::tb;

nlohmann::ordered_json summary(const RouterOptions& options, const hw::noc::Fabric& fabric,
                               const RunResult& run) {
    const std::uint64_t end = options.length.warmup_cycles + run.measured_cycles;
    const double node_cycles =
        static_cast<double>(run.measured_cycles) * static_cast<double>(options.network.nodes());
    const auto per_node_cycle = [&](std::uint64_t flits) { return static_cast<double>(flits) / node_cycles; };
    const hw::noc::RouterStats routers = fabric.total_router_stats(end);
    const hw::noc::LatencyHistogram& latency = fabric.latency();
    const auto if_any = [&](auto value) {
        return latency.count() == 0 ? nlohmann::json() : nlohmann::json(value);
    };
    nlohmann::ordered_json json;
    json["mesh"] = fmt::format("{}x{}", options.network.width, options.network.height);
    json["pattern"] = options.pattern_name;
    json["rate"] = options.traffic_file ? nlohmann::json() : nlohmann::json(options.generator.rate);
    json["seed"] = options.generator.seed;
    json["warmup_cycles"] = options.length.warmup_cycles;
    json["cycles"] = run.measured_cycles;
    json["fifo_depth"] = options.network.fifo_depth;
    json["offered_flits_per_node_per_cycle"] = per_node_cycle(run.created_flits);
    json["accepted_flits_per_node_per_cycle"] = per_node_cycle(run.received_flits);
    json["latency_mean_cycles"] = if_any(latency.mean_cycles());
    json["latency_p95_cycles"] = if_any(latency.quantile_cycles(0.95));
    json["latency_max_cycles"] = if_any(latency.max_cycles());
    json["offered_flits"] = run.created_flits;
    json["accepted_flits"] = run.received_flits;
    json["flits_inside_at_end"] = run.flits_inside;
    json["hops"] = routers.forwarded_total();
    json["credit_stall_cycles"] = routers.credit_stalls;
    json["arbitration_stall_cycles"] = routers.arbitration_stalls;
    json["injected_stall_cycles"] = routers.injected_stalls;
    json["link_utilisation_mean"] = fabric.link_use(end).mean;
    json["link_utilisation_max"] = fabric.link_use(end).max;
    json["energy_j"] = routers.energy_j(options.network.cost);
    json["energy_source"] = options.network.cost.source;
    json["mesh_process_activations"] = run.activations;
    json["simulated_cycles_per_s"] = static_cast<double>(end) / run.wall_s;
    json["wall_s"] = run.wall_s;
    return json;
}

void print_report(const RouterOptions& options, const hw::noc::Fabric& fabric, const RunResult& run) {
    const std::uint64_t end = options.length.warmup_cycles + run.measured_cycles;
    const double node_cycles =
        static_cast<double>(run.measured_cycles) * static_cast<double>(options.network.nodes());
    const auto line = [](std::string_view name, double value, std::string_view unit, std::string_view what) {
        put("{:<22} {:>14.6g} {:<22} {}\n", name, value, unit, what);
    };
    line("cycles", static_cast<double>(run.measured_cycles), "cycles", "measured, after the warm-up");
    line("offered", static_cast<double>(run.created_flits) / node_cycles, "flits/node/cycle",
         "flits created at the sources");
    line("accepted", static_cast<double>(run.received_flits) / node_cycles, "flits/node/cycle",
         "flits received");
    for (const hw::noc::Counter& counter : fabric.report("", end)) {
        line(counter.name, counter.value, counter.unit, counter.description);
    }
    line("simulation_speed", static_cast<double>(end) / run.wall_s, "cycles/s",
         "simulated cycles per second of wall-clock time");
}

void write_latency_csv(const std::filesystem::path& file, const hw::noc::LatencyHistogram& latency) {
    std::string text = "latency_cycles,flits\n";
    for (const auto& bin : latency.bins()) {
        text += fmt::format("{},{}\n", bin.lower_cycles, bin.flits);
    }
    host::write_text_atomically(file, text);
}

int run(int argc, char** argv) {
    const std::optional<RouterOptions> options = parse_router_options(argc, argv);
    if (!options) {
        return 0;
    }
    auto sources = options->traffic_file ? read_traffic(*options->traffic_file, options->network.nodes())
                                         : make_generators(options->generator);
    RouterBench bench(options->network, std::move(sources), options->length);
    hw::noc::Fabric& fabric = bench.mesh().fabric();
    if (options->stall_probability > 0.0) {
        fabric.inject_stalls({.seed = options->generator.seed, .probability = options->stall_probability});
    }
    std::optional<RouterTrace> trace;
    if (options->trace_file) {
        trace.emplace("trace", bench.mesh(), *options->trace_file);
    }
    const RunResult result = bench.run();
    if (trace) {
        trace->finish();
    }
    if (options->csv_file) {
        write_latency_csv(*options->csv_file, fabric.latency());
    }
    if (options->json) {
        put("{}\n", summary(*options, fabric, result).dump());
    } else {
        print_report(*options, fabric, result);
    }
    return 0;
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // stdout is ours
    return run_program("tb_router", [&] { return run(argc, argv); });
}
