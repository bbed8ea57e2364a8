#include "testbenches/chip/core_run.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "host_runtime/chip/mapping.hpp"
#include "learning/classic.hpp"
#include "testbenches/chip/core_driver.hpp"
#include "testbenches/chip/trace.hpp"

namespace memprop::tb {
namespace {

using namespace hw::chip;
using learning::ProjectionId;

// What a core computes on, as a trainer would own it.
struct Surroundings {
    learning::NetworkParameters<float> parameters;
    std::array<std::unique_ptr<learning::WeightStore>, 3> stores;
    std::array<std::unique_ptr<WeightArray>, 3> arrays;
    learning::NetworkState<float> state;
    std::vector<float> feedback;
    std::vector<float> psi, error;
    std::vector<std::uint32_t> spike_count;
    ChipTape tape;
    ChipMemory memory;

    Surroundings(const host::Experiment& experiment, const ChipPlan& plan, std::uint32_t steps)
        : parameters(experiment.network, experiment.learning),
          state(parameters),
          feedback(std::size_t{parameters.outputs} * parameters.recurrent),
          memory{.state = state, .feedback = feedback, .weights = {}} {
        stores = learning::make_classic_stores(experiment);
        for (std::size_t w = 0; w < 3; ++w) {
            arrays[w] = std::make_unique<WeightArray>(*stores[w], plan.tile_rows[w], plan.tile_columns[w]);
            memory.weights[w] = arrays[w].get();
        }
        psi.resize(std::size_t{steps} * parameters.recurrent);
        error.resize(std::size_t{steps} * parameters.outputs);
        spike_count.resize(parameters.recurrent);
        tape = {.pseudo_derivative = psi, .error = error, .spike_count = spike_count};
        memory.tape = &tape;
    }
};

ChipReport report(const ChipOptions& options, const Core& core, const hw::noc::EventMesh& mesh,
                  const CoreDriver& driver, double wall_s) {
    const auto& fabric = mesh.fabric();
    std::vector<hw::Counter> counters;
    for (std::size_t i = 0; i < kCoreCounters; ++i) {
        const CounterInfo& info = kCoreCounterInfo[i];
        counters.push_back({"core." + std::string(info.name), static_cast<double>(core.stats().at(i)),
                            std::string(info.unit), std::string(info.description)});
    }
    double periphery_j = 0.0;
    for (std::size_t t = 0; t < core.tiles().size(); ++t) {
        periphery_j += core.tiles()[t]->memory().energy_j();
        for (hw::Counter& counter : core.tiles()[t]->report(fmt::format("core.tile_{}.", t))) {
            counters.push_back(std::move(counter));
        }
    }
    for (hw::Counter& counter : fabric.report("network.", mesh.cycle())) {
        counters.push_back(std::move(counter));
    }
    ChipReport out;
    auto& json = out.json;
    const std::uint64_t steps = core.stats()[CoreCounter::steps];
    json["core"] = options.core;
    json["node"] = static_cast<unsigned>(core.plan().node);
    json["neurons"] = core.plan().neurons.count;
    json["readouts"] = core.plan().readouts.count;
    json["tiles"] = core.tiles().size();
    json["seed"] = options.experiment.run.seed;
    json["samples"] = options.samples;
    json["steps"] = steps;
    json["events"] = core.stats()[CoreCounter::events];
    json["spikes"] = core.stats()[CoreCounter::spikes];
    json["cycles"] = mesh.cycle();
    json["load_cycles"] = driver.load_cycles();
    json["step_cycles_mean"] = static_cast<double>(driver.step_cycles()) / static_cast<double>(steps);
    json["step_cycles_max"] = driver.longest_step_cycles();
    json["energy_j"] = {{"digital", core.digital_energy_j()},
                        {"tile_periphery", periphery_j},
                        {"routing", fabric.total_router_stats(mesh.cycle()).energy_j(fabric.params().cost)}};
    json["cost_sources"] = {{"digital", options.experiment.chip.digital_cost.source},
                            {"tile_periphery", options.experiment.chip.tile_cost.source},
                            {"numbers", options.experiment.chip.sram_cost.source},
                            {"routing", options.experiment.chip.router_cost.source}};
    for (const hw::Counter& counter : counters) {
        json["counters"][counter.name] = counter.value;
    }
    json["core_process_activations"] = core.activations();
    json["wall_s"] = wall_s;
    json["simulated_cycles_per_s"] = static_cast<double>(mesh.cycle()) / wall_s;
    out.text = fmt::format("core {} at node {}: {} neurons, {} readouts, {} tiles\n", options.core,
                           json["node"].get<unsigned>(), core.plan().neurons.count,
                           core.plan().readouts.count, core.tiles().size()) +
               counter_table(counters) +
               fmt::format("{} cycles, {:.4g} simulated cycles/s\n", mesh.cycle(),
                           static_cast<double>(mesh.cycle()) / wall_s);
    return out;
}

}  // namespace

ChipReport run_core(ChipOptions& options, std::ostream* csv) {
    const host::Experiment& experiment = options.experiment;
    experiment.chip.check_costs();
    const ChipPlan plan = host::map_network(experiment);
    if (options.core >= plan.cores.size()) {
        throw InputError("--core", options.core, fmt::format("the plan has {} cores", plan.cores.size()));
    }
    const CorePlan& core_plan = plan.cores[options.core];
    const auto stimulus = make_chip_stimulus(options, plan.inputs + plan.recurrent - core_plan.neurons.count);
    Surroundings around(experiment, plan, options.steps);
    const sc_core::sc_time period(experiment.chip.clock_period_ns, sc_core::SC_NS);
    hw::noc::EventMesh mesh("mesh", experiment.chip.noc_params(), period);
    Core core("core", plan, options.core, experiment.chip, experiment.crossbar.adc.columns_per_converter,
              around.memory, period);
    core.port.bind(mesh.queue[static_cast<std::size_t>(core_plan.node)]);
    CoreDriver driver("driver",
                      {.chip = &plan,
                       .core = options.core,
                       .samples = options.samples,
                       .steps = options.steps,
                       .learn = options.learn,
                       .seed = static_cast<std::uint64_t>(experiment.run.seed)},
                      around.memory, around.parameters, *stimulus, csv, period);
    driver.port.bind(mesh.queue[static_cast<std::size_t>(ChipPlan::kHostNode)]);
    if (core_plan.neurons.count > 0) {
        mesh.fabric().set_tree(core_plan.spike_tree, core_plan.node,
                               std::array{core_plan.node, ChipPlan::kHostNode});
    }
    std::optional<ChipTrace> trace;
    if (options.trace_file) {
        trace.emplace("trace", std::vector<const Core*>{&core}, mesh, nullptr, *options.trace_file);
    }
    const auto start = std::chrono::steady_clock::now();
    sc_core::sc_start();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    if (!driver.finished()) {
        throw RunError("the core has stopped before the end of the run");
    }
    if (trace) {
        trace->finish();
    }
    return report(options, core, mesh, driver, wall.count());
}

}  // namespace memprop::tb
