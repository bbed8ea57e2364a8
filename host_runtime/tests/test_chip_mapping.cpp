// Where a network goes on a chip: every synapse on one tile, every neuron on one core, and what does not fit.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/mapping.hpp"
#include "host_runtime/chip/placement.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "hw_models/noc/routing.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::learning::ProjectionId;

namespace {

host::Experiment experiment(const std::vector<std::string>& settings) {
    return host::parse_experiment("", "test", settings);
}

std::string refusal(const std::vector<std::string>& settings) {
    try {
        host::map_network(experiment(settings));
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

// Checks that the plan covers the network exactly once.
void check_plan(const host::Experiment& e, const ChipPlan& plan) {
    const bool numbers = e.update.scheme == "vanilla";
    std::vector<int> neurons(plan.recurrent), readouts(plan.outputs);
    std::array<std::vector<int>, 3> synapses{std::vector<int>(std::size_t{plan.inputs} * plan.recurrent),
                                             std::vector<int>(std::size_t{plan.recurrent} * plan.recurrent),
                                             std::vector<int>(std::size_t{plan.recurrent} * plan.outputs)};
    for (const CorePlan& core : plan.cores) {
        CHECK(core.neurons.count + core.readouts.count > 0);
        for (std::uint32_t j = 0; j < core.neurons.count; ++j) {
            ++neurons.at(core.neurons.first + j);
        }
        for (std::uint32_t k = 0; k < core.readouts.count; ++k) {
            ++readouts.at(core.readouts.first + k);
        }
        for (const AxonRange& axon : core.axons) {
            const TilePlacement& placed = core.tiles.at(axon.tile);
            const auto w = static_cast<std::size_t>(placed.projection);
            const bool to_readouts = placed.projection == learning::classic::w_out;
            CHECK(axon.delay == (placed.projection == learning::classic::w_rec ? 1 : 0));
            const std::uint32_t columns = to_readouts ? plan.outputs : plan.recurrent;
            const std::uint32_t blocks = (columns + plan.tile_columns[w] - 1) / plan.tile_columns[w];
            const auto first_column = static_cast<std::uint32_t>(placed.tile % blocks) * plan.tile_columns[w];
            const auto first_row = static_cast<std::uint32_t>(
                static_cast<std::int64_t>(placed.tile / blocks) * (numbers ? 0 : e.crossbar.tile_rows));
            const std::uint32_t address_of_row_0 =
                placed.projection == learning::classic::w_in ? 0 : plan.inputs;
            CHECK(axon.first_address == address_of_row_0 + first_row);
            CHECK(axon.first_row == 0);
            const Slice& slice = to_readouts ? core.readouts : core.neurons;
            for (std::uint32_t c = first_column; c < std::min(columns, first_column + plan.tile_columns[w]);
                 ++c) {
                CHECK(c >= slice.first);
                CHECK(c < slice.first + slice.count);
                for (std::uint32_t r = 0; r < axon.count; ++r) {
                    ++synapses[w].at(std::size_t{first_row + r} * columns + c);
                }
            }
        }
        CHECK(core.axons.size() == core.tiles.size());
    }
    const auto once = [](const std::vector<int>& counts) {
        return std::all_of(counts.begin(), counts.end(), [](int n) { return n == 1; });
    };
    CHECK(once(neurons));
    CHECK(once(readouts));
    for (const auto& counts : synapses) {
        CHECK(once(counts));
    }
    for (const TreePlan& tree : plan.trees) {
        CHECK(tree.root == (tree.tree == ChipPlan::kInputTree || tree.tree == ChipPlan::kCommandTree
                                ? ChipPlan::kHostNode
                                : tree.root));
        std::vector<hw::noc::NodeId> leaves = tree.leaves;
        std::sort(leaves.begin(), leaves.end());
        CHECK(std::adjacent_find(leaves.begin(), leaves.end()) == leaves.end());
    }
}

}  // namespace

TEST_CASE("mapping: every neuron is on one core and every synapse on one tile") {
    for (const std::vector<std::string>& settings : std::vector<std::vector<std::string>>{
             {},
             {"chip.mesh_width=2", "chip.mesh_height=2"},
             {"chip.mesh_width=3", "chip.mesh_height=2", "network.recurrent=77", "network.outputs=13"},
             {"crossbar.tile_rows=16", "crossbar.tile_columns=9", "chip.mesh_width=2", "chip.axon_ranges=99"},
             {"crossbar.tile_rows=7", "crossbar.tile_columns=5", "chip.mesh_height=3",
              "chip.axon_ranges=4096"},
             {"crossbar.adc.columns_per_converter=8", "chip.mesh_width=4", "network.recurrent=50"},
             {"crossbar.adc.columns_per_converter=5", "crossbar.tile_columns=12", "chip.mesh_width=2"},
             {"update.scheme=vanilla", "chip.mesh_width=3", "network.outputs=6"},
             {"network.recurrent=2", "chip.mesh_width=3", "chip.mesh_height=3"},
             {"network.recurrent=30", "network.outputs=30", "chip.neurons_per_core=16",
              "chip.mesh_width=4"}}) {
        const host::Experiment e = experiment(settings);
        const ChipPlan plan = host::map_network(e);
        CAPTURE(host::describe_plan(plan, e));
        check_plan(e, plan);
        CHECK(host::describe_plan(plan, e) == host::describe_plan(host::map_network(e), e));
    }
}

TEST_CASE("mapping: neurons spread evenly, readouts go where there is room, few cores are near the host") {
    const ChipPlan even = host::map_network(experiment({"chip.mesh_width=2", "chip.mesh_height=2"}));
    REQUIRE(even.cores.size() == 4);
    for (const CorePlan& core : even.cores) {
        CHECK(core.neurons.count == 25);
    }
    CHECK(even.cores[3].readouts == Slice{0, 1});
    // Nodes in order of their distance from the host at node 0: a row has three routers.
    CHECK(even.cores[0].node == hw::noc::NodeId{1});
    CHECK(even.cores[3].node == hw::noc::NodeId{5});

    const ChipPlan few = host::map_network(
        experiment({"network.recurrent=2", "chip.mesh_width=3", "chip.mesh_height=3", "network.outputs=1"}));
    REQUIRE(few.cores.size() == 3);
    CHECK(few.cores[0].node == hw::noc::NodeId{1});
    CHECK(few.cores[0].neurons.count == 1);
    CHECK(few.cores[1].neurons.count == 1);
    CHECK(few.cores[2].neurons.count == 0);
    CHECK(few.cores[2].readouts.count == 1);
    CHECK(few.cores_with_neurons() == 2);
}

TEST_CASE("mapping: a layer wider than a tile takes several, a fan-in larger than its rows too") {
    const ChipPlan plan = host::map_network(
        experiment({"network.inputs=100", "network.recurrent=40", "network.outputs=2",
                    "crossbar.tile_rows=30", "crossbar.tile_columns=16", "chip.mesh_width=1"}));
    REQUIRE(plan.cores.size() == 1);
    const auto count = [&](ProjectionId id) {
        return std::count_if(plan.cores[0].tiles.begin(), plan.cores[0].tiles.end(),
                             [&](const TilePlacement& t) { return t.projection == id; });
    };
    CHECK(count(learning::classic::w_in) == 4 * 3);
    CHECK(count(learning::classic::w_rec) == 2 * 3);
    CHECK(count(learning::classic::w_out) == 2 * 1);
}

TEST_CASE("mapping: what does not fit is refused with the need, the limit and the place") {
    const auto has = [](const std::string& message, std::vector<std::string_view> parts) {
        CAPTURE(message);
        for (const std::string_view part : parts) {
            CAPTURE(part);
            CHECK(message.find(part) != message.npos);
        }
    };
    has(refusal({"chip.neurons_per_core=99"}),
        {"chip.neurons_per_core = 99: is too few", "100 recurrent neurons on 1 cores", "need 100 per core"});
    has(refusal({"chip.neurons_per_core=100"}),
        {"chip.neurons_per_core = 100", "100 recurrent neurons and 1 readouts do not fit into 1 cores",
         "101 neurons are needed, 100 can be held"});
    has(refusal({"chip.tiles_per_core=2"}),
        {"chip.tiles_per_core = 2: is too few: node 1 needs 3 tiles for 100 neurons and 1 readouts"});
    has(refusal({"crossbar.tile_rows=10", "chip.tiles_per_core=20", "chip.axon_ranges=29"}),
        {"chip.tiles_per_core = 20", "needs 30 tiles"});
    has(refusal({"crossbar.tile_rows=10", "chip.axon_ranges=29"}),
        {"chip.axon_ranges = 29: is too few: node 1 needs 30 rows of the axon table"});
    has(refusal({"chip.mesh_width=2", "chip.multicast_trees=3"}),
        {"chip.multicast_trees = 3: is too few", "2 cores with neurons need 4 rows"});
    has(refusal({"chip.event_fifo_depth=100"}), {"chip.event_fifo_depth = 100", "may have 101 events"});
    has(refusal({"network.inputs=500", "chip.event_fifo_depth=499"}), {"may have 500 events"});
    has(refusal({"crossbar.adc.columns_per_converter=64", "crossbar.tile_columns=32"}),
        {"crossbar.adc.columns_per_converter = 64", "at most crossbar.tile_columns, 32"});
    has(refusal({"network.recurrent=5000", "crossbar.tile_rows=5000", "crossbar.tile_columns=5000"}),
        {"crossbar.tile_rows = 5000", "25000000 synapses", "holds 4194304"});
    // And the limits themselves do.
    CHECK(refusal({"chip.neurons_per_core=101"}).empty());
    CHECK(refusal({"chip.tiles_per_core=3"}).empty());
    has(refusal({"chip.tiles_per_core=3", "update.scheme=tiki_taka"}),
        {"chip.tiles_per_core = 3: is too few: node 1 needs 6 tiles for 100 neurons and 1 readouts"});
    CHECK(refusal({"crossbar.tile_rows=10", "chip.axon_ranges=30"}).empty());
    CHECK(refusal({"chip.mesh_width=2", "chip.multicast_trees=4"}).empty());
    CHECK(refusal({"chip.event_fifo_depth=101"}).empty());
}

TEST_CASE("mapping: cores move to where flits pass the fewest links") {
    const host::Experiment e = experiment({"chip.mesh_width=4", "chip.mesh_height=3", "network.inputs=5",
                                           "network.recurrent=36", "network.outputs=7"});
    ChipPlan plan = host::map_network(e);
    REQUIRE(plan.cores.size() == 12);
    // Counted link by link.
    const auto counted = [&] {
        std::uint64_t links = 0;
        for (const TreePlan& tree : plan.trees) {
            std::uint64_t of_tree = 0;
            for (const auto& node : hw::noc::xy_tree(e.chip.noc_params(), tree.root, tree.leaves)) {
                of_tree += static_cast<std::uint64_t>(std::popcount(
                    static_cast<unsigned>(node.row.outputs & ~hw::noc::mask_of(hw::noc::Port::local))));
            }
            std::uint64_t flits = tree.tree == ChipPlan::kInputTree ? 5 : 1;
            for (const CorePlan& core : plan.cores) {
                flits += tree.tree != ChipPlan::kInputTree && tree.tree != ChipPlan::kCommandTree &&
                                 core.node == tree.root
                             ? core.neurons.count
                             : 0;
            }
            links += flits * of_tree;
        }
        for (const CorePlan& core : plan.cores) {
            links +=
                (hw::noc::hops_between(core.node, ChipPlan::kHostNode, 5) - 1) * (core.readouts.count + 1);
        }
        return links;
    };
    const std::uint64_t before = host::hop_cost(plan, e.chip);
    CHECK(before == counted());
    host::place_cores(plan, e.chip);
    const std::uint64_t after = host::hop_cost(plan, e.chip);
    CHECK(after == counted());
    CHECK(after < before);  // the readouts were on the last core, which is the farthest
    check_plan(e, plan);
    ChipPlan again = host::map_network(e);
    host::place_cores(again, e.chip);
    for (std::size_t c = 0; c < plan.cores.size(); ++c) {
        CHECK(again.cores[c].node == plan.cores[c].node);
    }
}
