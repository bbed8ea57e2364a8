#include "host_runtime/tests/chip_soak.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "host_runtime/tests/random_graphs.hpp"
#include "learning/trainer.hpp"

namespace memprop::test {
namespace {

using hw::chip::CoreCounter;

/// Numbers that follow from the seed, each from its own place.
class Pick {
public:
    explicit Pick(std::uint64_t seed) : key_{.seed = seed, .stream = Stream::test, .array = 251} {}
    std::uint32_t between(std::uint32_t place, std::uint32_t low, std::uint32_t high) const {
        return low + random_bits(key_, place) % (high - low + 1);
    }
    template <class Value>
    const Value& of(std::uint32_t place, const std::vector<Value>& values) const {
        return values[between(place, 0, static_cast<std::uint32_t>(values.size()) - 1)];
    }

private:
    DrawKey key_;
};

std::vector<std::string> network_settings(const Pick& pick) {
    const std::uint32_t outputs = pick.between(2, 1, 4);
    std::vector<std::string> settings{fmt::format("network.recurrent={}", pick.between(1, 2, 30)),
                                      "network.init_std_in=0.5",
                                      "network.threshold=0.05",
                                      "network.init_std_rec=0.5",
                                      fmt::format("run.seed={}", pick.between(3, 1, 1000)),
                                      "learning.lr=0.05",
                                      "learning.lr_out=0.05"};
    const auto add = [&](const std::vector<std::string>& more) {
        settings.insert(settings.end(), more.begin(), more.end());
    };
    const std::uint32_t mode = pick.between(4, 0, 3);
    if (mode == 0) {  // errors once, after the sample
        add({fmt::format("network.inputs={}", 10 * pick.between(0, 1, 3)), "task.name=cue_accumulation",
             "learning.loss=cross_entropy", "learning.supervision=reward", "task.cues=2",
             "task.cue_seconds=0.01", "task.gap_seconds=0.004", "task.delay_seconds=0.006",
             "task.response_seconds=0.01", "task.fresh_trials=true", "network.outputs=2"});
    } else {
        add({fmt::format("network.inputs={}", pick.between(0, 1, 24)),
             fmt::format("network.outputs={}", outputs),
             fmt::format("task.steps={}", pick.between(5, 15, 40))});
    }
    if (mode == 1) {  // weights change within samples
        add({"learning.gradient=online", "learning.regularizer=running_average",
             fmt::format("learning.update_every_steps={}", pick.between(6, 1, 7))});
    }
    if (pick.between(7, 0, 2) == 0) {
        add({"network.neuron=alif"});
    }
    add(pick.of<std::vector<std::string>>(8, {{"update.scheme=vanilla"},
                                              {"update.scheme=mixed_precision"},
                                              {"update.scheme=sign"},
                                              {"update.scheme=mixed_precision", "crossbar.tile_rows=7",
                                               "crossbar.tile_columns=5", "crossbar.adc_bits=6"}}));
    return settings;
}

std::vector<std::string> chip_settings(const Pick& pick) {
    std::vector<std::string> settings{
        fmt::format("chip.mesh_width={}", pick.between(20, 1, 4)),
        fmt::format("chip.mesh_height={}", pick.between(21, 1, 3)),
        fmt::format("chip.fifo_depth={}", pick.of<int>(22, {1, 1, 2, 4, 16})),
        fmt::format("chip.router_cycles={}", pick.between(23, 1, 3)),
        fmt::format("chip.link_cycles={}", pick.between(24, 1, 3)),
        fmt::format("chip.credit_cycles={}", pick.of<int>(25, {0, 0, 1, 3})),
        fmt::format("chip.read_mode={}", pick.of<std::string>(26, {"per_event", "per_timestep"})),
        fmt::format("chip.neuron_lanes={}", pick.of<int>(27, {1, 3, 16}))};
    if (pick.between(28, 0, 1) == 1) {
        settings.push_back(fmt::format("chip.chip_columns={}", pick.between(29, 0, 2)));
        settings.push_back(fmt::format("chip.chip_rows={}", pick.between(30, 0, 2)));
        settings.push_back(fmt::format("chip.boundary_cycles={}", pick.between(31, 1, 9)));
        settings.insert(settings.end(), {"chip.boundary_pj=20", "chip.boundary_source=figures of a test"});
    }
    return settings;
}

/// Figures that the devices' costs do not come with.
const std::vector<std::string> kCosts{
    "crossbar.energy.set_pulse_pj=6.75",       "crossbar.energy.reset_pulse_pj=33.75",
    "crossbar.energy.set_pulse_ns=50",         "crossbar.energy.reset_pulse_ns=50",
    "crossbar.energy.read_voltage_v=0.2",      "crossbar.energy.read_pulse_ns=130",
    "crossbar.energy.source=figures of a test"};

/// What of the chip's counters says that something was lost or refused.
std::string losses(const hw::chip::Chip& chip) {
    std::string found;
    const auto expect_none = [&](std::string_view what, std::uint64_t count) {
        if (count != 0) {
            found += fmt::format("{} {}; ", count, what);
        }
    };
    const hw::noc::Fabric& fabric = chip.fabric();
    expect_none("flits without a route", fabric.total_router_stats(chip.cycle()).unroutable_flits);
    expect_none("flits refused", fabric.total_terminal_stats().refused_no_route);
    expect_none("flits left inside", fabric.flits_inside());
    for (const auto& core : chip.cores()) {
        expect_none("refused flits", core->stats()[CoreCounter::refused_flits]);
    }
    return found;
}

/// The first difference between what two trainers left of their last sample.
std::string difference_of(learning::TrainerBase& functional, learning::TrainerBase& on_chip) {
    const learning::SpikeTrain spikes = functional.last_spikes(), chip_spikes = on_chip.last_spikes();
    if (spikes.steps() != chip_spikes.steps()) {
        return "another number of steps";
    }
    for (std::size_t t = 0; t < spikes.steps(); ++t) {
        const auto expected = spikes.at(t), got = chip_spikes.at(t);
        if (!std::equal(expected.begin(), expected.end(), got.begin(), got.end())) {
            return fmt::format("other spikes in step {}", t);
        }
    }
    if (functional.last_output() != on_chip.last_output()) {
        return "other readouts";
    }
    for (std::size_t p = 0; p < functional.network().projections.size(); ++p) {
        const auto id = static_cast<learning::ProjectionId>(p);
        if (functional.snapshot(id) != on_chip.snapshot(id)) {
            return fmt::format("other weights in {}", functional.network().projections[p].name);
        }
    }
    return {};
}

}  // namespace

namespace {

/// A barrier token leaves when none of up to five heads is held back, so more than this takes for ever.
double stall_probability(const Pick& pick) {
    return 0.05 * pick.between(40, 0, 8);
}

void hold_up(hw::chip::Chip& chip, std::uint64_t seed, const Pick& pick) {
    chip.network().fabric().inject_stalls({.seed = seed, .probability = stall_probability(pick)});
}

/// A step has ended when the host knows; some cores hear of it a few cycles later.
void come_to_rest(hw::chip::Chip& chip) {
    while (chip.next_cycle() != hw::bus::kNever) {
        chip.advance_to(chip.next_cycle());
    }
}

void count_chip(hw::chip::Chip& chip, SoakResult& result) {
    come_to_rest(chip);
    result.difference += losses(chip);
    result.flits = chip.fabric().total_terminal_stats().sent;
    result.stalls = chip.fabric().total_router_stats(chip.cycle()).injected_stalls;
    result.cycles = chip.cycle();
}

/// What differs after a step; empty: nothing. Adds the spikes.
std::string difference_of(const host::RunningNetwork& functional, const host::RunningNetwork& on_chip,
                          std::uint64_t& spikes) {
    const auto same = [](const auto& a, const auto& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    };
    for (std::uint32_t node = 0; node < functional.nodes().size(); ++node) {
        spikes += functional.spikes(node).size();
        if (!same(functional.spikes(node), on_chip.spikes(node)) ||
            !same(functional.membrane(node), on_chip.membrane(node)) ||
            !same(functional.current(node), on_chip.current(node))) {
            return fmt::format("node {} differs", functional.nodes()[node].name);
        }
    }
    std::vector<double> expected(functional.output_size()), got(functional.output_size());
    functional.read_output(expected);
    on_chip.read_output(got);
    return expected == got ? "" : "other outputs";
}

/// Of a drawn graph an Input may reach no Output: then the next one.
RandomGraph runnable_graph(std::uint64_t seed) {
    for (;; seed += 1'000'000) {
        RandomGraph graph = random_graph(seed);
        try {
            const host::FunctionalNetwork network(graph.network, "net", graph.discretisation);
            return graph;
        } catch (const InputError& error) {
            if (std::string_view(error.what()).find("reaches no Output") == std::string_view::npos) {
                throw;
            }
        }
    }
}

SoakResult soak_graph(std::uint64_t seed) {
    constexpr std::uint32_t kSteps = 40;
    const Pick pick(seed);
    const std::vector<std::string> settings = chip_settings(pick);
    SoakResult result;
    result.settings =
        fmt::format("random graph, stalls {:.2f}, {}", stall_probability(pick), fmt::join(settings, " "));
    const RandomGraph graph = runnable_graph(seed);
    host::FunctionalNetwork functional(graph.network, "net", graph.discretisation);
    const hw::chip::ChipConfig chip = host::parse_experiment("", "soak", settings).chip;
    host::ChipNetwork on_chip(graph.network, "net", graph.discretisation, chip);
    host::ChipNetwork undisturbed(graph.network, "net", graph.discretisation, chip);
    hold_up(on_chip.session().chip(), seed, pick);
    for (std::uint32_t t = 0; t < kSteps && result.difference.empty(); ++t) {
        const auto events = random_events(seed, t, functional.input_size(), true);
        functional.step(events);
        on_chip.step(events);
        undisturbed.step(events);
        const std::string what = difference_of(functional, on_chip, result.spikes);
        result.difference = what.empty() ? "" : fmt::format("step {}: {}", t, what);
        ++result.steps;
    }
    count_chip(on_chip.session().chip(), result);
    come_to_rest(undisturbed.session().chip());
    for (std::size_t c = 0; c < on_chip.session().chip().cores().size(); ++c) {
        const auto& held = on_chip.session().chip().cores()[c]->stats();
        const auto& free = undisturbed.session().chip().cores()[c]->stats();
        if (held[CoreCounter::events] != free[CoreCounter::events] ||
            held[CoreCounter::unmapped_events] != free[CoreCounter::unmapped_events]) {
            result.difference += fmt::format("core {}: other events than without stalls; ", c);
        }
    }
    return result;
}

}  // namespace

SoakResult soak(std::uint64_t seed) {
    if (seed % 3 == 0) {
        return soak_graph(seed);
    }
    constexpr std::uint32_t kSamples = 3;
    const Pick pick(seed);
    std::vector<std::string> settings = network_settings(pick);
    for (const auto& more : {chip_settings(pick), kCosts}) {
        settings.insert(settings.end(), more.begin(), more.end());
    }
    SoakResult result;
    result.settings =
        fmt::format("stalls {:.2f}, {}", stall_probability(pick),
                    fmt::join(settings.begin(), settings.end() - std::ptrdiff_t(kCosts.size()), " "));
    host::Experiment e = host::parse_experiment("", "soak", settings);
    const auto functional = learning::make_trainer(e, host::make_any_task(e));
    host::ChipHardware* hardware = nullptr;
    const auto on_chip = learning::make_trainer(
        e, host::make_any_task(e), nullptr, [&](const learning::HardwareRequest& around) {
            auto made = std::make_unique<host::ChipHardware>(e, around);
            hardware = made.get();
            hold_up(hardware->session().chip(), seed, pick);
            return made;
        });
    for (std::uint32_t sample = 0; sample < kSamples && result.difference.empty(); ++sample) {
        const double loss = functional->train_sample();
        if (on_chip->train_sample() != loss) {
            result.difference = fmt::format("sample {}: another loss", sample);
        } else if (std::string what = difference_of(*functional, *on_chip); !what.empty()) {
            result.difference = fmt::format("sample {}: {}", sample, what);
        }
    }
    count_chip(hardware->session().chip(), result);
    result.steps = on_chip->steps_done();
    result.spikes = on_chip->spikes_done();
    return result;
}

}  // namespace memprop::test
