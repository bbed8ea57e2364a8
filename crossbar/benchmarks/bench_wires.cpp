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
    for (auto _ : state) {
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
    for (auto _ : state) {
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
    for (auto _ : state) {
        array.set_conductance(n / 2, n / 2, g);
        array.renew();
        g = g > 1e-4 ? 1e-5 : g + 1e-7;
        benchmark::DoNotOptimize(array.effective_conductance(0, 0));
    }
}
BENCHMARK(one_device)->Arg(64)->Arg(100)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
    memprop::apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
