// Sparse projections: N neurons with 10 synapses each, 1000 steps at 2 % activity. Floor: one
// read-modify-write of a sum per synaptic event, at random places of N, with the places listed one after the
// other.
//   sums      the projection alone, fed with drawn events
//   network   N neurons that fire by their leak potential, with the projection between them: in a step 0.2 N
//             synaptic events stand beside N neuron updates, whose time is in the figures
// Memory and time must go with synapses and neurons: `bytes_per_synapse` and `ns_per_event` of 100 000
// neurons are those of 1000, but for caches.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>

#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"
#include "learning/network/connect/connections.hpp"
#include "learning/network/executor.hpp"

using namespace memprop;
using namespace memprop::network;

namespace {

constexpr std::uint32_t kFanOut = 10, kSteps = 1000;
constexpr double kActivity = 0.02;

double uniform(std::uint32_t family, std::uint32_t index) {
    return random_uniform({.seed = family, .stream = Stream::test}, index);
}

/// N neurons with leak potentials above their thresholds, so that each fires about every 50 steps on its own.
Network recurrent(std::uint32_t n) {
    Network network;
    Population neurons{.name = "neurons", .size = n, .model = "lif", .parameters = {}, .shape = {}};
    std::vector<double> leak(n);
    for (std::uint32_t j = 0; j < n; ++j) {
        leak[j] = 1.15 + 0.25 * uniform(1, j);
    }
    neurons.set("tau_membrane_seconds", {25e-3});
    neurons.set("threshold", {1.0});
    neurons.set("leak_potential", std::move(leak));
    network.populations.push_back(std::move(neurons));
    Projection p;
    p.name = "recurrent";
    p.delay_steps = 1;
    p.connect.kind = ConnectKind::sparse;
    p.connect.row_begin.push_back(0);
    std::vector<float> weights;
    for (std::uint32_t i = 0; i < n; ++i) {
        for (std::uint32_t s = 0; s < kFanOut; ++s) {
            const std::uint32_t index = i * kFanOut + s;
            p.connect.column.push_back(std::min(n - 1, static_cast<std::uint32_t>(uniform(2, index) * n)));
            weights.push_back(static_cast<float>(2.0 * uniform(3, index) - 1.0));
        }
        std::sort(p.connect.column.end() - kFanOut, p.connect.column.end());
        p.connect.row_begin.push_back(p.connect.column.size());
    }
    p.weights = std::move(weights);
    network.projections.push_back(std::move(p));
    return network;
}

std::vector<std::vector<std::uint32_t>> drawn_events(std::uint32_t n) {
    std::vector<std::vector<std::uint32_t>> events(64);
    for (std::uint32_t t = 0; t < events.size(); ++t) {
        for (std::uint32_t i = 0; i < n; ++i) {
            if (uniform(100 + t, i) < kActivity) {
                events[t].push_back(i);
            }
        }
    }
    return events;
}

/// CPU time: the machine may have other work.
double seconds_since(std::clock_t start) {
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Seconds of a read-modify-write, the best of several runs.
double floor_seconds(const Connect& connect, std::uint32_t n) {
    std::vector<std::uint32_t> places;
    for (const auto& step : drawn_events(n)) {
        for (const std::uint32_t i : step) {
            places.insert(places.end(), connect.column.begin() + i * kFanOut,
                          connect.column.begin() + (i + 1) * kFanOut);
        }
    }
    std::vector<float> sums(n);
    const std::size_t rounds = 1 + 2'000'000 / (1 + places.size());
    double best = 1.0;
    for (int run = 0; run < 10; ++run) {
        const auto start = std::clock();
        for (std::size_t round = 0; round < rounds; ++round) {
            for (const std::uint32_t place : places) {
                sums[place] += 1.0F;
            }
            benchmark::DoNotOptimize(sums.data());
            benchmark::ClobberMemory();
        }
        best = std::min(best, seconds_since(start) /
                                  static_cast<double>(rounds * std::max<std::size_t>(1, places.size())));
    }
    return best;
}

void report(benchmark::State& state, const Network& network, double seconds, double events) {
    const Connect& c = network.projections[0].connect;
    const double floor = floor_seconds(c, network.populations[0].size);
    state.counters["ns_per_event"] = 1e9 * seconds / events;
    state.counters["floor_ns"] = 1e9 * floor;
    state.counters["times_floor"] = seconds / events / floor;
    state.counters["bytes_per_synapse"] =
        static_cast<double>(c.row_begin.size() * sizeof(c.row_begin[0]) +
                            c.column.size() * (sizeof(c.column[0]) + sizeof(float))) /
        static_cast<double>(c.column.size());
}

void sums(benchmark::State& state) {
    const auto n = static_cast<std::uint32_t>(state.range(0));
    const Network network = recurrent(n);
    const auto connection = make_connection<float>(network, network.projections[0]);
    const auto events = drawn_events(n);
    std::vector<Signal<float>> signals(events.size());
    double per_round = 0;
    for (std::size_t t = 0; t < events.size(); ++t) {
        signals[t].set_spikes(events[t]);
        per_round += static_cast<double>(events[t].size() * kFanOut);
    }
    std::vector<float> out(n);
    double done = 0;
    const auto start = std::clock();
    for ([[maybe_unused]] auto _ : state) {
        for (const Signal<float>& signal : signals) {
            connection->sum(signal, 0, out);
            benchmark::DoNotOptimize(out.data());
        }
        done += per_round;
    }
    report(state, network, seconds_since(start), done);
}

void network(benchmark::State& state) {
    const auto n = static_cast<std::uint32_t>(state.range(0));
    const Network value = recurrent(n);
    const auto connection = make_connection<float>(value, value.projections[0]);
    Executor<float> executor(value, {connection.get()});
    double spikes = 0, seconds = 0, runs = 0;
    for ([[maybe_unused]] auto _ : state) {
        executor.clear();
        const auto start = std::clock();
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            executor.step(t);
            spikes += static_cast<double>(executor.output(PopulationId{0}).spikes().size());
        }
        seconds += seconds_since(start);
        runs += 1;
    }
    report(state, value, seconds, spikes * kFanOut);
    state.counters["activity"] = spikes / runs / kSteps / n;
}

BENCHMARK(sums)->Arg(100)->RangeMultiplier(2)->Range(256, 4096)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(network)->Arg(100)->RangeMultiplier(2)->Range(256, 4096)->Arg(100'000)->Unit(
    benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
    apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
