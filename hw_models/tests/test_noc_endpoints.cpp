// Queues at the terminals against a driver that looks in every cycle.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "hw_models/noc/endpoints.hpp"
#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

// Bursts of twelve from each node to pseudo-random others.
std::vector<Flit> bursts(std::uint32_t nodes, std::uint64_t seed) {
    std::vector<Flit> flits;
    for (std::uint32_t from = 0; from < nodes; ++from) {
        for (std::uint32_t i = 0; i < 120; ++i) {
            const std::uint32_t bits = random_bits({.seed = seed, .event = from}, i);
            Flit flit = Flit::to(node(from), node(bits % nodes));
            flit.created_cycle = 10 + i / 12 * 20;
            flit.value = bits >> 8;
            flits.push_back(flit);
        }
    }
    return flits;
}

struct Bench {
    Bench(const NocParams& params, bool (*wakes)(const Flit&)) : network(params, clock) {
        for (std::uint32_t n = 0; n < params.nodes(); ++n) {
            network.set_wake_filter(node(n), wakes);
        }
    }

    /// Until all is idle. Nodes that wake take what has arrived; the others at the end.
    void run() {
        while ((clock.cycle = network.next_cycle()) != kNever) {
            ++steps;
            for (const std::uint32_t index : network.step()) {
                ++woken;
                take(index);
            }
        }
        for (std::uint32_t n = 0; n < network.fabric().terminals(); ++n) {
            take(n);
        }
        std::sort(received.begin(), received.end(), earlier);
    }
    void take(std::uint32_t index) {
        for (ArrivedFlit arrived; network.take(node(index), arrived);) {
            received.push_back({arrived.cycle, index, arrived.flit});
        }
    }
    static bool earlier(const Delivery& a, const Delivery& b) {
        return a.cycle != b.cycle ? a.cycle < b.cycle : a.terminal < b.terminal;
    }

    hw::Clock clock;
    Endpoints network;
    std::vector<Delivery> received;
    std::uint64_t steps = 0, woken = 0;
};

}  // namespace

TEST_CASE("noc endpoints: every flit leaves and arrives as with a driver that is always ready") {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        CAPTURE(seed);
        const NocParams params = mesh_params(4, 4, 2);
        const std::vector<Flit> flits = bursts(params.nodes(), seed);
        Driver driver(Fabric::mesh(params));
        Bench bench(params, [](const Flit& flit) { return flit.value % 3 == 0; });
        for (const Flit& flit : flits) {
            driver.queue(flit);
            bench.network.send_later(flit.source, flit);
        }
        driver.run_until(5000);
        bench.run();
        REQUIRE(driver.deliveries.size() == flits.size());
        CHECK(bench.received == driver.deliveries);
        CHECK(bench.woken < flits.size() / 2);
        CHECK(bench.network.idle());
        CHECK(bench.network.fabric().latency().mean_cycles() == driver.fabric.latency().mean_cycles());
        std::uint64_t stalls = 0;
        for (std::uint32_t n = 0; n < params.nodes(); ++n) {
            CHECK(bench.network.waiting_to_leave(node(n)) == 0);
            stalls += bench.network.stall_cycles(node(n));
        }
        CHECK(stalls > 0);
    }
}

TEST_CASE("noc endpoints: a flit on an idle mesh costs a step per router and one to arrive") {
    Bench bench(mesh_params(8, 8), [](const Flit&) { return true; });
    Flit flit = Flit::to(node(0), node(63));
    flit.created_cycle = 1000;
    bench.network.send_later(node(0), flit);
    CHECK(bench.network.next_cycle() == 1000);
    bench.run();
    REQUIRE(bench.received.size() == 1);
    CHECK(bench.received[0] == Delivery{1000 + 15 * 2, 63, flit});
    CHECK(bench.steps == 1 + 15 + 1);  // sent, crossed by 15 routers, received
    CHECK(bench.woken == 1);
}

TEST_CASE("noc endpoints: without a route the flit is dropped and counted; clear() forgets the rest") {
    Bench bench(mesh_params(2, 1), [](const Flit&) { return true; });
    bench.network.send(node(0), Flit::to(node(0), node(7)));
    bench.network.send(node(0), Flit::to(node(0), node(1)));
    bench.run();
    CHECK(bench.network.fabric().terminal_stats(0).refused_no_route == 1);
    CHECK(bench.received.size() == 1);
    Flit later = Flit::to(node(0), node(1));
    later.created_cycle = 500;
    bench.network.send_later(node(0), later);
    CHECK_FALSE(bench.network.idle());
    bench.network.clear();
    CHECK(bench.network.idle());
    CHECK(bench.network.next_cycle() == kNever);
}
