// Latency against offered load: the same traffic at many rates. Runs on hw::noc::Fabric without the SystemC
// kernel, which could only be elaborated once; a mesh under the kernel does the same in every cycle.
#pragma once

#include <cstdint>
#include <vector>

#include "testbenches/router/bench.hpp"
#include "testbenches/router/options.hpp"

namespace memprop::tb {

/// A point runs `options.length` with the rate `rate` on a fabric of its own. Returns what RouterBench::run()
/// returns but `activations`; `fabric` holds the counters afterwards.
RunResult run_load(const RouterOptions& options, double rate, hw::noc::Fabric& fabric);

/// Each source's tree into the tables, tree n of node n; nothing for other patterns than multicast.
void load_trees(const GeneratorConfig& config, hw::noc::Fabric& fabric);

/// Fewer copies came out than went in by more than 5 %: source queues grow, and latency with the length of
/// the run.
bool saturated(const RouterOptions& options, const RunResult& run);

}  // namespace memprop::tb
