// Who waits for whom when nothing moves.
#include <doctest/doctest.h>

#include "hw_models/tests/noc_driver.hpp"

using namespace memprop::hw::noc;

TEST_CASE("noc watch: a receiver that does not take is named first, then the FIFOs behind it") {
    Driver driver(Fabric::mesh(mesh_params(2, 1, 2)));
    driver.receive_probability = 0.0F;
    for (std::uint32_t i = 0; i < 8; ++i) {
        Flit flit = Flit::to(node(0), node(1));
        flit.address = i;
        driver.queue(flit);
    }
    CHECK_FALSE(driver.fabric.stuck());
    driver.run_until(4);
    CHECK_FALSE(driver.fabric.stuck());
    driver.run_until(100);
    CHECK(driver.fabric.stuck());
    CHECK(driver.fabric.who_waits(driver.now) ==
          "terminal 1 does not take spike 0->1 address 0 value 0 @0, 2 of 2 places are full\n"
          "router 0 input local: spike 0->1 address 4 value 0 @0, 2 of 2 places are full; waits for output "
          "east: router 1 input west is full\n"
          "router 1 input west: spike 0->1 address 2 value 0 @0, 2 of 2 places are full; waits for output "
          "local: terminal 1 is full\n");
    driver.receive_probability = 1.0F;
    driver.run_until(101);
    CHECK_FALSE(driver.fabric.stuck());
    CHECK(driver.fabric.who_waits(driver.now)
              .find("waits for output local: the credit of terminal 1 counts "
                    "from cycle") == std::string::npos);  // it is used already
    driver.run_until(200);
    CHECK(driver.fabric.who_waits(driver.now).empty());
    CHECK_FALSE(driver.fabric.stuck());
}

TEST_CASE("noc watch: a barrier that somebody does not enter") {
    Driver driver(Fabric::mesh(mesh_params(3, 1)));
    const std::vector<NodeId> members{node(0), node(2)};
    driver.fabric.set_barrier_members(members);
    driver.run_until(10);
    Flit late = Flit::to(node(0), node(2));
    Flit token = Flit::barrier(node(0));
    token.created_cycle = late.created_cycle = driver.now;
    driver.queue(token);
    driver.queue(late);
    driver.run_until(50);
    CHECK(driver.fabric.stuck());  // the flit waits behind the token
    const std::string said = driver.fabric.who_waits(driver.now);
    CAPTURE(said);
    CHECK(said.starts_with("barrier not entered by terminals 2\n"));
    CHECK(said.find(
              "router 0 input local: barrier from 0 @10, 2 of 4 places are full; waits for output local: no "
              "barrier token from east\n") != std::string::npos);
    CHECK(said.find(
              "router 2 input west: barrier from 1 @10, 1 of 4 places are full; waits for output local: no "
              "barrier token from local\n") != std::string::npos);
    Flit last = Flit::barrier(node(2));
    last.created_cycle = driver.now;
    driver.queue(last);
    driver.run_until(100);
    CHECK_FALSE(driver.fabric.stuck());
    CHECK(driver.fabric.who_waits(driver.now).empty());
    CHECK(driver.deliveries.size() == 3);
}

TEST_CASE("noc watch: credits on their way and turns are told apart") {
    NocParams params = mesh_params(2, 1, 1);
    params.credit_cycles = 5;
    Driver driver(Fabric::mesh(params));
    driver.queue(Flit::to(node(0), node(1)));
    driver.queue(Flit::to(node(0), node(1)));
    bool credit = false;
    for (; driver.now < 60;) {
        driver.run_until(driver.now + 1);
        credit =
            credit || driver.fabric.who_waits(driver.now)
                              .find("output east: the credit of router 1 input west counts from cycle") !=
                          std::string::npos;
    }
    CHECK(credit);
    CHECK(driver.deliveries.size() == 2);
}
