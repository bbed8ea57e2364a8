// Events per second from a recording in memory to steps, one thread. Floor: 1 M events/s.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <sstream>

#include "host_runtime/events/step_stream.hpp"

namespace {

using namespace memprop::host::events;

constexpr std::size_t kEvents = 1'000'000;

std::string csv_bytes() {
    std::string text = "step,index\n";
    for (std::size_t i = 0; i < kEvents; ++i) {
        fmt::format_to(std::back_inserter(text), "{},{}\n", i / 50, i * 7919 % 2312);
    }
    return text;
}

std::string dat_bytes() {
    std::string bytes("\x0C\x08", 2);
    for (std::uint32_t i = 0; i < kEvents; ++i) {
        const std::uint32_t words[2] = {i * 20, i * 7919 % 34 | (i * 104729 % 34) << 14};
        bytes.append(reinterpret_cast<const char*>(words), sizeof words);
    }
    return bytes;
}

template <class Open>
void drain(benchmark::State& state, const std::string& bytes, Open open) {
    std::vector<std::uint32_t> indices;
    for ([[maybe_unused]] auto _ : state) {
        StepStream stream(open(std::make_unique<std::istringstream>(bytes)), 1e-3, false);
        std::size_t total = 0;
        while (stream.more()) {
            stream.take(stream.next_step(), indices);
            total += indices.size();
        }
        if (total != kEvents) {
            state.SkipWithError("events were lost");
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEvents));
}

void csv(benchmark::State& state) {
    ReaderOptions options;
    options.input_size = 2312;
    drain(state, csv_bytes(), [&](Stream in) { return open_csv(std::move(in), "csv", options); });
}
BENCHMARK(csv)->Unit(benchmark::kMillisecond);

void dat(benchmark::State& state) {
    drain(state, dat_bytes(), [](Stream in) {
        return open_prophesee_dat(std::move(in), "dat", {34, 34, 2});
    });
}
BENCHMARK(dat)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
