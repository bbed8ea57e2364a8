// The cycles of time steps of several cores and phases against the formulas in hw_models/chip/README.md:
// barriers by their tokens, and all of it where flits do not wait for each other.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/tests/chip_formula.hpp"
#include "host_runtime/tests/networks.hpp"
#include "host_runtime/tests/random_graphs.hpp"
#include "hw_models/noc/routing.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using hw::noc::NodeId;
using memprop::test::ceil_div;
using memprop::test::ChipBench;
using memprop::test::Count;

namespace {

/// Who enters a barrier when, and when its token is where: max over all of entry + way.
class Barrier {
public:
    explicit Barrier(const ChipConfig& chip)
        : width_(static_cast<std::uint32_t>(chip.mesh_width) + 1),
          hop_(chip.router_cycles + chip.link_cycles) {}

    Count way(NodeId a, NodeId b) const { return hw::noc::hops_between(a, b, width_) * hop_; }
    void enter(NodeId node, Count cycle) { entered_.emplace_back(node, cycle); }
    Count passes(NodeId node) const {
        Count last = 0;
        for (const auto& [from, cycle] : entered_) {
            last = std::max(last, cycle + way(from, node));
        }
        return last;
    }

private:
    std::uint32_t width_;
    Count hop_;
    std::vector<std::pair<NodeId, Count>> entered_;
};

Count update_of(const ChipConfig& c, Count neurons, Count sums) {
    return ceil_div(neurons * sums, c.neuron_lanes) + ceil_div(neurons, c.neuron_lanes) * c.neuron_cycles;
}

/// A step of an image without any events.
Count silent_step(const ChipImage& image, const ChipConfig& c) {
    const Barrier ways(c);
    std::vector<Count> token(image.cores.size()), unit_free(image.cores.size(), 0);
    for (std::size_t k = 0; k < image.cores.size(); ++k) {
        token[k] = ways.way(kHostNode, image.cores[k].node);  // the step flit
    }
    Count host = 1;  // it enters behind that flit
    for (std::uint32_t phase = 1; phase <= image.phases; ++phase) {
        Barrier barrier(c);
        barrier.enter(kHostNode, host);
        for (std::size_t k = 0; k < image.cores.size(); ++k) {
            const CoreImage& core = image.cores[k];
            Count done = token[k];
            for (std::uint32_t u = 0; u < core.units.size(); ++u) {
                if (core.units[u].phase == phase) {
                    const Count blocks = std::count_if(core.blocks.begin(), core.blocks.end(),
                                                       [&](const BlockImage& b) { return b.unit == u; });
                    unit_free[k] =
                        std::max(unit_free[k], token[k]) + update_of(c, core.units[u].slice.count, blocks);
                    done = unit_free[k];
                }
            }
            barrier.enter(core.node, done);
        }
        host = barrier.passes(kHostNode);
        for (std::size_t k = 0; k < image.cores.size(); ++k) {
            token[k] = barrier.passes(image.cores[k].node);
        }
    }
    return host;
}

/// Layers of neurons one behind the other, each with feedback.
host::nir::Network layers(std::uint64_t seed, std::uint32_t count) {
    namespace nir = host::nir;
    test::Draw draw(seed);
    std::vector<nir::Node> nodes{host::input_node({5})};
    nir::EdgeList edges;
    std::string last = "input";
    std::uint64_t size = 5;
    for (std::uint32_t l = 0; l < count; ++l) {
        const std::uint64_t next = draw.between(3, 40);
        const std::string name = "lif_" + std::to_string(l), map = "map_" + std::to_string(l);
        nodes.push_back(host::linear_node(map, {next, size}, std::vector<float>(next * size, 0.3F)));
        nodes.push_back(host::lif_node(name, {next}, 20e-3));
        edges.insert(edges.end(), {{last, map}, {map, name}});
        if (draw.chance(0.5)) {
            nodes.push_back(host::linear_node("back_" + std::to_string(l), {next, next},
                                              std::vector<float>(next * next, 0.1F)));
            edges.insert(edges.end(),
                         {{name, "back_" + std::to_string(l)}, {"back_" + std::to_string(l), name}});
        }
        last = name;
        size = next;
    }
    nodes.push_back(host::output_node({static_cast<std::int64_t>(size)}));
    edges.emplace_back(last, "output");
    return nir::network(std::move(nodes), edges);
}

/// The network of the short form on several cores: where at most one core fires, flits do not wait for each
/// other but in the order in which they are sent.
class CoresFormula {
public:
    explicit CoresFormula(const ChipBench& bench)
        : bench_(bench),
          c_(bench.experiment.chip),
          converted_(bench.experiment.crossbar.adc.columns_per_converter),
          sent_(bench.image().cores.size(), 0),
          opened_(bench.image().cores.size(), 0) {}

    struct Phases {
        Count neurons, readouts, learning;
    };

    Phases step(Count c0, std::size_t t, const learning::Trial& trial, bool learns) {
        const auto inputs = trial.input.at(t), before = bench_.neurons().arriving(t, 1),
                   spikes = bench_.neurons().own.at(t);
        const Count x = std::ssize(inputs), outputs = bench_.sizes.outputs;
        const auto& cores = bench_.image().cores;
        const Barrier ways(c_);
        Barrier first(c_), second(c_), third(c_);
        first.enter(kHostNode, c0 + x + 1);
        std::vector<Count> updated(cores.size()), open = opened_;
        for (std::size_t k = 0; k < cores.size(); ++k) {
            const NodeId node = cores[k].node;
            const Count e = c0 + ways.way(kHostNode, node) + x;
            const UnitImage* const unit = unit_of(k, 1);
            if (unit == nullptr) {
                first.enter(node, e);
                continue;
            }
            std::vector<Count> of_inputs, of_before;
            for (Count i = 0; i < x; ++i) {
                of_inputs.push_back(e - x + i);
            }
            for (Count i = 0; i < std::ssize(before); ++i) {
                of_before.push_back(std::max(
                    open[k], sent_[firing_before_] + ways.way(cores[firing_before_].node, node) + i));
            }
            const Count read =
                std::max(block_read(k, 0, inputs, of_inputs, e), block_read(k, 1, before, of_before, e));
            opened_[k] = e + read;
            updated[k] = e + read + update_of(c_, unit->slice.count, row_blocks(k, 0) + row_blocks(k, 1));
            const auto own = std::count_if(spikes.begin(), spikes.end(),
                                           [&](std::uint32_t j) { return unit->slice.holds(j); });
            firing_before_ = own > 0 ? k : firing_before_;
            first.enter(node, updated[k] + own);
        }
        sent_ = updated;
        const Count host_1 = first.passes(kHostNode);
        second.enter(kHostNode, host_1);
        for (std::size_t k = 0; k < cores.size(); ++k) {
            const NodeId node = cores[k].node;
            Count done = first.passes(node);
            if (const UnitImage* const unit = unit_of(k, 2)) {
                std::vector<Count> arrivals;
                for (Count i = 0; i < std::ssize(spikes); ++i) {
                    arrivals.push_back(sent_[firing_before_] + ways.way(cores[firing_before_].node, node) +
                                       i);
                }
                done = std::max(done + block_read(k, 2, spikes, arrivals, done), updated[k]) +
                       update_of(c_, unit->slice.count, row_blocks(k, 2));
                for (std::uint32_t j = unit->slice.first; j < unit->slice.first + unit->slice.count; ++j) {
                    done += bench_.tape.objectives[0].output[t * bench_.sizes.outputs + j] != 0.0F ? 1 : 0;
                }
            }
            second.enter(node, done);
        }
        const Count host_2 = second.passes(kHostNode);
        if (!learns) {
            return {host_1 - c0, host_2 - host_1, 0};
        }
        const Count last_error = host_2 + 2 * outputs - 1;
        third.enter(kHostNode, last_error + 1);
        for (std::size_t k = 0; k < cores.size(); ++k) {
            third.enter(cores[k].node, last_error + ways.way(kHostNode, cores[k].node) + learning(k));
        }
        return {host_1 - c0, host_2 - host_1, third.passes(kHostNode) - host_2};
    }

private:
    const UnitImage* unit_of(std::size_t k, std::uint32_t population) const {
        for (const UnitImage& unit : bench_.image().cores[k].units) {
            if (unit.population == population) {
                return &unit;
            }
        }
        return nullptr;
    }
    template <class Function>
    void for_each_tile(std::size_t k, std::uint32_t projection, Function f) const {
        for (const BlockImage& block : bench_.image().cores[k].blocks) {
            for (const std::uint32_t tile : block.tiles) {
                if (block.projection == projection) {
                    f(bench_.chip().memory().array(projection)->tiles()[tile]);
                }
            }
        }
    }
    Count row_blocks(std::size_t k, std::uint32_t projection) const {
        std::vector<std::uint32_t> rows;
        for_each_tile(k, projection, [&](const auto& region) { rows.push_back(region.first_row); });
        std::sort(rows.begin(), rows.end());
        return std::unique(rows.begin(), rows.end()) - rows.begin();
    }
    /// What is left of the reads of a block in cycle e.
    Count block_read(std::size_t k, std::uint32_t projection, std::span<const std::uint32_t> active,
                     const std::vector<Count>& arrivals, Count e) const {
        Count longest = 0;
        for_each_tile(k, projection, [&](const hw::tile::TileRegion& region) {
            Count free = 0, events = 0;
            for (std::size_t i = 0; i < active.size(); ++i) {
                if (active[i] >= region.first_row && active[i] < region.first_row + region.rows) {
                    free = std::max(free, arrivals[i]) + c_.drive_cycles;
                    ++events;
                }
            }
            if (events > 0) {
                const Count driven = c_.read_mode == hw::tile::ReadMode::per_timestep
                                         ? c_.drive_cycles
                                         : std::max<Count>(0, free - e);
                longest = std::max(
                    longest, driven + std::min<Count>(converted_, region.columns) * c_.conversion_cycles);
            }
        });
        return longest;
    }
    Count learning(std::size_t k) const {
        const Count i = bench_.sizes.inputs, n = bench_.sizes.recurrent, outputs = bench_.sizes.outputs,
                    lanes = c_.learning_lanes;
        const UnitImage *const neurons = unit_of(k, 1), *const readouts = unit_of(k, 2);
        const Count own = neurons != nullptr ? neurons->slice.count : 0,
                    read = readouts != nullptr ? readouts->slice.count : 0;
        const Count rows = (own > 0 ? i + n : 0) + (read > 0 ? n : 0);
        return ceil_div(own * outputs, lanes) + ceil_div(rows, lanes) + ceil_div(own * (i + n), lanes) +
               ceil_div(read * n, lanes);
    }

    const ChipBench& bench_;
    const ChipConfig& c_;
    const Count converted_;
    std::vector<Count> sent_,
        opened_;                     // [core]: when its spikes began to leave, when it took the next step's
    std::size_t firing_before_ = 0;  // the core whose neurons fired last
};

std::size_t firing_cores(const ChipBench& bench, std::span<const std::uint32_t> spikes) {
    std::size_t count = 0;
    for (const CoreImage& core : bench.image().cores) {
        for (const UnitImage& unit : core.units) {
            count += unit.population == 1 && std::any_of(spikes.begin(), spikes.end(), [&](std::uint32_t j) {
                         return unit.slice.holds(j);
                     });
        }
    }
    return count;
}

}  // namespace

TEST_CASE("chip phases: silent steps of several layers take the cycles of the tokens, on any mesh") {
    std::uint64_t most_phases = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        test::Draw draw(seed, 1);
        const host::nir::Network network = layers(seed, 1 + static_cast<std::uint32_t>(seed) % 6);
        host::Discretisation discretisation;
        discretisation.arithmetic = host::Arithmetic::single;
        ChipConfig chip;
        chip.mesh_width = draw.between(1, 6);
        chip.mesh_height = draw.between(1, 6);
        chip.router_cycles = draw.between(1, 3);
        chip.link_cycles = draw.between(1, 3);
        chip.neuron_lanes = draw.between(1, 20);
        chip.neuron_cycles = draw.between(1, 9);
        chip.fifo_depth = draw.between(1, 16);
        host::ChipNetwork net(network, "net", discretisation, chip);
        Chip& built = net.session().chip();
        StepLog log(built);
        built.observe(log);
        const Count expected = silent_step(net.session().image(), chip);
        std::uint64_t crossings = 0;
        for (std::size_t t = 0; t < 5; ++t) {
            const std::uint64_t before = built.fabric().total_router_stats(built.cycle()).forwarded_total();
            net.step({});
            crossings = built.fabric().total_router_stats(built.cycle()).forwarded_total() - before;
            const auto& step = log.steps().at(t);
            CHECK(Count(step.neuron_cycles + step.readout_cycles + step.learning_cycles) == expected);
        }
        const std::uint64_t phases = net.session().image().phases;
        CAPTURE(phases);
        CHECK(crossings > 0);
        // The step flit, and in each phase a token per link and two per terminal.
        CHECK(crossings <= (2 + 6 * phases) * built.fabric().routers());
        most_phases = std::max(most_phases, phases);
    }
    CHECK(most_phases == 6);
}

TEST_CASE("chip phases: on several cores every phase takes the cycles of the formula where one core fires") {
    const std::vector<std::vector<std::string>> meshes{
        {"chip.mesh_width=2", "chip.mesh_height=2"},
        {"chip.mesh_width=3", "chip.mesh_height=2", "chip.router_cycles=2", "chip.link_cycles=3"},
        {"chip.mesh_width=4", "chip.mesh_height=1", "chip.drive_cycles=40", "network.outputs=7"},
        {"chip.mesh_width=1", "chip.mesh_height=5", "crossbar.tile_rows=7", "crossbar.tile_columns=5"},
        {"chip.mesh_width=2", "chip.mesh_height=3", "chip.read_mode=per_timestep", "chip.neuron_lanes=2",
         "chip.learning_lanes=5", "chip.conversion_cycles=3"},
    };
    std::size_t exact = 0, with_spikes = 0;
    for (std::size_t m = 0; m < meshes.size(); ++m) {
        CAPTURE(m);
        std::vector<std::string> all = test::settings(meshes[m]);
        all.emplace_back("network.threshold=0.05");
        ChipBench bench(all);
        bench.load(2.0F);
        for (const float rate : {0.0F, 0.05F, 0.2F}) {
            for (const bool learns : {false, true}) {
                const std::size_t done = bench.log.steps().size();
                const learning::Trial trial = bench.random_trial(40, rate);
                bench.run(trial, learns);
                CoresFormula formula(bench);
                bool known = true;  // of what came before
                for (std::size_t t = 0; t < 40; ++t) {
                    const auto& step = bench.log.steps().at(done + t);
                    const std::size_t firing = firing_cores(bench, bench.neurons().own.at(t));
                    const auto expected = formula.step(Count(step.begin_cycle), t, trial, learns);
                    CAPTURE(rate);
                    CAPTURE(learns);
                    CAPTURE(t);
                    if (known && firing <= 1) {
                        CHECK(Count(step.neuron_cycles) == expected.neurons);
                        CHECK(Count(step.readout_cycles) == expected.readouts);
                        CHECK(Count(step.learning_cycles) == expected.learning);
                        ++exact;
                        with_spikes += firing;
                    }
                    known = firing <= 1;
                }
            }
        }
    }
    CHECK(exact > 500);
    CHECK(with_spikes > 50);
}
