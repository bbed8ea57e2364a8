// Nanoseconds per keyed N(0,1) float. Floor: ten Philox rounds on four words and a logarithm, a square
// root, a sine and a cosine for every two numbers: about 11 vector operations per number and lane, 0.5 ns
// at AVX-512.
#include <benchmark/benchmark.h>

#include <vector>

#include "crossbar/base/random.hpp"
#include "crossbar/base/simd.hpp"

namespace {

using namespace memprop;

/// Argument: numbers per call.
void normals(benchmark::State& state) {
    std::vector<float> out(static_cast<std::size_t>(state.range(0)));
    DrawKey key{.seed = 1, .stream = Stream::test};
    for ([[maybe_unused]] auto _ : state) {
        ++key.step;
        fill_normals(key, 0, out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    state.counters["per_normal"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(out.size()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(normals)->Arg(1)->Arg(64)->Arg(100)->Arg(128)->Arg(4096);

}  // namespace

int main(int argc, char** argv) {
    apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
