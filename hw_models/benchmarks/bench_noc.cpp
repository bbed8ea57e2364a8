// Speed of the router algorithm without the kernel: 8 x 8 routers, uniform traffic, 16-deep FIFOs.
// Floor, counter `copy_time_per_hop`: what a hop cannot do without is to copy one flit from one FIFO to
// another and to set two wake-up bits; measured here with random FIFOs and nothing else.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "crossbar/base/random.hpp"
#include "hw_models/noc/fabric.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

constexpr std::uint32_t kNodes = 64;
constexpr std::uint64_t kRoundCycles = 4096;

struct Injection {
    std::uint64_t cycle;
    Flit flit;
};

// One flit per node and cycle with probability per_mille / 1000, ascending in cycles.
std::vector<Injection> make_traffic(std::uint32_t per_mille) {
    std::vector<Injection> traffic;
    for (std::uint32_t cycle = 0; cycle < kRoundCycles; ++cycle) {
        for (std::uint32_t from = 0; from < kNodes; ++from) {
            const DrawKey key{.seed = 1, .stream = Stream::traffic, .event = from, .step = cycle};
            const auto words = random_block(key, 0);
            if (words[0] % 1000 < per_mille) {
                const auto to = static_cast<std::uint16_t>((from + 1 + words[1] % (kNodes - 1)) % kNodes);
                traffic.push_back({cycle, Flit::to(NodeId{static_cast<std::uint16_t>(from)}, NodeId{to})});
            }
        }
    }
    return traffic;
}

void fabric_cycles(benchmark::State& state) {
    const std::vector<Injection> traffic = make_traffic(static_cast<std::uint32_t>(state.range(0)));
    Fabric fabric = Fabric::mesh({.fifo_depth = 16, .cost = loihi_hop_cost()});
    std::uint64_t start = 0;
    for ([[maybe_unused]] auto _ : state) {
        auto next = traffic.begin();
        const std::uint64_t end = start + kRoundCycles;
        const auto next_cycle = [&] {
            return std::min(fabric.next_cycle(), next == traffic.end() ? kNever : start + next->cycle);
        };
        for (std::uint64_t cycle = next_cycle(); cycle < end; cycle = next_cycle()) {
            if (fabric.next_cycle() == cycle) {
                fabric.step(cycle);
                for (const std::uint32_t terminal : fabric.arrivals()) {
                    Flit flit;
                    while (fabric.receive(terminal, flit, cycle)) {
                        benchmark::DoNotOptimize(flit);
                    }
                }
            }
            for (; next != traffic.end() && start + next->cycle == cycle; ++next) {
                Flit flit = next->flit;
                flit.created_cycle = cycle;
                fabric.send(static_cast<std::uint32_t>(flit.source), flit, cycle);
            }
        }
        start = end;
    }
    const double hops = static_cast<double>(fabric.total_router_stats(start).forwarded_total());
    state.counters["cycles/s"] = benchmark::Counter(static_cast<double>(start), benchmark::Counter::kIsRate);
    state.counters["time_per_hop"] =
        benchmark::Counter(hops, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void floor_per_hop(benchmark::State& state) {
    struct Slot {
        Flit flit;
        std::uint64_t cycle;
    };
    std::vector<Slot> slots(kNodes * kPorts * 16);
    std::vector<std::uint16_t> way(4096);
    for (std::uint32_t i = 0; i < way.size(); ++i) {
        way[i] = static_cast<std::uint16_t>(random_bits({.seed = 2}, i) % slots.size());
    }
    WakeWheel wheel(kNodes);
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 1; i < way.size(); ++i) {
            slots[way[i]].flit = slots[way[i - 1]].flit;
            slots[way[i]].cycle = i;
            wheel.add(way[i] % kNodes, i);
            wheel.add(way[i - 1] % kNodes, i + 1);
        }
        benchmark::DoNotOptimize(slots.data());
        benchmark::DoNotOptimize(wheel.next(0));
    }
    state.counters["copy_time_per_hop"] =
        benchmark::Counter(static_cast<double>(way.size() - 1),
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK(fabric_cycles)
    ->ArgName("load_per_mille")
    ->Arg(10)
    ->Arg(100)
    ->Arg(300)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(floor_per_hop);

}  // namespace

BENCHMARK_MAIN();
