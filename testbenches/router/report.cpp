#include "testbenches/router/report.hpp"

#include <fmt/format.h>

#include <string>

#include "crossbar/base/terminal.hpp"
#include "host_runtime/files/atomic_file.hpp"
#include "testbenches/router/load_curve.hpp"

namespace memprop::tb {
namespace {

double node_cycles(const RouterOptions& options, const RunResult& run) {
    return static_cast<double>(run.measured_cycles) * static_cast<double>(options.network.nodes());
}

std::uint64_t end_of(const RouterOptions& options, const RunResult& run) {
    return options.length.warmup_cycles + run.measured_cycles;
}

template <class Value>
nlohmann::json if_any(const hw::noc::LatencyHistogram& latency, Value value) {
    return latency.count() == 0 ? nlohmann::json() : nlohmann::json(value);
}

// What was set, but the rate.
nlohmann::ordered_json setting(const RouterOptions& options) {
    nlohmann::ordered_json json;
    json["mesh"] = fmt::format("{}x{}", options.network.width, options.network.height);
    json["pattern"] = options.pattern_name;
    if (options.copies_per_flit() != 1) {
        json["copies_per_flit"] = options.copies_per_flit();
    }
    return json;
}

void add_lengths(nlohmann::ordered_json& json, const RouterOptions& options, std::uint64_t cycles) {
    json["seed"] = options.generator.seed;
    json["warmup_cycles"] = options.length.warmup_cycles;
    json["cycles"] = cycles;
    json["fifo_depth"] = options.network.fifo_depth;
    json["router_cycles"] = options.network.router_cycles;
    json["link_cycles"] = options.network.link_cycles;
    json["credit_cycles"] = options.network.credit_cycles;
}

void add_traffic(nlohmann::ordered_json& json, const RouterOptions& options, const hw::noc::Fabric& fabric,
                 const RunResult& run) {
    const hw::noc::LatencyHistogram& latency = fabric.latency();
    const double per = node_cycles(options, run);
    json["offered_flits_per_node_per_cycle"] = static_cast<double>(run.created_flits) / per;
    json["accepted_flits_per_node_per_cycle"] = static_cast<double>(run.received_flits) / per;
    json["latency_mean_cycles"] = if_any(latency, latency.mean_cycles());
    json["latency_p95_cycles"] = if_any(latency, latency.quantile_cycles(0.95));
    json["latency_max_cycles"] = if_any(latency, latency.max_cycles());
}

void add_routers(nlohmann::ordered_json& json, const RouterOptions& options, const hw::noc::Fabric& fabric,
                 const RunResult& run) {
    const std::uint64_t end = end_of(options, run);
    const hw::noc::RouterStats routers = fabric.total_router_stats(end);
    json["hops"] = routers.forwarded_total();
    json["credit_stall_cycles"] = routers.credit_stalls;
    json["arbitration_stall_cycles"] = routers.arbitration_stalls;
    json["injected_stall_cycles"] = routers.injected_stalls;
    json["link_utilisation_mean"] = fabric.link_use(end).mean;
    json["link_utilisation_max"] = fabric.link_use(end).max;
    json["energy_j"] = routers.energy_j(options.network.cost);
}

}  // namespace

nlohmann::ordered_json summary(const RouterOptions& options, const hw::noc::Fabric& fabric,
                               const RunResult& run) {
    nlohmann::ordered_json json = setting(options);
    json["rate"] = options.traffic_file ? nlohmann::json() : nlohmann::json(options.generator.rate);
    add_lengths(json, options, run.measured_cycles);
    add_traffic(json, options, fabric, run);
    json["offered_flits"] = run.created_flits;
    json["accepted_flits"] = run.received_flits;
    json["flits_inside_at_end"] = run.flits_inside;
    add_routers(json, options, fabric, run);
    json["energy_source"] = options.network.cost.source;
    json["mesh_process_activations"] = run.activations;
    json["simulated_cycles_per_s"] = static_cast<double>(end_of(options, run)) / run.wall_s;
    json["wall_s"] = run.wall_s;
    return json;
}

void print_report(const RouterOptions& options, const hw::noc::Fabric& fabric, const RunResult& run) {
    const double per = node_cycles(options, run);
    const auto line = [](std::string_view name, double value, std::string_view unit, std::string_view what) {
        put("{:<22} {:>14.6g} {:<22} {}\n", name, value, unit, what);
    };
    line("cycles", static_cast<double>(run.measured_cycles), "cycles", "measured, after the warm-up");
    line("offered", static_cast<double>(run.created_flits) / per, "flits/node/cycle",
         "flits created at the sources");
    line("accepted", static_cast<double>(run.received_flits) / per, "flits/node/cycle",
         options.copies_per_flit() == 1 ? "flits received" : "copies received");
    for (const hw::noc::Counter& counter : fabric.report("", end_of(options, run))) {
        line(counter.name, counter.value, counter.unit, counter.description);
    }
    line("simulation_speed", static_cast<double>(end_of(options, run)) / run.wall_s, "cycles/s",
         "simulated cycles per second of wall-clock time");
}

void write_latency_csv(const std::filesystem::path& file, const hw::noc::LatencyHistogram& latency) {
    std::string text = "latency_cycles,flits\n";
    for (const auto& bin : latency.bins()) {
        text += fmt::format("{},{}\n", bin.lower_cycles, bin.flits);
    }
    host::write_text_atomically(file, text);
}

nlohmann::ordered_json curve_point(const RouterOptions& options, double rate, const hw::noc::Fabric& fabric,
                                   const RunResult& run) {
    nlohmann::ordered_json json;
    json["rate"] = rate;
    add_traffic(json, options, fabric, run);
    json["saturated"] = saturated(options, run);
    add_routers(json, options, fabric, run);
    return json;
}

nlohmann::ordered_json curve(const RouterOptions& options,
                             const std::vector<nlohmann::ordered_json>& points) {
    nlohmann::ordered_json json = setting(options);
    add_lengths(json, options, options.length.cycles);
    json["saturation_rate"] = nullptr;
    for (const auto& point : points) {
        if (point["saturated"].get<bool>()) {
            json["saturation_rate"] = point["rate"];
            break;
        }
    }
    json["energy_source"] = options.network.cost.source;
    json["points"] = points;
    return json;
}

void print_curve(const std::vector<nlohmann::ordered_json>& points) {
    put("{:>8} {:>10} {:>10} {:>12} {:>9} {:>9} {:>10}\n", "rate", "offered", "accepted", "latency_mean",
        "p95", "max", "link_use");
    const auto cycles = [](const nlohmann::ordered_json& value, int digits) {
        return value.is_null() ? std::string("-") : fmt::format("{:.{}f}", value.get<double>(), digits);
    };
    for (const auto& point : points) {
        put("{:>8.6g} {:>10.4f} {:>10.4f} {:>12} {:>9} {:>9} {:>10.4f}{}\n", point["rate"].get<double>(),
            point["offered_flits_per_node_per_cycle"].get<double>(),
            point["accepted_flits_per_node_per_cycle"].get<double>(), cycles(point["latency_mean_cycles"], 2),
            cycles(point["latency_p95_cycles"], 0), cycles(point["latency_max_cycles"], 0),
            point["link_utilisation_mean"].get<double>(),
            point["saturated"].get<bool>() ? "  saturated" : "");
    }
}

void write_curve_csv(const std::filesystem::path& file, const std::vector<nlohmann::ordered_json>& points) {
    std::string text;
    for (const auto& [name, value] : points.front().items()) {
        text += (text.empty() ? "" : ",") + name;
    }
    text += '\n';
    for (const auto& point : points) {
        std::string line;
        for (const auto& [name, value] : point.items()) {
            line += line.empty() ? "" : ",";
            line += value.is_null() ? "" : value.dump();
        }
        text += line + '\n';
    }
    host::write_text_atomically(file, text);
}

}  // namespace memprop::tb
