// Where a network goes on a chip: every neuron and synapse once, events only to cores that hold a synapse of
// theirs, places that save links, and what does not fit.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/placement.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/nir/to_network.hpp"
#include "host_runtime/tests/mapping_checks.hpp"
#include "host_runtime/tests/random_graphs.hpp"
#include "hw_models/noc/routing.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::host::CompiledNetwork;
using memprop::host::CompileRequest;
using memprop::network::Network;
using memprop::test::MappingChecks;
using memprop::test::mesh;
using memprop::test::request_of;
using memprop::test::sparse_network;

namespace {

host::Experiment experiment(const std::vector<std::string>& settings) {
    return host::parse_experiment("", "test", settings);
}

std::string refusal(const std::vector<std::string>& settings) {
    try {
        host::TrainedPlan(experiment(settings)).compile();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

/// Links that flits pass in a step in which everybody fires, counted one by one.
std::uint64_t counted_links(const ChipImage& image, const ChipConfig& chip) {
    std::uint64_t links = 0;
    for (const TreeImage& tree : image.trees) {
        std::uint64_t of_tree = 0;
        for (const auto& node : hw::noc::xy_tree(chip.noc_params(), tree.root, tree.leaves)) {
            of_tree += static_cast<std::uint64_t>(std::popcount(
                static_cast<unsigned>(node.row.outputs & ~hw::noc::mask_of(hw::noc::Port::local))));
        }
        links += tree.flits * of_tree;
    }
    return links;
}

}  // namespace

TEST_CASE("mapping: every neuron is on one core and every synapse on one tile") {
    for (const std::vector<std::string>& settings : std::vector<std::vector<std::string>>{
             {},
             {"chip.mesh_width=2", "chip.mesh_height=2"},
             {"chip.mesh_width=3", "chip.mesh_height=2", "network.recurrent=77", "network.outputs=13"},
             {"crossbar.tile_rows=16", "crossbar.tile_columns=9", "chip.mesh_width=2", "chip.axon_ranges=99"},
             {"crossbar.tile_rows=7", "crossbar.tile_columns=5", "chip.mesh_height=3"},
             {"crossbar.adc.columns_per_converter=8", "chip.mesh_width=4", "network.recurrent=50"},
             {"crossbar.adc.columns_per_converter=5", "crossbar.tile_columns=12", "chip.mesh_width=2"},
             {"update.scheme=vanilla", "chip.mesh_width=3", "network.outputs=6"},
             {"network.recurrent=2", "chip.mesh_width=3", "chip.mesh_height=3"},
             {"network.recurrent=30", "network.outputs=30", "chip.neurons_per_core=16",
              "chip.mesh_width=4"}}) {
        const host::TrainedPlan plan(experiment(settings));
        const CompiledNetwork compiled = plan.compile();
        CAPTURE(plan.describe(compiled));
        const MappingChecks checked(plan.request(), compiled);
        CHECK(plan.describe(compiled) == plan.describe(plan.compile()));
    }
}

TEST_CASE("mapping: random graphs and sparse networks, events only where a synapse is") {
    for (const ChipConfig& chip : {mesh(1, 1), mesh(3, 2), mesh(5, 5)}) {
        CAPTURE(chip.mesh_width);
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            CAPTURE(seed);
            const test::RandomGraph graph = test::random_graph(seed);
            const host::NetworkOfGraph net =
                host::to_network(host::nir::flatten(graph.network, "net"), "net", graph.discretisation);
            CompileRequest request = request_of(net.network);
            for (const bool moves : {false, true}) {
                request.moves_cores = moves;
                const MappingChecks checked(request, host::compile(request, chip));
            }
            const Network sparse = sparse_network(seed, seed % 3 == 0 ? 8.0 : 0.4);
            CompileRequest of_sparse = request_of(sparse);
            of_sparse.shown.assign(sparse.populations.size(), seed % 2 == 0);
            of_sparse.moves_cores = true;
            const MappingChecks also(of_sparse, host::compile(of_sparse, chip));
        }
    }
}

TEST_CASE("mapping: a small axon table takes one row per block, and some events come in vain") {
    const Network net = sparse_network(2, 0.4);
    ChipConfig chip = mesh(5, 5);
    const auto rows = [&](const CompiledNetwork& compiled) {
        std::size_t most = 0, most_blocks = 0;
        for (const CoreImage& core : compiled.image.cores) {
            most = std::max(most, core.axons.size());
            most_blocks = std::max(most_blocks, core.blocks.size());
        }
        return std::pair{most, most_blocks};
    };
    const auto leaves = [](const CompiledNetwork& compiled) {
        std::size_t sum = 0;
        for (const TreeImage& tree : compiled.image.trees) {
            sum += tree.leaves.size();
        }
        return sum;
    };
    const CompiledNetwork ample = host::compile(request_of(net), chip);
    const auto [most, blocks] = rows(ample);
    CHECK(most > blocks);
    chip.axon_ranges = static_cast<std::int64_t>(blocks);
    const CompiledNetwork small = host::compile(request_of(net), chip);
    CHECK(rows(small).first <= blocks);
    CHECK(leaves(small) > leaves(ample));
    chip.axon_ranges = 1;
    CHECK_THROWS_AS(host::compile(request_of(net), chip), InputError);
}

TEST_CASE("mapping: neurons spread evenly, readouts go where there is room, few cores are near the host") {
    const ChipImage even =
        host::TrainedPlan(experiment({"chip.mesh_width=2", "chip.mesh_height=2"})).compile().image;
    REQUIRE(even.cores.size() == 4);
    for (const CoreImage& core : even.cores) {
        CHECK(core.units[0].slice.count == 25);
    }
    REQUIRE(even.cores[3].units.size() == 2);
    CHECK(even.cores[3].units[1].slice == network::Slice{0, 1});
    // Nodes in order of their distance from the host at node 0: a row has three routers.
    CHECK(even.cores[0].node == hw::noc::NodeId{1});
    CHECK(even.cores[3].node == hw::noc::NodeId{5});

    const ChipImage few = host::TrainedPlan(experiment({"network.recurrent=2", "chip.mesh_width=3",
                                                        "chip.mesh_height=3", "network.outputs=1"}))
                              .compile()
                              .image;
    REQUIRE(few.cores.size() == 3);
    CHECK(few.cores[0].node == hw::noc::NodeId{1});
    CHECK(few.cores[0].units[0].slice.count == 1);
    CHECK(few.cores[1].units[0].slice.count == 1);
    CHECK(few.cores[2].units[0].population == 2);
}

TEST_CASE("mapping: a layer wider than a tile takes several, a fan-in larger than its rows too") {
    const ChipImage image = host::TrainedPlan(experiment({"network.inputs=100", "network.recurrent=40",
                                                          "network.outputs=2", "crossbar.tile_rows=30",
                                                          "crossbar.tile_columns=16", "chip.mesh_width=1"}))
                                .compile()
                                .image;
    REQUIRE(image.cores.size() == 1);
    REQUIRE(image.cores[0].blocks.size() == 3);
    CHECK(image.cores[0].blocks[0].tiles.size() == 4 * 3);
    CHECK(image.cores[0].blocks[1].tiles.size() == 2 * 3);
    CHECK(image.cores[0].blocks[2].tiles.size() == 2 * 1);
}

TEST_CASE("mapping: what does not fit is refused with the need, the limit and the place") {
    const auto has = [](const std::string& message, const std::vector<std::string_view>& parts) {
        CAPTURE(message);
        for (const std::string_view part : parts) {
            CAPTURE(part);
            CHECK(message.find(part) != message.npos);
        }
    };
    has(refusal({"chip.neurons_per_core=99"}),
        {"chip.neurons_per_core = 99: is too few", "of 100 neurons on 1 cores", "needs 100 per core"});
    has(refusal({"chip.neurons_per_core=100"}),
        {"chip.neurons_per_core = 100: is too few: the 1 neurons of population",
         "do not fit into 1 cores that hold 100 already"});
    has(refusal({"chip.tiles_per_core=2"}),
        {"chip.tiles_per_core = 2: is too few: node 1 needs 3 tiles for 101 neurons of"});
    has(refusal({"crossbar.tile_rows=10", "chip.tiles_per_core=20"}),
        {"chip.tiles_per_core = 20", "needs 30 tiles"});
    has(refusal({"chip.axon_ranges=2"}),
        {"chip.axon_ranges = 2: is too few: node 1 needs 3 rows of the axon table"});
    has(refusal({"chip.mesh_width=2", "chip.multicast_trees=4"}),
        {"chip.multicast_trees = 4: is too few", "need 5 rows in the routers' multicast tables"});
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
        {"chip.tiles_per_core = 3: is too few: node 1 needs 6 tiles for 101 neurons of"});
    CHECK(refusal({"crossbar.tile_rows=10", "chip.tiles_per_core=30"}).empty());
    CHECK(refusal({"chip.axon_ranges=3"}).empty());
    CHECK(refusal({"chip.mesh_width=2", "chip.multicast_trees=5"}).empty());
    CHECK(refusal({"chip.event_fifo_depth=101"}).empty());

    // Delays.
    Network net = sparse_network(1, 2.0);
    net.projections.back().delay_steps = 9;
    ChipConfig chip = mesh(2, 2);
    chip.delay_slots = 8;
    std::string message;
    try {
        host::compile(request_of(net), chip);
    } catch (const InputError& error) {
        message = error.what();
    }
    has(message, {"chip.delay_slots = 8: is too few: node", "needs 9 delay slots"});
    chip.delay_slots = 9;
    CHECK_NOTHROW(host::compile(request_of(net), chip));
}

TEST_CASE("mapping: a chip has what the first network needs, and the next one has to fit") {
    const Network small = sparse_network(3, 2.0);
    Network large = small;
    large.populations[1].size *= 3;
    large.projections.clear();
    const ChipConfig asked = mesh(2, 1);
    const CompileRequest request = request_of(small);
    const CompiledNetwork compiled = host::compile(request, asked);
    const ChipConfig chip = host::with_resources(asked, compiled, request);
    std::uint32_t most = 0;
    for (const CoreImage& core : compiled.image.cores) {
        std::uint32_t neurons = 0;
        for (const UnitImage& unit : core.units) {
            neurons += unit.slice.count;
        }
        most = std::max(most, neurons);
    }
    CHECK(chip.neurons_per_core == most);
    CHECK_NOTHROW(host::compile(request, chip));
    CHECK_THROWS_AS(host::compile(request_of(large), chip), InputError);
    CHECK_NOTHROW(host::compile(request_of(large), asked));
}

TEST_CASE("mapping: cores move to where flits pass fewer links, and never more") {
    std::size_t saved = 0;
    const auto check = [&](CompileRequest request, const ChipConfig& chip) {
        request.moves_cores = false;
        const CompiledNetwork fixed = host::compile(request, chip);
        CHECK(host::hop_cost(fixed.image, chip) == counted_links(fixed.image, chip));
        request.moves_cores = true;
        const CompiledNetwork moved = host::compile(request, chip);
        const std::uint64_t before = counted_links(fixed.image, chip),
                            after = counted_links(moved.image, chip);
        CHECK(moved.first_hop_cost == before);
        CHECK(host::hop_cost(moved.image, chip) == after);
        CHECK(after <= before);
        saved += after < before ? 1 : 0;
        const CompiledNetwork again = host::compile(request, chip);
        for (std::size_t c = 0; c < moved.image.cores.size(); ++c) {
            CHECK(again.image.cores[c].node == moved.image.cores[c].node);
        }
    };
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        const Network sparse = sparse_network(seed, 0.5);
        check(request_of(sparse), mesh(4, 3));
        check(request_of(sparse), mesh(7, 2));
        const test::RandomGraph graph = test::random_graph(seed);
        const host::NetworkOfGraph net =
            host::to_network(host::nir::flatten(graph.network, "net"), "net", graph.discretisation);
        check(request_of(net.network), mesh(4, 4));
    }
    CHECK(saved > 10);
}
