// Cost of the digital core's algorithm without kernel and buses, on the sizes of the reference task (40
// inputs, 100 neurons, 2 outputs): the floor under both levels. Counters: simulated cycles per second of wall
// time, and how many nanoseconds one STEP, event pass or EPROP takes.
#include <benchmark/benchmark.h>

#include "crossbar/base/random.hpp"
#include "hw_models/digital_core/core.hpp"
#include "hw_models/digital_core/event_pass.hpp"
#include "hw_models/digital_core/neuron_step.hpp"

namespace {

using namespace memprop::hw;

struct Machine {
    Registers registers{CoreShape{}};
    CoreState state{CoreShape{}};
    EpropUnit eprop{state, registers};
    Targets targets{.valid = true, .label = 1};

    Machine() {
        const std::pair<Reg, std::uint32_t> values[] = {
            {Reg::NUM_INP, 39},       {Reg::NUM_REC, 99},      {Reg::NUM_OUT, 1},
            {Reg::EN_STOCH_ROUND, 1}, {Reg::REGUL_MODE, 2},    {Reg::REGUL_W, 3},
            {Reg::REGUL_F0, 160},     {Reg::LR_P_WINP, 8},     {Reg::LR_P_WREC, 8},
            {Reg::LR_P_WOUT, 14},     {Reg::KAPPA, 0x79},      {Reg::LEARN_SIG_SCALE, 5},
            {Reg::REGUL_K_INP_P, 10}, {Reg::REGUL_K_REC_P, 10}};
        for (const auto& [reg, value] : values) {
            registers.write(static_cast<std::uint32_t>(reg), value);
        }
        for (std::uint32_t i = 0; i < 5; ++i) {
            registers.write(static_cast<std::uint32_t>(Reg::H_0) + i, 1);
        }
        for (std::uint32_t word = 0; word < 50; ++word) {
            state.write_neuron_chunk(word, 3, 0xFEF00000U | 30000 << 4, registers);
        }
        for (std::uint32_t j = 0; j < 100; ++j) {
            state.u[j] = static_cast<std::int16_t>(3 * j);
            state.ti[j] = state.tr[j] = 2000;
            state.to[j] = 500;
        }
    }
};

void bench_step(benchmark::State& run) {
    Machine machine;
    for (auto _ : run) {
        step_outputs(machine.state, machine.registers, 0, 100);
        step_neurons(machine.state, machine.registers, 0, 100);
        benchmark::DoNotOptimize(machine.state.u.data());
    }
    run.counters["cycles_per_s"] = benchmark::Counter(100.0, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(bench_step);

void bench_event_pass(benchmark::State& run) {
    Machine machine;
    for (auto _ : run) {
        machine.state.z.set(7);
        machine.state.inputs.set(7);
        deliver_to_outputs(machine.state, machine.registers, 7);
        deliver_to_neurons(machine.state, machine.registers, 7, 0, 100, true);
        benchmark::DoNotOptimize(machine.state.u.data());
    }
    run.counters["cycles_per_s"] = benchmark::Counter(100.0, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(bench_event_pass);

// All rows active: 7 blocks of 140 rows of 16 weights.
void bench_eprop(benchmark::State& run) {
    Machine machine;
    for (auto _ : run) {
        machine.eprop.start();
        machine.eprop.run(machine.eprop.cycles_to_end(), machine.targets);
        benchmark::DoNotOptimize(machine.state.w_rec.data());
    }
    run.counters["cycles_per_s"] = benchmark::Counter(1624.0, benchmark::Counter::kIsIterationInvariantRate);
    run.counters["weights_per_s"] =
        benchmark::Counter(7 * 140 * 16.0, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(bench_eprop);

// Whole time steps of the machine, about one input event in two steps.
void bench_time_steps(benchmark::State& run) {
    Core core;
    core.reset_registers();
    core.reset();
    const Machine machine;
    for (const RegisterInfo& info : register_table()) {
        core.write_register(info.number, machine.registers.at(info.number));
    }
    for (std::uint32_t word = 0; word < 50; ++word) {
        core.write_memory(MemoryCode::neuron, word << 2 | 3, 0xFEF00000U | 30000 << 4);
    }
    core.set_configuration_enabled(false);
    core.set_sample(true);
    std::uint32_t step = 0;
    for (auto _ : run) {
        if (step % 2 == 0) {
            core.pulse_input_event(static_cast<std::uint8_t>(step / 2 % 40));
            core.advance(1);
        }
        core.pulse_tick();
        core.advance(1);
        for (std::uint64_t busy = core.busy_edges(); busy != Core::kNever; busy = core.busy_edges()) {
            core.advance(busy);
        }
        ++step;
    }
    run.counters["cycles_per_s"] =
        benchmark::Counter(static_cast<double>(core.cycles().intrinsic()), benchmark::Counter::kIsRate);
}
BENCHMARK(bench_time_steps);

}  // namespace

BENCHMARK_MAIN();
