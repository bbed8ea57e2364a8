// Cost of a time step of a tile, module and kernel included: 100 x 100 PCM, 5 of 100 rows, per_event.
// Floor, counter `floor_ns`: the read of the array itself, which the functional engine does as well, plus
// what the kernel cannot do without for one step (two notified events and two processes, about 100 ns).
#include <benchmark/benchmark.h>

#include <systemc>
#include <vector>

#include "hw_models/tile/synapse_tile.hpp"

using namespace memprop;
using namespace memprop::hw::tile;

namespace {

constexpr std::uint32_t kSide = 100;
const std::vector<std::uint32_t> kRows{3, 20, 41, 66, 97};
const sc_core::sc_time kPeriod(10, sc_core::SC_NS);

crossbar::SynapseArray make_array() {
    return {crossbar::CrossbarConfig{}, {.rows = kSide, .columns = kSide}, 38.6, 1, std::uint8_t{0}};
}

void array_read(benchmark::State& state) {
    crossbar::SynapseArray array = make_array();
    array.renew(1);
    std::vector<float> sums(kSide);
    std::uint32_t step = 0;
    for ([[maybe_unused]] auto _ : state) {
        array.read(kRows, 0, step++, sums);
        benchmark::DoNotOptimize(sums.data());
    }
}

// One step after another, each begun when the sums of the last are out.
struct Stepper : sc_core::sc_module {
    SynapseTileIf& tile;
    std::uint32_t step = 0;

    SC_HAS_PROCESS(Stepper);
    Stepper(const sc_core::sc_module_name& name, SynapseTileIf& tile_) : sc_module(name), tile(tile_) {
        SC_METHOD(next);
        sensitive << tile.sums_event();
    }
    void next() {
        if (step == 0) {
            tile.begin_sample(0, 1);
        }
        tile.begin_step(step++);
        for (const std::uint32_t row : kRows) {
            tile.row_event(row);
        }
        tile.end_step();
    }
};

struct Bench {
    crossbar::SynapseArray array = make_array();
    TiledArray tiled{array, kSide};
    MemristiveTile tile{"tile", tiled, 0, {.read_mode = ReadMode::per_event, .cost = hermes_cost()}, kPeriod};
    Stepper stepper{"stepper", *tile.port.operator->()};
};

void tile_steps(benchmark::State& state) {
    static Bench bench;  // the kernel elaborates once per process
    constexpr std::uint64_t kSteps = 1000;
    const std::uint64_t step_cycles = kRows.size() * 5 + 8;
    for ([[maybe_unused]] auto _ : state) {
        sc_core::sc_start(kPeriod * static_cast<double>(kSteps * step_cycles));
    }
    state.counters["time_per_step"] =
        benchmark::Counter(static_cast<double>(state.iterations() * kSteps),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(array_read);
BENCHMARK(tile_steps)->Unit(benchmark::kMillisecond);

}  // namespace

int sc_main(int argc, char* argv[]) {
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
