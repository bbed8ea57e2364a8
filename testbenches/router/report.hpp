// What tb_router tells: of one run, and of a curve of latency against load.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "hw_models/noc/fabric.hpp"
#include "testbenches/router/bench.hpp"
#include "testbenches/router/options.hpp"

namespace memprop::tb {

/// All figures of a run at the rate options.generator.rate.
nlohmann::ordered_json summary(const RouterOptions& options, const hw::noc::Fabric& fabric,
                               const RunResult& run);
/// The same as lines of text on standard output.
void print_report(const RouterOptions& options, const hw::noc::Fabric& fabric, const RunResult& run);
void write_latency_csv(const std::filesystem::path& file, const hw::noc::LatencyHistogram& latency);

/// One load of a curve.
nlohmann::ordered_json curve_point(const RouterOptions& options, double rate, const hw::noc::Fabric& fabric,
                                   const RunResult& run);
/// All loads with what they have in common. `saturation_rate` is the first saturated one, null if there is
/// none.
nlohmann::ordered_json curve(const RouterOptions& options, const std::vector<nlohmann::ordered_json>& points);
void print_curve(const std::vector<nlohmann::ordered_json>& points);
void write_curve_csv(const std::filesystem::path& file, const std::vector<nlohmann::ordered_json>& points);

}  // namespace memprop::tb
