// Nothing lost, duplicated or reordered, whatever stalls; multicast; always drains.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

struct Traffic {
    std::vector<std::set<std::uint32_t>> leaves;  // of tree n
    std::uint32_t next_value = 0;
    // Values sent from s to d (first: pair), in the order they were queued.
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> expected;
};

std::uint32_t draw(std::uint64_t seed, std::uint32_t what, std::uint32_t index, std::uint32_t below) {
    const DrawKey key{.seed = seed, .stream = Stream::test, .array = 254, .event = what};
    return random_bits(key, index) % below;
}

// One tree per node, with random leaves (always at least one).
void make_trees(Driver& driver, Traffic& traffic, std::uint64_t seed) {
    const std::uint32_t nodes = driver.fabric.params().nodes();
    for (std::uint32_t root = 0; root < nodes; ++root) {
        std::set<std::uint32_t> chosen{draw(seed, 1, root, nodes)};
        for (std::uint32_t i = 0; i < nodes; ++i) {
            if (draw(seed, 2, root * nodes + i, 3) == 0) {
                chosen.insert(i);
            }
        }
        std::vector<NodeId> ids;
        ids.reserve(chosen.size());
        for (const std::uint32_t leaf : chosen) {
            ids.push_back(node(leaf));
        }
        driver.fabric.set_tree(TreeId{static_cast<std::uint16_t>(root)}, node(root), ids);
        traffic.leaves.push_back(std::move(chosen));
    }
}

// `flits` per node, one created per cycle: a third of them multicast.
void make_traffic(Driver& driver, Traffic& traffic, std::uint64_t seed, std::uint32_t flits) {
    const std::uint32_t nodes = driver.fabric.params().nodes();
    for (std::uint32_t from = 0; from < nodes; ++from) {
        for (std::uint32_t i = 0; i < flits; ++i) {
            const std::uint32_t index = from * flits + i;
            const std::uint32_t to = draw(seed, 3, index, nodes);
            const bool multicast = draw(seed, 4, index, 3) == 0;
            Flit flit = multicast ? Flit::along(node(from), TreeId{static_cast<std::uint16_t>(from)})
                                  : Flit::to(node(from), node(to));
            flit.value = traffic.next_value++;
            flit.created_cycle = i;
            driver.queue(flit);
            for (const std::uint32_t leaf : multicast ? traffic.leaves[from] : std::set<std::uint32_t>{to}) {
                traffic.expected[{from, leaf}].push_back(flit.value);
            }
        }
    }
}

auto received(const Driver& driver) {
    decltype(Traffic::expected) out;
    for (const Delivery& delivery : driver.deliveries) {
        out[{index_of(delivery.flit.source), delivery.terminal}].push_back(delivery.flit.value);
    }
    return out;
}

}  // namespace

TEST_CASE("noc: random stalls at every FIFO lose, duplicate and reorder nothing, and the mesh drains") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        NocParams params = mesh_params(5, 4, 1 + static_cast<std::uint32_t>(seed % 4));
        params.router_cycles = 1 + static_cast<std::uint32_t>(seed % 3);
        params.link_cycles = 1 + static_cast<std::uint32_t>(seed % 2);
        Driver driver(Fabric::mesh(params));
        driver.fabric.inject_stalls({.seed = seed, .probability = 0.3});
        driver.receive_probability = 0.4F;  // stalls at the FIFOs towards the receivers
        driver.receive_seed = seed;
        Traffic traffic;
        make_trees(driver, traffic, seed);
        make_traffic(driver, traffic, seed, 60);
        for (int round = 0; round < 40 && !driver.drained(); ++round) {
            driver.run_until(driver.now + 1000);
        }
        CHECK(driver.drained());
        CHECK(received(driver) == traffic.expected);
        const RouterStats stats = driver.fabric.total_router_stats(driver.now);
        CHECK(stats.injected_stalls > 1000);
        CHECK(stats.credit_stalls > 1000);
        CHECK(stats.arbitration_stalls > 1000);
        CHECK(stats.unroutable_flits == 0);
    }
}

TEST_CASE("noc: without stalls the same traffic gives the same deliveries, earlier") {
    const auto last_cycle = [](double stall_probability) {
        Driver driver(Fabric::mesh(mesh_params(5, 4)));
        if (stall_probability > 0) {
            driver.fabric.inject_stalls({.seed = 3, .probability = stall_probability});
        }
        Traffic traffic;
        make_trees(driver, traffic, 3);
        make_traffic(driver, traffic, 3, 60);
        driver.run_until(20'000);
        CHECK(driver.drained());
        CHECK(received(driver) == traffic.expected);
        return driver.deliveries.back().cycle;
    };
    CHECK(last_cycle(0.0) < last_cycle(0.5));
}

TEST_CASE("noc: multicast reaches every leaf exactly once over every branch once") {
    const NocParams params = mesh_params(4, 4);
    for (std::uint32_t root = 0; root < 16; ++root) {
        for (std::uint32_t pattern = 0; pattern < 20; ++pattern) {
            std::vector<NodeId> leaves;
            for (std::uint32_t leaf = 0; leaf < 16; ++leaf) {
                if (pattern == 0 || draw(7, root, pattern * 16 + leaf, 2) == 0) {
                    leaves.push_back(node(leaf));
                }
            }
            if (leaves.empty()) {
                leaves.push_back(node(root));
            }
            Driver driver(Fabric::mesh(params));
            driver.fabric.set_tree(TreeId{9}, node(root), leaves);
            driver.queue(Flit::along(node(root), TreeId{9}));
            driver.run_until(50);
            REQUIRE(driver.drained());
            std::vector<std::uint32_t> reached;
            for (const Delivery& delivery : driver.deliveries) {
                reached.push_back(delivery.terminal);
                // Without load a leaf is as far away as for a unicast.
                CHECK(delivery.cycle == 2 * hops_between(node(root), node(delivery.terminal), 4));
            }
            std::sort(reached.begin(), reached.end());
            std::vector<std::uint32_t> wanted;
            std::transform(leaves.begin(), leaves.end(), std::back_inserter(wanted), index_of);
            CHECK(reached == wanted);
            // A tree over n routers has n - 1 links between them, and one to each leaf.
            const std::size_t branches = xy_tree(params, node(root), leaves).size() - 1 + leaves.size();
            CHECK(driver.fabric.total_router_stats(driver.now).forwarded_total() == branches);
        }
    }
}

TEST_CASE("noc: broadcasts from all nodes at once drain through FIFOs of one flit") {
    const NocParams params = mesh_params(6, 6, 1);
    Driver driver(Fabric::mesh(params));
    std::vector<NodeId> everybody;
    for (std::uint32_t i = 0; i < params.nodes(); ++i) {
        everybody.push_back(node(i));
    }
    for (std::uint32_t root = 0; root < params.nodes(); ++root) {
        driver.fabric.set_tree(TreeId{static_cast<std::uint16_t>(root)}, node(root), everybody);
        for (int i = 0; i < 20; ++i) {
            driver.queue(Flit::along(node(root), TreeId{static_cast<std::uint16_t>(root)}));
        }
    }
    driver.run_until(20'000);
    CHECK(driver.drained());
    CHECK(driver.deliveries.size() == 20UL * 36 * 36);
}

TEST_CASE("noc: multicast rows that could deadlock or leave the mesh are refused") {
    Fabric fabric = Fabric::mesh(mesh_params(3, 3));
    const auto row = [&](std::uint32_t at, Port input, PortMask outputs) {
        fabric.set_tree_row(node(at), TreeId{1}, {.input = input, .outputs = outputs});
    };
    row(4, Port::local, 0x1F);
    CHECK(fabric.tree_row(node(4), TreeId{1}) == TreeRow{Port::local, 0x1F});
    row(4, Port::west, 0x1F & ~mask_of(Port::west));
    row(4, Port::north, mask_of(Port::south) | mask_of(Port::local));
    CHECK_THROWS_AS(row(4, Port::north, mask_of(Port::east)), InputError);   // column to row
    CHECK_THROWS_AS(row(4, Port::south, mask_of(Port::west)), InputError);   // column to row
    CHECK_THROWS_AS(row(4, Port::east, mask_of(Port::east)), InputError);    // back
    CHECK_THROWS_AS(row(4, Port::south, mask_of(Port::south)), InputError);  // back
    CHECK_THROWS_AS(row(0, Port::local, mask_of(Port::north)), InputError);  // outside
    CHECK_THROWS_AS(row(8, Port::west, mask_of(Port::east)), InputError);    // outside
    CHECK_THROWS_AS(row(9, Port::local, mask_of(Port::local)), InputError);  // no such router
    CHECK_THROWS_AS(row(4, Port::local, 0x20), InputError);                  // no such port
    CHECK_THROWS_AS(fabric.set_tree_row(node(4), TreeId{1024}, {}), InputError);
    CHECK_THROWS_AS(fabric.tree_row(node(4), TreeId{1024}), InputError);
    CHECK_THROWS_AS(xy_tree(fabric.params(), node(0), {}), InputError);
    const std::array<NodeId, 1> outside{node(9)};
    CHECK_THROWS_AS(xy_tree(fabric.params(), node(0), outside), InputError);
    // The refused rows changed nothing.
    CHECK(fabric.tree_row(node(4), TreeId{1}) ==
          TreeRow{Port::north, mask_of(Port::south) | mask_of(Port::local)});
}

TEST_CASE("noc: a multicast flit without a row on its way is dropped and counted there") {
    Driver driver(Fabric::mesh(mesh_params(3, 1)));
    driver.fabric.set_tree_row(node(0), TreeId{0}, {Port::local, mask_of(Port::east) | mask_of(Port::local)});
    driver.queue(Flit::along(node(0), TreeId{0}));  // router 1 has no row
    driver.run_until(20);
    CHECK(driver.deliveries.size() == 1);
    CHECK(driver.drained());
    CHECK(driver.fabric.router_stats(node(1), driver.now).unroutable_flits == 1);
    driver.fabric.set_tree_row(node(1), TreeId{0}, {Port::east, mask_of(Port::local)});  // wrong parent
    Flit flit = Flit::along(node(0), TreeId{0});
    flit.created_cycle = driver.now;
    driver.queue(flit);
    driver.run_until(40);
    CHECK(driver.deliveries.size() == 2);
    CHECK(driver.drained());
    CHECK(driver.fabric.router_stats(node(1), driver.now).unroutable_flits == 2);
}
