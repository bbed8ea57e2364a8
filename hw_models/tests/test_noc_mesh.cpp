// The SystemC modules: the kernel adds time, and nothing else runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <systemc>
#include <tuple>

#include "hw_models/noc/mesh.hpp"
#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

const sc_core::sc_time kPeriod(10, sc_core::SC_NS);

// Sends a list of flits and notes what arrives, through the interface that cores use.
struct Endpoint : sc_core::sc_module {
    sc_core::sc_port<FlitPortIf> port{"port"};
    std::deque<Flit> to_send;
    std::vector<Delivery> received;
    std::uint32_t index;

    SC_HAS_PROCESS(Endpoint);
    Endpoint(const sc_core::sc_module_name& name, std::uint32_t terminal) : sc_module(name), index(terminal) {
        SC_METHOD(send);
    }
    void end_of_elaboration() override {
        SC_METHOD(receive);
        sensitive << port->arrival_event();
        dont_initialize();
    }
    static std::uint64_t now() { return sc_core::sc_time_stamp().value() / kPeriod.value(); }

    void send() {
        if (to_send.empty()) {
            return;
        }
        if (to_send.front().created_cycle > now()) {
            next_trigger(kPeriod * static_cast<double>(to_send.front().created_cycle - now()));
        } else if (port->try_send(to_send.front()) == SendResult::accepted) {
            to_send.pop_front();
            next_trigger(kPeriod);
        } else {
            next_trigger(port->space_event());
        }
    }
    void receive() {
        for (Flit flit; port->try_receive(flit);) {
            received.push_back({now(), index, flit});
        }
    }
};

struct MeshBench {
    EventMesh mesh;
    std::vector<std::unique_ptr<Endpoint>> ends;

    explicit MeshBench(const NocParams& params) : mesh("mesh", params, kPeriod) {
        for (std::uint32_t n = 0; n < params.nodes(); ++n) {
            ends.push_back(std::make_unique<Endpoint>(("end_" + std::to_string(n)).c_str(), n));
            ends.back()->port(mesh.port[n]);
        }
    }
};

}  // namespace

TEST_CASE("noc module: one flit wakes the process once per router and once on arrival, idle costs nothing") {
    MeshBench bench(mesh_params(8, 8));
    Flit flit = Flit::to(node(0), node(63));
    flit.created_cycle = 1000;
    bench.ends[0]->to_send.push_back(flit);
    sc_core::sc_start(kPeriod * 999.5);
    CHECK(bench.mesh.activations() == 0);
    sc_core::sc_start(kPeriod * 100);
    REQUIRE(bench.ends[63]->received.size() == 1);
    CHECK(bench.ends[63]->received[0] == Delivery{1000 + 15 * 2, 63, flit});
    CHECK(bench.mesh.activations() == 15 + 1);
    const std::uint64_t deltas = sc_core::sc_delta_count();
    sc_core::sc_start(kPeriod * 1e9);
    CHECK(bench.mesh.activations() == 15 + 1);
    CHECK(sc_core::sc_delta_count() - deltas <= 1);  // of sc_start itself: no process ran
    CHECK_FALSE(sc_core::sc_pending_activity());
}

TEST_CASE("noc module: deliveries equal those of the plain algorithm, cycle by cycle") {
    const NocParams params = mesh_params(4, 4, 2);
    Driver driver(Fabric::mesh(params));
    MeshBench bench(params);
    for (std::uint32_t n = 0; n < params.nodes(); ++n) {
        std::uint64_t cycle = 0;
        for (std::uint32_t i = 0; i < 300; ++i) {
            const DrawKey key{.seed = 11, .stream = Stream::test, .event = n};
            cycle += random_bits(key, 2 * i) % 4;
            Flit flit = Flit::to(node(n), node(random_bits(key, 2 * i + 1) % params.nodes()));
            flit.created_cycle = cycle;
            flit.value = i;
            driver.queue(flit);
            bench.ends[n]->to_send.push_back(flit);
        }
    }
    driver.run_until(5000);
    REQUIRE(driver.drained());
    sc_core::sc_start(kPeriod * 5000);
    std::vector<Delivery> received;
    for (const auto& end : bench.ends) {
        received.insert(received.end(), end->received.begin(), end->received.end());
    }
    const auto order = [](const Delivery& a, const Delivery& b) {
        return std::tie(a.terminal, a.cycle) < std::tie(b.terminal, b.cycle);
    };
    std::sort(received.begin(), received.end(), order);
    std::sort(driver.deliveries.begin(), driver.deliveries.end(), order);
    CHECK(received.size() == 300UL * 16);
    CHECK(received == driver.deliveries);
    CHECK(bench.mesh.fabric().total_router_stats(5000).credit_stalls ==
          driver.fabric.total_router_stats(5000).credit_stalls);
    CHECK(bench.mesh.activations() <= driver.steps);  // no more often than there is something to do
}

TEST_CASE("noc module: two routers joined by a link process are as fast as a mesh of two") {
    // What leaves router 0 to the east enters router 1 from the west in the cycle it arrives.
    struct Wire : sc_core::sc_module {
        sc_core::sc_port<FlitPortIf> from{"from"}, to{"to"};
        SC_HAS_PROCESS(Wire);
        explicit Wire(const sc_core::sc_module_name& name) : sc_module(name) {}
        void end_of_elaboration() override {
            SC_METHOD(carry);
            sensitive << from->arrival_event();
            dont_initialize();
        }
        void carry() {
            for (Flit flit; from->try_receive(flit);) {
                CHECK(to->try_send(flit) == SendResult::accepted);
            }
        }
    };
    const NocParams params = mesh_params(2, 1);
    EventRouter left("left", params, node(0), kPeriod), right("right", params, node(1), kPeriod);
    Endpoint sender("sender", 0), receiver("receiver", 1);
    Wire wire("wire");
    sender.port(left.port[static_cast<std::size_t>(Port::local)]);
    wire.from(left.port[static_cast<std::size_t>(Port::east)]);
    wire.to(right.port[static_cast<std::size_t>(Port::west)]);
    receiver.port(right.port[static_cast<std::size_t>(Port::local)]);
    Driver driver(Fabric::mesh(params));
    for (std::uint32_t i = 0; i < 20; ++i) {
        Flit flit = Flit::to(node(0), node(1));
        flit.created_cycle = 3;
        flit.value = i;
        sender.to_send.push_back(flit);
        driver.queue(flit);
    }
    driver.run_until(50);
    sc_core::sc_start(kPeriod * 50);
    CHECK(receiver.received.size() == 20);
    CHECK(receiver.received == driver.deliveries);
    CHECK(left.activations() <= 22);
    CHECK(right.activations() <= 22);
}

TEST_CASE("noc module: back-pressure reaches the sender and is released") {
    struct Lazy : Endpoint {
        using Endpoint::Endpoint;
        void end_of_elaboration() override {}  // does not listen
    };
    EventMesh mesh("mesh", mesh_params(2, 1, 2), kPeriod);
    Endpoint sender("sender", 0);
    Lazy receiver("receiver", 1);
    sender.port(mesh.port[0]);
    receiver.port(mesh.port[1]);
    for (std::uint32_t i = 0; i < 10; ++i) {
        Flit flit = Flit::to(node(0), node(1));
        flit.value = i;
        sender.to_send.push_back(flit);
    }
    sc_core::sc_start(kPeriod * 100.5);
    CHECK(sender.to_send.size() == 10 - 6);
    CHECK(mesh.fabric().total_terminal_stats().refused_full > 0);
    const std::uint64_t activations = mesh.activations();
    sc_core::sc_start(kPeriod * 100);
    CHECK(mesh.activations() == activations);  // blocked, so asleep
    for (int i = 0; i < 50; ++i) {
        receiver.receive();
        sc_core::sc_start(kPeriod);
    }
    REQUIRE(receiver.received.size() == 10);
    for (std::uint32_t i = 0; i < 10; ++i) {
        CHECK(receiver.received[i].flit.value == i);
    }
}
