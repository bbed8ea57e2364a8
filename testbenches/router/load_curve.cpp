#include "testbenches/router/load_curve.hpp"

#include <algorithm>
#include <chrono>

#include "crossbar/base/terminal.hpp"

namespace memprop::tb {

using namespace hw::noc;

namespace {

// Cycles before `end`; the same as TrafficDriver does.
void run_to(std::uint64_t end, Fabric& fabric, Injections& injections) {
    const auto send = [&](std::uint32_t node, std::uint64_t now) {
        if (fabric.send(node, injections.flit(node), now) == SendResult::accepted) {
            injections.sent(node, now);
        }
    };
    for (;;) {
        const std::uint64_t now = std::min(fabric.next_cycle(), injections.next_cycle());
        if (now >= end) {
            return;
        }
        if (fabric.next_cycle() == now) {
            fabric.step(now);
            for (const std::uint32_t terminal : fabric.arrivals()) {
                for (Flit flit; fabric.receive(terminal, flit, now);) {
                }
            }
            for (const std::uint32_t terminal : fabric.spaces()) {
                send(terminal, now);
            }
        }
        while (const auto node = injections.take_due(now)) {
            send(*node, now);
        }
    }
}

}  // namespace

RunResult run_load(const RouterOptions& options, double rate, Fabric& fabric) {
    const auto begin = std::chrono::steady_clock::now();
    GeneratorConfig generator = options.generator;
    generator.rate = rate;
    load_trees(generator, fabric);
    if (options.stall_probability > 0.0) {
        fabric.inject_stalls({.seed = generator.seed, .probability = options.stall_probability});
    }
    const std::uint64_t warmup = options.length.warmup_cycles, end = warmup + options.length.cycles;
    Injections injections(make_generators(generator), warmup);
    if (warmup > 0) {
        run_to(warmup, fabric, injections);
        fabric.start_measurement(warmup);
    }
    run_to(end, fabric, injections);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    RunResult result{.measured_cycles = options.length.cycles,
                     .received_flits = fabric.total_terminal_stats().received,
                     .flits_inside = fabric.flits_inside(),
                     .wall_s = wall.count()};
    result.created_flits = injections.created_before(end);
    return result;
}

void load_trees(const GeneratorConfig& config, Fabric& fabric) {
    if (config.pattern != Pattern::multicast) {
        return;
    }
    const auto leaves = multicast_leaves(config);
    for (std::uint32_t node = 0; node < leaves.size(); ++node) {
        fabric.set_tree(TreeId{static_cast<std::uint16_t>(node)}, NodeId{static_cast<std::uint16_t>(node)},
                        leaves[node]);
    }
}

bool saturated(const RouterOptions& options, const RunResult& run) {
    const double copies = static_cast<double>(run.created_flits) * options.copies_per_flit();
    return static_cast<double>(run.received_flits) < 0.95 * copies;
}

}  // namespace memprop::tb
