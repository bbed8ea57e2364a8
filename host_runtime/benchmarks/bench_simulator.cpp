// Steps per second of the functional simulator, one thread. Floors (items_per_second):
//   recurrent_cuba_lif_12_38_7   200 000 steps/s
//   convolutional_if_34x34x2       2 000 steps/s
#include <benchmark/benchmark.h>

#include "crossbar/base/random.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/nir/build.hpp"

namespace {

using namespace memprop::host;
using nir::NodeType;

std::vector<float> normals(std::size_t count, float scale, float mean, std::uint32_t event) {
    std::vector<float> values(count);
    memprop::fill_normals({.seed = 1, .stream = {}, .array = 0, .block = 0, .event = event, .step = 0}, 0,
                          values);
    for (float& value : values) {
        value = mean + scale * value;
    }
    return values;
}

nir::Node port(const std::string& name, NodeType type, std::vector<std::int64_t> shape) {
    const std::uint64_t rank = shape.size();
    return nir::node(name, type, {nir::whole_numbers("shape", {rank}, std::move(shape))});
}

nir::Node linear(const std::string& name, std::uint64_t out, std::uint64_t in, float scale, float mean,
                 std::uint32_t event) {
    return nir::node(name, NodeType::linear,
                     {nir::floats("weight", {out, in}, normals(out * in, scale, mean, event))});
}

nir::Node cuba_lif(const std::string& name, std::uint64_t count) {
    const auto all = [count](const char* parameter, double value) {
        return nir::doubles(parameter, {count}, std::vector<double>(count, value));
    };
    return nir::node(name, NodeType::cuba_lif,
                     {all("tau_syn", 2e-3), all("tau_mem", 1e-2), all("r", 10), all("v_leak", 0),
                      all("v_threshold", 1), all("w_in", 2)});
}

/// Poisson-like events with `rate` per input and step, the same every time.
std::vector<std::vector<std::uint32_t>> random_events(std::size_t steps, std::uint32_t inputs, float rate) {
    std::vector<std::vector<std::uint32_t>> events(steps);
    std::vector<float> draws(inputs);
    for (std::size_t k = 0; k < steps; ++k) {
        memprop::fill_uniforms({.seed = 2,
                                .stream = {},
                                .array = 0,
                                .block = 0,
                                .event = 0,
                                .step = static_cast<std::uint32_t>(k)},
                               0, draws);
        for (std::uint32_t i = 0; i < inputs; ++i) {
            if (draws[i] < rate) {
                events[k].push_back(i);
            }
        }
    }
    return events;
}

void run(benchmark::State& state, const nir::Network& network,
         const std::vector<std::vector<std::uint32_t>>& events) {
    FunctionalNetwork simulator(network, "benchmark", {});
    std::vector<std::size_t> spikes(simulator.nodes().size(), 0);
    std::size_t k = 0;
    for ([[maybe_unused]] auto _ : state) {
        simulator.step(events[k++ % events.size()]);
        for (std::uint32_t n = 0; n < spikes.size(); ++n) {
            spikes[n] += simulator.spikes(n).size();
        }
    }
    state.SetItemsProcessed(state.iterations());
    for (std::uint32_t n = 0; n < spikes.size(); ++n) {
        if (nir::is_spiking(simulator.nodes()[n].type)) {
            state.counters[simulator.nodes()[n].name + "_spikes_per_step"] =
                static_cast<double>(spikes[n]) / static_cast<double>(state.iterations());
        }
    }
}

void recurrent_cuba_lif_12_38_7(benchmark::State& state) {
    const auto network = nir::network(
        {port("input", NodeType::input, {12}), linear("fc1", 38, 12, 1.0F, 0.3F, 0), cuba_lif("lif1", 38),
         linear("w_rec", 38, 38, 0.2F, 0, 1), linear("fc2", 7, 38, 0.5F, 0.1F, 2), cuba_lif("lif2", 7),
         port("output", NodeType::output, {7})},
        {{"input", "fc1"},
         {"fc1", "lif1"},
         {"lif1", "w_rec"},
         {"w_rec", "lif1"},
         {"lif1", "fc2"},
         {"fc2", "lif2"},
         {"lif2", "output"}});
    run(state, network, random_events(1000, 12, 0.1F));
}
BENCHMARK(recurrent_cuba_lif_12_38_7);

nir::Node convolution(const std::string& name, std::uint64_t out, std::uint64_t in, std::int64_t stride,
                      std::uint32_t event) {
    return nir::node(
        name, NodeType::conv2d,
        {nir::floats("weight", {out, in, 3, 3}, normals(out * in * 9, 0.25F, 0.05F, event)),
         nir::floats("bias", {out}, std::vector<float>(out, 0.0F)),
         nir::whole_numbers("stride", {2}, {stride, stride}), nir::whole_numbers("padding", {2}, {1, 1}),
         nir::whole_numbers("dilation", {2}, {1, 1}), nir::whole_numbers("groups", {}, {1})});
}

nir::Node integrate_fire(const std::string& name) {
    return nir::node(
        name, NodeType::integrate_fire,
        {nir::doubles("r", {}, {1}), nir::doubles("v_threshold", {}, {1}), nir::doubles("v_reset", {}, {0})});
}

/// 34 x 34 x 2 -> 16 x 17 x 17 -> 16 x 9 x 9 -> 8 x 9 x 9 -> 10; 35 events per step (1.5 %).
void convolutional_if_34x34x2(benchmark::State& state) {
    const auto network = nir::network(
        {port("input", NodeType::input, {2, 34, 34}), convolution("conv1", 16, 2, 2, 0),
         integrate_fire("if1"), convolution("conv2", 16, 16, 2, 1), integrate_fire("if2"),
         convolution("conv3", 8, 16, 1, 2), integrate_fire("if3"),
         nir::node("flat", NodeType::flatten,
                   {nir::whole_numbers("start_dim", {}, {0}), nir::whole_numbers("end_dim", {}, {-1})}),
         linear("fc", 10, 648, 0.1F, 0, 3), integrate_fire("if4"), port("output", NodeType::output, {10})},
        {{"input", "conv1"},
         {"conv1", "if1"},
         {"if1", "conv2"},
         {"conv2", "if2"},
         {"if2", "conv3"},
         {"conv3", "if3"},
         {"if3", "flat"},
         {"flat", "fc"},
         {"fc", "if4"},
         {"if4", "output"}});
    run(state, network, random_events(200, 2312, 0.015F));
}
BENCHMARK(convolutional_if_34x34x2);

}  // namespace

BENCHMARK_MAIN();
