// Nanoseconds per device of reads and per pulse of writes. A synapse has two devices.
//
// Floors, AVX-512 at 3.3 GHz. A read moves 4 bytes per device: 0.026 ns from a second-level cache that gives
// 150 bytes/ns (the 90 kB of 100 x 100), 0.042 ns from a third at 95 bytes/ns; of the 2 MB of 512 x 512 about
// half is still in the second when columns are walked to and fro, hence 0.036. Measured 0.036 and 0.040. One
// normal per column costs 0.4 ns, and no less than the 60 ns that 128 of them take: that is more than half of
// a sparse read of 100 columns, the active rows' share of the bytes the rest. A pulse costs one normal, some
// 15 vector operations for sixteen devices, and 18 (PCM) to 42 bytes (soft bounds) of state and parameters
// from the second cache, 0.1 and 0.3 ns: 0.55 and 0.75, measured 0.70 and 0.83.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/device/device_model.hpp"

namespace {

using namespace memprop;
using namespace memprop::crossbar;

CrossbarConfig configure(const std::string& device) {
    CrossbarConfig config;
    config.device = device;
    config.tile_rows = 512;
    if (const auto preset = find_device_kind(device).preset; preset != nullptr) {
        preset(config);
    }
    return config;
}

SynapseArray pcm_array(std::uint32_t n) {
    SynapseArray array(configure("pcm_nandakumar2018"), {.rows = n, .columns = n}, 38.6, 1, 0);
    std::vector<std::int16_t> pulses(std::size_t{n} * n);
    for (std::size_t i = 0; i < pulses.size(); ++i) {
        pulses[i] = static_cast<std::int16_t>(int(i * 7 % 11) - 5);
    }
    array.program(pulses, SynapseArray::Phase::initial, 0, 0);
    array.renew(1);
    return array;
}

void per_item(benchmark::State& state, const char* name, double items) {
    state.counters[name] = benchmark::Counter(static_cast<double>(state.iterations()) * items,
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// Every row driven with its own level. Argument: rows and columns of synapses.
void noisy_graded_read(benchmark::State& state) {
    const auto n = static_cast<std::uint32_t>(state.range(0));
    SynapseArray array = pcm_array(n);
    std::vector<float> drive(n), out(n);
    for (std::uint32_t r = 0; r < n; ++r) {
        drive[r] = 0.1F + 0.8F * static_cast<float>(r) / static_cast<float>(n);
    }
    std::uint32_t step = 0;
    for ([[maybe_unused]] auto _ : state) {
        array.read_graded(drive, 0, ++step, out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    per_item(state, "per_device", 2.0 * n * n);
    per_item(state, "per_synapse", 1.0 * n * n);
}
BENCHMARK(noisy_graded_read)->Arg(100)->Arg(512);

/// Spikes on every twentieth row.
void noisy_sparse_read(benchmark::State& state) {
    const auto n = static_cast<std::uint32_t>(state.range(0));
    SynapseArray array = pcm_array(n);
    std::vector<std::uint32_t> rows;
    for (std::uint32_t r = 0; r < n; r += 20) {
        rows.push_back(r);
    }
    std::vector<float> out(n);
    std::uint32_t step = 0;
    for ([[maybe_unused]] auto _ : state) {
        array.read(rows, 0, ++step, out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(noisy_sparse_read)->Arg(100)->Arg(512);

/// One pulse on each of 100 x 100 pairs: every device for a bidirectional one, both kinds of pulses.
void bulk_write(benchmark::State& state, const std::string& device) {
    constexpr std::size_t kDevices = 20000;
    const auto model = find_device_kind(device).make(configure(device), 38.6);
    DeviceState devices;
    devices.resize(kDevices, model->has_auxiliary());
    model->draw_spread(kDevices, 1, 0);
    for (std::uint32_t d = 0; d < kDevices; ++d) {
        model->reset(devices, d, {.stream = Stream::reset_noise}, 0);
    }
    std::vector<std::int16_t> pulses(kDevices);
    for (std::size_t i = 0; i < kDevices; ++i) {
        pulses[i] = static_cast<std::int16_t>(i % 2 == 0 ? 1 : -1);
    }
    const std::vector<std::uint16_t> up(kDevices, 1);
    DrawKey key{.seed = 1, .stream = Stream::set_noise};
    for ([[maybe_unused]] auto _ : state) {
        ++key.event;
        if (model->bidirectional()) {
            model->pulse(devices, 0, pulses, key, 1);
        } else {
            model->set(devices, 0, up, key, 1);
        }
        benchmark::ClobberMemory();
    }
    per_item(state, "per_pulse", kDevices);
}
BENCHMARK_CAPTURE(bulk_write, pcm, std::string("pcm_nandakumar2018"));
BENCHMARK_CAPTURE(bulk_write, soft_bounds, std::string("soft_bounds"));
BENCHMARK_CAPTURE(bulk_write, linear_step, std::string("ecram_li"));
BENCHMARK_CAPTURE(bulk_write, reram_with_write_noise, std::string("reram_sb"));
BENCHMARK_CAPTURE(bulk_write, exp_step, std::string("exp_step"));
BENCHMARK_CAPTURE(bulk_write, pow_step, std::string("pow_step"));
BENCHMARK_CAPTURE(bulk_write, piecewise_step, std::string("piecewise_step"));

}  // namespace

int main(int argc, char** argv) {
    apply_simd_environment();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
