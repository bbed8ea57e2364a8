#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <systemc>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "testbenches/router/bench.hpp"
#include "testbenches/router/load_curve.hpp"
#include "testbenches/router/options.hpp"
#include "testbenches/router/report.hpp"
#include "testbenches/router/trace.hpp"

namespace {

using namespace memprop;
using namespace memprop::tb;

int run_curve(const RouterOptions& options) {
    std::vector<nlohmann::ordered_json> points;
    auto last_line = std::chrono::steady_clock::now();
    for (const double rate : options.loads) {
        hw::noc::Fabric fabric = hw::noc::Fabric::mesh(options.network);
        const RunResult result = run_load(options, rate, fabric);
        points.push_back(curve_point(options, rate, fabric, result));
        if (std::chrono::steady_clock::now() - last_line > std::chrono::seconds(10)) {
            last_line = std::chrono::steady_clock::now();
            say_in_passing("tb_router: rate {:.6g}\n", rate);
        }
    }
    if (options.csv_file) {
        write_curve_csv(*options.csv_file, points);
    }
    if (options.json) {
        put("{}\n", curve(options, points).dump());
    } else {
        print_curve(points);
    }
    return 0;
}

int run(int argc, char** argv) {
    const std::optional<RouterOptions> options = parse_router_options(argc, argv);
    if (!options) {
        return 0;
    }
    if (!options->loads.empty()) {
        return run_curve(*options);
    }
    auto sources = options->traffic_file ? read_traffic(*options->traffic_file, options->network.nodes())
                                         : make_generators(options->generator);
    RouterBench bench(options->network, std::move(sources), options->length);
    hw::noc::Fabric& fabric = bench.mesh().fabric();
    if (!options->traffic_file) {
        load_trees(options->generator, fabric);
    }
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
