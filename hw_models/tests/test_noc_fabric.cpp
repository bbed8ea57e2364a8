// The router algorithm without the kernel: latency, throughput, arbitration, counters, misuse.
#include <doctest/doctest.h>

#include <array>
#include <stdexcept>

#include "crossbar/base/error.hpp"
#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

TEST_CASE("noc: latency without load is hops times router and link cycles for every pair") {
    for (const std::uint32_t router_cycles : {1U, 3U}) {
        for (const std::uint32_t link_cycles : {1U, 2U, 31U}) {
            NocParams params = mesh_params(4, 3, 1);
            params.router_cycles = router_cycles;
            params.link_cycles = link_cycles;
            Driver driver(Fabric::mesh(params));
            const std::uint64_t per_hop = router_cycles + link_cycles;
            for (std::uint32_t from = 0; from < params.nodes(); ++from) {
                for (std::uint32_t to = 0; to < params.nodes(); ++to) {
                    Flit flit = Flit::to(node(from), node(to), FlitKind::graded);
                    flit.address = from;
                    flit.value = to;
                    flit.created_cycle = driver.now;
                    driver.queue(flit);
                    driver.deliveries.clear();
                    driver.run_until(driver.now + 12 * per_hop);
                    const std::uint64_t hops = hops_between(node(from), node(to), params.width);
                    REQUIRE(driver.deliveries.size() == 1);
                    CHECK(driver.deliveries[0] == Delivery{flit.created_cycle + hops * per_hop, to, flit});
                }
            }
            CHECK(driver.drained());
        }
    }
}

TEST_CASE("noc: a stream runs at min(1, depth / (router + 2 link + credit)) flits a cycle") {
    struct Case {
        std::uint32_t depth, router_cycles, link_cycles, credit_cycles;
    };
    std::vector<Case> cases;
    for (const std::uint32_t depth : {1U, 2U, 3U, 5U, 7U, 8U, 10U, 16U}) {
        cases.push_back({depth, 3, 2, 0});
        cases.push_back({depth, 2, 1, 1});  // 5 cycles
        cases.push_back({depth, 3, 2, 3});
    }
    cases.push_back({16, 1, 31, 31});  // the longest credit
    for (const Case& item : cases) {
        const std::uint32_t depth = item.depth;
        NocParams params = mesh_params(3, 1, depth);
        params.router_cycles = item.router_cycles;
        params.link_cycles = item.link_cycles;
        params.credit_cycles = item.credit_cycles;
        Driver driver(Fabric::mesh(params));
        constexpr std::uint64_t kFlits = 7 * 16 * 10;
        for (std::uint32_t i = 0; i < kFlits; ++i) {
            driver.queue(Flit::to(node(0), node(2)));
        }
        driver.run_until(20 * kFlits);
        REQUIRE(driver.drained());
        const std::uint64_t loop = params.router_cycles + 2 * params.link_cycles + params.credit_cycles;
        const std::uint64_t last = driver.deliveries[kFlits - 1].cycle - driver.deliveries[0].cycle;
        CAPTURE(depth);
        CAPTURE(loop);
        if (depth >= loop) {
            CHECK(last == kFlits - 1);
        } else {  // `depth` flits in every `loop` cycles
            CHECK(last == (kFlits - 1) / depth * loop + (kFlits - 1) % depth);
        }
    }
}

TEST_CASE("noc: round robin serves the inputs of a contended output alike") {
    CHECK(round_robin(0b00001, 0) == 0);
    CHECK(round_robin(0b10001, 1) == 4);
    CHECK(round_robin(0b01001, 4) == 0);
    CHECK(round_robin(0b11111, 3) == 3);

    Driver driver(Fabric::mesh(mesh_params(3, 3)));  // everybody around the centre, and itself, to it
    for (const std::uint32_t from : {1U, 3U, 4U, 5U, 7U}) {
        for (std::uint32_t i = 0; i < 200; ++i) {
            driver.queue(Flit::to(node(from), node(4)));
        }
    }
    driver.run_until(510);
    std::array<int, 9> received{};
    for (const Delivery& delivery : driver.deliveries) {
        ++received[index_of(delivery.flit.source)];
    }
    CHECK(driver.deliveries.size() >= 500);  // the output never rests
    for (const std::uint32_t from : {1U, 3U, 4U, 5U, 7U}) {
        CHECK(received[from] >= 100);
        CHECK(received[from] <= 103);  // the centre's own flits are there two cycles before the others
    }
}

TEST_CASE("noc: stalls are counted by cause, to the cycle") {
    SUBCASE("two flits want one output in the same cycle") {
        Driver driver(Fabric::mesh(mesh_params(3, 1)));
        driver.queue(Flit::to(node(0), node(1)));
        driver.queue(Flit::to(node(2), node(1)));
        driver.run_until(20);
        REQUIRE(driver.deliveries.size() == 2);
        CHECK(driver.deliveries[0].cycle == 4);
        CHECK(driver.deliveries[1].cycle == 5);
        CHECK(driver.fabric.total_router_stats(driver.now).arbitration_stalls == 1);
        CHECK(driver.fabric.total_router_stats(driver.now).credit_stalls == 0);
    }
    SUBCASE("a receiver that does not read stops the stream; nothing is done meanwhile") {
        Driver driver(Fabric::mesh(mesh_params(2, 1, 2)));
        driver.receive_probability = 0.0F;
        for (int i = 0; i < 8; ++i) {
            driver.queue(Flit::to(node(0), node(1)));
        }
        driver.run_until(100);
        CHECK(driver.deliveries.empty());
        CHECK(driver.fabric.flits_inside() == 6);  // two in each FIFO of the way
        CHECK(driver.fabric.next_cycle() == kNever);
        const std::uint64_t steps = driver.steps;
        const RouterStats before = driver.fabric.total_router_stats(driver.now);
        driver.run_until(1100);
        CHECK(driver.steps == steps);
        const RouterStats after = driver.fabric.total_router_stats(driver.now);
        CHECK(after.credit_stalls - before.credit_stalls == 2 * 1000);  // the heads of two FIFOs
        driver.fabric.start_measurement(driver.now);
        CHECK(driver.fabric.total_router_stats(driver.now).credit_stalls == 0);
        CHECK(driver.fabric.total_router_stats(driver.now + 10).credit_stalls == 20);
        driver.run_until(1150);
        driver.receive_probability = 1.0F;
        driver.run_until(1152);
        // Read in cycle 1150: the head of router 1 has waited in 1100 .. 1150, that of router 0 one cycle
        // longer, as its credit has one link more to travel.
        CHECK(driver.fabric.router_stats(node(1), driver.now).credit_stalls == 51);
        CHECK(driver.fabric.router_stats(node(0), driver.now).credit_stalls == 52);
        driver.run_until(1200);
        CHECK(driver.deliveries.size() == 8);
        CHECK(driver.drained());
    }
}

TEST_CASE("noc: counters and energy follow from the hops") {
    const NocParams params = mesh_params(4, 4);
    Driver driver(Fabric::mesh(params));
    std::uint64_t hops = 0, east_west = 0, north_south = 0;
    for (std::uint32_t from = 0; from < 16; ++from) {
        for (std::uint32_t to = 0; to < 16; ++to) {
            driver.queue(Flit::to(node(from), node(to)));
            hops += hops_between(node(from), node(to), 4);
            east_west += hops_between(node(from % 4), node(to % 4), 4) - 1;
        }
    }
    north_south = hops - 256 - east_west;
    driver.run_until(500);
    REQUIRE(driver.drained());
    const RouterStats stats = driver.fabric.total_router_stats(driver.now);
    CHECK(stats.forwarded_total() == hops);
    const double expected_j = 1e-12 * (3.0 * double(east_west) + 4.0 * double(north_south) + 1.7 * 256.0);
    CHECK(stats.energy_j(params.cost) == doctest::Approx(expected_j).scale(0).epsilon(1e-12));
    CHECK(driver.fabric.total_terminal_stats().sent == 256);
    CHECK(driver.fabric.total_terminal_stats().received == 256);
    CHECK(driver.fabric.latency().count() == 256);
    CHECK(driver.fabric.link_use(driver.now).mean ==
          doctest::Approx(double(east_west + north_south) / (500.0 * 48.0)));
    for (const Counter& counter : driver.fabric.report("mesh.", driver.now)) {
        CAPTURE(counter.name);
        CHECK(counter.name.starts_with("mesh."));
        CHECK_FALSE(counter.unit.empty());
        CHECK_FALSE(counter.description.empty());
    }
}

TEST_CASE("noc: misuse is answered and counted, never silent") {
    Fabric fabric = Fabric::mesh(mesh_params(2, 2, 2));
    CHECK(fabric.send(0, Flit::to(node(0), node(4)), 0) == SendResult::no_route);
    CHECK(fabric.send(0, Flit::along(node(0), TreeId{5}), 0) == SendResult::no_route);
    CHECK(fabric.send(0, Flit::along(node(0), TreeId{2000}), 0) == SendResult::no_route);
    CHECK(fabric.terminal_stats(0).refused_no_route == 3);
    CHECK(fabric.send(0, Flit::to(node(0), node(1)), 0) == SendResult::accepted);
    CHECK(fabric.send(0, Flit::to(node(0), node(1)), 0) == SendResult::full);  // one flit a cycle
    CHECK(fabric.terminal_stats(0).refused_full == 1);
    CHECK(fabric.terminal_stats(0).sent == 1);
    CHECK(fabric.next_cycle() == 1);
    CHECK_THROWS_AS(fabric.send(0, Flit::to(node(0), node(1)), 2), std::logic_error);  // step(1) left out
    fabric.step(1);
    REQUIRE(fabric.spaces().size() == 1);
    CHECK(fabric.spaces()[0] == 0);
    CHECK_THROWS_AS(fabric.step(0), std::logic_error);
}

TEST_CASE("noc: parameters outside their range are refused by name") {
    const auto message = [](auto change) {
        NocParams params = mesh_params(8, 8);
        change(params);
        try {
            params.validate("chip.noc");
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(message([](NocParams&) {}).empty());
    CHECK(message([](NocParams& p) { p.width = 0; }) == "chip.noc.width = 0: must be from 1 to 64");
    CHECK(message([](NocParams& p) { p.height = 65; }).starts_with("chip.noc.height = 65"));
    CHECK(message([](NocParams& p) { p.fifo_depth = 257; }).starts_with("chip.noc.fifo_depth"));
    CHECK(message([](NocParams& p) { p.router_cycles = 0; }).starts_with("chip.noc.router_cycles"));
    CHECK(message([](NocParams& p) { p.link_cycles = 32; }).starts_with("chip.noc.link_cycles"));
    CHECK(message([](NocParams& p) { p.credit_cycles = 32; }).starts_with("chip.noc.credit_cycles"));
    CHECK(message([](NocParams& p) { p.multicast_trees = 65537; }).starts_with("chip.noc.multicast_trees"));
    CHECK(message([](NocParams& p) { p.cost.local_pj.reset(); }).find("local_pj is not set") !=
          std::string::npos);
    CHECK(message([](NocParams& p) { p.cost.east_west_pj = -1.0; }).find("east_west_pj = -1") !=
          std::string::npos);
    CHECK(message([](NocParams& p) { p.cost.source.clear(); }).find("source is empty") != std::string::npos);
    CHECK_THROWS_AS(Fabric::single_router(mesh_params(2, 2), node(4)), InputError);
}

TEST_CASE("noc: latency histogram is exact where it says so") {
    LatencyHistogram histogram;
    CHECK(histogram.quantile_cycles(0.95) == 0);
    CHECK(histogram.mean_cycles() == 0.0);
    for (std::uint64_t latency = 1; latency <= 4000; ++latency) {
        histogram.record(latency);
    }
    CHECK(histogram.quantile_cycles(0.95) == 3800);
    CHECK(histogram.quantile_cycles(0.5) == 2000);
    CHECK(histogram.mean_cycles() == 2000.5);
    CHECK(histogram.bins().size() == 4000);
    LatencyHistogram large;
    for (const std::uint64_t latency :
         std::initializer_list<std::uint64_t>{4095, 4096, 5000, 1ULL << 20, (1ULL << 40) + 12345, kNever}) {
        large.record(latency);
        const std::uint64_t lower = large.bins().back().lower_cycles;
        CHECK(lower <= latency);
        CHECK(latency - lower <= latency / 2048);
        CHECK(large.max_cycles() == latency);
    }
    CHECK(large.bins().size() == 6);
}

TEST_CASE("noc: the wake wheel returns every agent in its cycle") {
    WakeWheel wheel(200);
    CHECK(wheel.next(5) == kNever);
    wheel.add(199, 70);
    wheel.add(0, 70);
    wheel.add(64, 68);
    wheel.add(64, 68);
    CHECK(wheel.next(7) == 68);
    std::vector<std::uint32_t> woken;
    const auto note = [&](std::uint32_t agent) { woken.push_back(agent); };
    wheel.take(68, note);
    CHECK(woken == std::vector<std::uint32_t>{64});
    CHECK(wheel.next(69) == 70);
    wheel.take(70, note);
    CHECK(woken == std::vector<std::uint32_t>{64, 0, 199});
    CHECK(wheel.next(70) == kNever);
}
