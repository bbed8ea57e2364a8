// Several chips that make up one mesh: what a link between them costs, and where cores are placed.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/placement.hpp"
#include "host_runtime/tests/chip_bench.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::hw::noc::NodeId;
using memprop::hw::noc::Port;
using memprop::test::ChipBench;

namespace {

using Settings = std::vector<std::string>;

Settings with(Settings settings, const Settings& more) {
    settings.insert(settings.end(), more.begin(), more.end());
    return settings;
}

const Settings kCost{"chip.boundary_pj=50", "chip.boundary_source=made up"};

std::string refusal(const Settings& settings) {
    try {
        const ChipBench bench(settings);
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("chip links: a command and its reports take the cycles of the boundaries on their way") {
    const Settings row{"network.inputs=6",  "network.recurrent=16",    "network.outputs=2",
                       "chip.mesh_width=4", "chip.neurons_per_core=5", "chip.link_cycles=2"};
    ChipBench one(row), chips(with(row, with(kCost, {"chip.chip_columns=2", "chip.boundary_cycles=9"})));
    for (ChipBench* bench : {&one, &chips}) {
        REQUIRE(bench->image().cores.size() == 4);
        bench->load();
        bench->run(bench->random_trial(20, 0.3F), true);
    }
    // To the third and fourth core there is one boundary, and one back.
    CHECK(chips.counter(HostCounter::sample_begin_cycles) ==
          one.counter(HostCounter::sample_begin_cycles) + 2 * (9 - 2));
    CHECK(chips.tape.objectives[0].output == one.tape.objectives[0].output);
    CHECK(chips.neurons().spike_count == one.neurons().spike_count);
}

TEST_CASE("chip links: 2 x 2 chips give the numbers of one, energy follows from the links passed") {
    const Settings mesh{"network.inputs=12", "network.recurrent=30",   "network.outputs=3",
                        "chip.mesh_width=4", "chip.mesh_height=4",     "chip.neurons_per_core=3",
                        "chip.fifo_depth=2", "network.threshold=0.005"};
    ChipBench one(mesh),
        chips(with(mesh, with(kCost, {"chip.chip_columns=2", "chip.chip_rows=2", "chip.boundary_cycles=7"})));
    for (ChipBench* bench : {&one, &chips}) {
        bench->load(1.0F);
        bench->run(bench->random_trial(30, 0.3F), true);
    }
    CHECK(chips.neurons().own.spikes() > 100);
    CHECK(chips.neurons().spike_count == one.neurons().spike_count);
    CHECK(chips.neurons().pseudo_derivative == one.neurons().pseudo_derivative);
    CHECK(chips.tape.objectives[0].output == one.tape.objectives[0].output);
    CHECK(chips.tape.objectives[0].error == one.tape.objectives[0].error);

    const hw::noc::Fabric& fabric = chips.chip().fabric();
    double expected_pj = 0.0;
    std::uint64_t crossings = 0;
    for (std::uint32_t node = 0; node < 5 * 4; ++node) {
        const std::uint32_t x = node % 5, y = node / 5;  // column 0 is the host's
        const auto forwarded = fabric.router_stats(static_cast<NodeId>(node), chips.chip().cycle()).forwarded;
        const auto flits = [&](Port port) { return forwarded.at(static_cast<std::size_t>(port)); };
        const auto add = [&](Port port, bool crosses, double pj) {
            crossings += crosses ? flits(port) : 0;
            expected_pj += double(flits(port)) * (crosses ? 50.0 : pj);
        };
        add(Port::east, x == 2, 3.0);
        add(Port::west, x == 3, 3.0);
        add(Port::north, y == 2, 4.0);
        add(Port::south, y == 1, 4.0);
        add(Port::local, false, 1.7);
    }
    CHECK(crossings > 100);
    CHECK(fabric.total_router_stats(chips.chip().cycle()).over_boundary_total() == crossings);
    CHECK(chips.chip().energy().routing_j == doctest::Approx(1e-12 * expected_pj).scale(0).epsilon(1e-12));
}

TEST_CASE("chip links: cores are placed so that boundaries are worth their cycles and energy") {
    ChipConfig chip;
    chip.mesh_width = 8;
    CHECK(chip.links_per_boundary() == 1);
    chip.chip_columns = 8;
    CHECK(chip.links_per_boundary() == 1);  // nothing is divided
    chip.chip_columns = 4;
    chip.boundary_pj = 3.5;
    CHECK(chip.links_per_boundary() == 1);
    chip.boundary_cycles = 8;
    CHECK(chip.links_per_boundary() == 5);  // (1 + 8) / (1 + 1)
    chip.boundary_pj = 35.0;
    CHECK(chip.links_per_boundary() == 10);  // of (3 + 4) / 2 pJ

    ChipImage image;
    const std::vector<NodeId> leaves{NodeId{1}, NodeId{6}};
    image.trees.push_back({.root = NodeId{0}, .leaves = leaves, .flits = 3});
    CHECK(host::hop_cost(image, chip) == 3 * (6 + 9));  // six links, one of them ten times as long

    // Two cores that talk to each other, one on each chip, and nothing else: they come together.
    image.trees.clear();
    image.cores.resize(2);
    image.cores[0].node = NodeId{4};
    image.cores[1].node = NodeId{8};
    image.trees.push_back({.root = NodeId{4}, .leaves = {NodeId{8}}, .flits = 5});
    image.trees.push_back({.root = NodeId{8}, .leaves = {NodeId{4}}, .flits = 5});
    host::place_cores(image, chip);
    CHECK(host::hop_cost(image, chip) == 10);
    const auto x = [&](std::size_t c) { return static_cast<std::uint32_t>(image.cores[c].node); };
    CHECK((x(0) - 1) / 4 == (x(1) - 1) / 4);
}

TEST_CASE("chip links: a boundary without cost or source is refused, naming the key") {
    const Settings chips{"chip.mesh_width=4", "chip.chip_columns=2"};
    CHECK(refusal(chips).find("chip.boundary_pj") != std::string::npos);
    CHECK(refusal(with(chips, {"chip.boundary_pj=5"})).find("chip.boundary_source") != std::string::npos);
    CHECK(refusal(with(chips, kCost)).empty());
    CHECK(refusal({"chip.mesh_width=2", "chip.chip_columns=2"}).empty());
    CHECK(refusal(with(chips, with(kCost, {"chip.boundary_cycles=32"}))).find("chip.boundary_cycles") !=
          std::string::npos);
}
