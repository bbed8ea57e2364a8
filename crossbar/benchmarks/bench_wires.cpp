// Exact wire solution: G_eff of a whole array, of an array after one write, and reads through it.
//
// Floors. Elimination: `operations` multiplications and additions (no fused ones, so that results are the
// same everywhere) at 2 per lane and cycle with a multiplication and an addition each cycle: 16 per cycle
// on Zen 4 and on AVX2 machines. A read: n^2 multiply-adds on a G_eff of 8 n^2 bytes, 0.5 MB at n = 256,
// which comes from the second-level cache: 32 bytes a cycle, 16 k cycles. Source currents: the same with a
// subtraction more.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/wires/wired_array.hpp"

namespace {
using namespace memprop;
using crossbar::WiredArray;

std::vector<double> conductances(std::size_t count, std::uint32_t event) {
    std::vector<float> u(count);
    fill_uniforms(DrawKey{.seed = 1, .stream = Stream::test, .event = event}, 0, u);
    std::vector<double> g(count);
    for (std::size_t i = 0; i < count; ++i) {
        g[i] = 1e-6 + 1.99e-4 * static_cast<double>(u[i]);
    }
    return g;
}

// Multiplications and additions of an elimination: k nodes with f outer ones cost k^3/3 + k^2 f + k f^2.
double operations(const crossbar::Shape& shape) {
    const double k = shape.eliminated;
    const double f = shape.ports;
    double sum = k * k * k / 3 + k * k * f + k * f * f;
    if (!shape.is_strip()) {
        sum += operations(*shape.child[0]) + operations(*shape.child[1]);
    }
    return sum;
}

void whole_array(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    WiredArray array(n, n, {.r_wl_ohm = 1.0, .r_bl_ohm = 1.0}, crossbar::Renewal::whole_array);
    const std::vector<double> g[2] = {conductances(n * n, 0), conductances(n * n, 1)};
    std::size_t turn = 0;
    while (state.KeepRunning()) {
        array.set_conductances(g[++turn % 2]);
        array.renew();
        benchmark::DoNotOptimize(array.effective_conductance(0, 0));
    }
    const crossbar::WireParameters wires{.r_wl_ohm = 1.0, .r_bl_ohm = 1.0};
    const auto size = static_cast<std::uint32_t>(n);
    state.counters["operations"] = operations(crossbar::BlockShapes(size, size, wires).root());
    state.counters["operations_per_s"] =
        benchmark::Counter(state.counters["operations"], benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(whole_array)
    ->Arg(16)
    ->Arg(32)
    ->Arg(64)
    ->Arg(100)
    ->Arg(128)
    ->Arg(256)
    ->Unit(benchmark::kMillisecond);

// The first solution of a new array, memory and all.
void new_array(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const auto g = conductances(n * n, 0);
    while (state.KeepRunning()) {
        WiredArray array(n, n, {.r_wl_ohm = 1.0, .r_bl_ohm = 1.0}, crossbar::Renewal::whole_array);
        array.set_conductances(g);
        array.renew();
        benchmark::DoNotOptimize(array.effective_conductance(0, 0));
    }
}
BENCHMARK(new_array)->Arg(64)->Arg(100)->Arg(256)->Unit(benchmark::kMillisecond);

void one_device(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    WiredArray array(n, n, {.r_wl_ohm = 1.0, .r_bl_ohm = 1.0});
    array.set_conductances(conductances(n * n, 0));
    array.renew();
    double g = 1e-5;
    while (state.KeepRunning()) {
        array.set_conductance(n / 2, n / 2, g);
        array.renew();
        g = g > 1e-4 ? 1e-5 : g + 1e-7;
        benchmark::DoNotOptimize(array.effective_conductance(0, 0));
    }
}
BENCHMARK(one_device)->Arg(64)->Arg(100)->Arg(256)->Unit(benchmark::kMillisecond);

enum class Read { output_currents, source_currents, drawn_power };

template <Read what>
void one_vector(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    WiredArray array(n, n, {.r_wl_ohm = 1.0, .r_bl_ohm = 1.0});
    array.set_conductances(conductances(n * n, 0));
    array.renew();
    std::vector<double> volts(n), amperes(n);
    for (std::size_t i = 0; i < n; ++i) {
        volts[i] = i % 3 == 0 ? 0.2 : 0.0;
    }
    while (state.KeepRunning()) {
        if constexpr (what == Read::output_currents) {
            array.read(volts, amperes);
        } else if constexpr (what == Read::source_currents) {
            array.source_currents(volts, amperes);
        } else {
            amperes[0] = array.drawn_power_watts(volts);
        }
        benchmark::DoNotOptimize(amperes.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(one_vector<Read::output_currents>)->Name("read")->Arg(100)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(one_vector<Read::source_currents>)
    ->Name("source_currents")
    ->Arg(100)
    ->Arg(256)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(one_vector<Read::drawn_power>)
    ->Name("drawn_power")
    ->Arg(100)
    ->Arg(256)
    ->Unit(benchmark::kMicrosecond);

void power_of_64_vectors(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    WiredArray array(n, n, {.r_wl_ohm = 1.0, .r_bl_ohm = 1.0});
    array.set_conductances(conductances(n * n, 0));
    array.renew();
    const std::vector<double> volts(64 * n, 0.2);
    while (state.KeepRunning()) {
        benchmark::DoNotOptimize(array.read_power(volts));
    }
}
BENCHMARK(power_of_64_vectors)->Arg(100)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
    memprop::apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
