// TlmTarget in simulated time: several threads, temporal decoupling, the interrupt line, the non-blocking
// interface.
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hw_models/bus/bus_master.hpp"
#include "hw_models/tests/bus_bench.hpp"

#include <tlm_utils/tlm_quantumkeeper.h>  // needs <systemc> before it

namespace memprop::hw::bus::test {
namespace {

using sc_core::sc_time;
using Words = std::vector<std::uint32_t>;

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

TEST_CASE("tlm target in time: each of several threads gets its own words") {
    Bench bench;
    bench.device.debug_write(at::cell(0, 0), 10);
    bench.device.debug_write(at::cell(0, 1), 11);
    bench.device.debug_write(at::cell(1, 0), 20);
    std::vector<std::uint32_t> got(6);
    std::vector<double> ended(6);
    const std::array<std::uint32_t, 6> addresses{at::cell(0, 0),   at::cell(0, 1), at::cell(1, 0),
                                                 at::second(1, 7), at::cell(0, 0), at::identity};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        bench.thread([&, i] {
            sc_core::wait(Bench::ns(i < 3 ? 0 : 20));  // three at once, three on their way
            got[i] = bench.initiator.read(addresses[i]);
            ended[i] = Bench::now_ns();
        });
    }
    sc_core::sc_start();
    CHECK(got == Words{10, 11, 20, 0, 10, Device::kIdentity});
    CHECK(ended == std::vector<double>{130, 130, 130, 150, 150, 30});
    CHECK(bench.device.open_tickets() == 0);
}

TEST_CASE("tlm target in time: one thread's long burst and another's writes do not disturb each other") {
    Bench bench;
    for (std::uint32_t i = 0; i < 8; ++i) {
        bench.device.debug_write(at::cell(0, i), 100 + i);
    }
    std::vector<std::uint32_t> got;
    bench.thread([&] {
        for (std::uint32_t i = 0; i < 8; ++i) {
            Words words(2);
            sc_time delay;
            CHECK(bench.initiator.transfer(tlm::TLM_READ_COMMAND, at::cell(0, i), words.data(), 2, delay) ==
                  tlm::TLM_OK_RESPONSE);
            got.push_back(words[0]);
        }
    });
    bench.thread([&] {
        for (std::uint32_t i = 0; i < 40; ++i) {
            CHECK(bench.initiator.write(at::cell(1, i % 8), {i}) == tlm::TLM_OK_RESPONSE);
            CHECK(bench.initiator.read(at::cell(1, i % 8)) == i);
        }
    });
    sc_core::sc_start();
    CHECK(got == Words{100, 101, 102, 103, 104, 105, 106, 107});
}

TEST_CASE("tlm target in time: accesses begin at the next edge of the clock") {
    Bench bench;
    REQUIRE(bench.run([&] {
        sc_core::wait(Bench::ns(3));
        bench.initiator.read(at::identity);
        CHECK(Bench::now_ns() == doctest::Approx(20));
        std::uint32_t word = 0;
        sc_time delay = Bench::ns(25);  // of the initiator, ahead of time
        CHECK(bench.initiator.transfer(tlm::TLM_READ_COMMAND, at::identity, &word, 1, delay) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(60));
        CHECK(delay == sc_core::SC_ZERO_TIME);
        delay = sc_time(1, sc_core::SC_SEC);
        CHECK(bench.initiator.transfer(tlm::TLM_READ_COMMAND, at::identity, &word, 1, delay) ==
              tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(1e9 + 70));
        for (const sc_time& end : {sc_core::sc_max_time(), sc_core::sc_max_time() - Bench::ns(1e9 + 80)}) {
            delay = end;
            CHECK(bench.initiator.transfer(tlm::TLM_READ_COMMAND, at::identity, &word, 1, delay) ==
                  tlm::TLM_GENERIC_ERROR_RESPONSE);
            CHECK(delay == end);
        }
    }));
}

TEST_CASE("tlm target in time: writes that may come ahead only add to the delay, others are waited for") {
    Bench bench({.cycles_per_word = 2});
    REQUIRE(bench.run([&] {
        std::array<std::uint32_t, 4> words{bits(1.0F), bits(2.0F), bits(3.0F), bits(4.0F)};
        sc_time delay = Bench::ns(5);
        const auto write = [&](std::uint32_t address, unsigned count) {
            return bench.initiator.transfer(tlm::TLM_WRITE_COMMAND, address, words.data(), count, delay);
        };
        CHECK(write(at::targets, 4) == tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == 0.0);
        CHECK(delay == Bench::ns(90));
        words[0] = 100;
        CHECK(write(at::duration, 1) == tlm::TLM_OK_RESPONSE);
        CHECK(delay == Bench::ns(110));
        words[0] = 1001;  // refused ahead of time too
        CHECK(write(at::duration, 1) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(delay == Bench::ns(130));
        CHECK(Bench::now_ns() == 0.0);
        words[0] = 1;
        CHECK(write(at::command, 1) == tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(150));
        CHECK(delay == sc_core::SC_ZERO_TIME);
        words[0] = 7;  // the command is under way: not before its time
        CHECK(write(at::duration, 1) == tlm::TLM_OK_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(170));
        // A burst of which only the first words may come ahead is waited for.
        words = {bits(1.0F), bits(1.0F), bits(1.0F), bits(1.0F)};
        CHECK(write(at::targets + 4, 4) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(250));
    }));
    CHECK(bench.device.log.back() == "115 done 0 0");
}

TEST_CASE("tlm target in time: what may come ahead of time needs no thread") {
    Bench bench;
    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
    sc_time delay;
    sc_core::sc_spawn_options options;
    options.spawn_method();
    sc_core::sc_spawn(
        [&] {
            std::uint32_t word = 12;
            status = bench.initiator.transfer(tlm::TLM_WRITE_COMMAND, at::duration, &word, 1, delay);
        },
        "method", &options);
    sc_core::sc_start();
    CHECK(status == tlm::TLM_OK_RESPONSE);
    CHECK(delay == Bench::kPeriod);
    CHECK(bench.device.log == std::vector<std::string>{"0 write 12 12"});
}

TEST_CASE("tlm target in time: an initiator with a quantum gets the same cycles") {
    Bench bench;
    REQUIRE(bench.run([&] {
        tlm_utils::tlm_quantumkeeper keeper;
        tlm::tlm_global_quantum::instance().set(Bench::ns(45));
        keeper.reset();
        std::array<std::uint32_t, 1> word{bits(1.0F)};
        std::vector<double> synchronised;
        for (int i = 0; i < 12; ++i) {
            sc_time delay = keeper.get_local_time();
            CHECK(bench.initiator.transfer(tlm::TLM_WRITE_COMMAND, at::targets, word.data(), 1, delay) ==
                  tlm::TLM_OK_RESPONSE);
            keeper.set(delay);
            if (keeper.need_sync()) {
                keeper.sync();
                synchronised.push_back(Bench::now_ns());
            }
        }
        CHECK(synchronised == std::vector<double>{50, 90});
        CHECK(Bench::ns(Bench::now_ns()) + keeper.get_local_time() == Bench::ns(120));
    }));
}

TEST_CASE("tlm target in time: the interrupt line shows when a command has ended") {
    Bench bench;
    sc_core::sc_signal<bool> line("line"), second_line("second_line");
    bench.target.interrupt.bind(line);
    bench.target.interrupt.bind(second_line);
    std::vector<double> rises;
    bench.thread([&] {
        for (;;) {
            sc_core::wait(bench.target.interrupt_event());
            rises.push_back(Bench::now_ns());
        }
    });
    REQUIRE(bench.run([&] {
        for (int i = 0; i < 2; ++i) {
            bench.initiator.write(at::duration, {30});
            bench.initiator.write(at::command, {1});
            CHECK_FALSE(line.read());
            sc_core::wait(line.posedge_event());
            CHECK(Bench::now_ns() == doctest::Approx(330 * i + 320));
            CHECK(second_line.read());
            CHECK(bench.target.interrupt_level());
            bench.initiator.write(at::status, {1});
            if (line.read()) {
                sc_core::wait(line.negedge_event());
            }
            CHECK(Bench::now_ns() == doctest::Approx(330 * i + 330));
            CHECK_FALSE(bench.target.interrupt_level());
        }
    }));
    CHECK(rises == std::vector<double>{320, 650});
    // One for the beginning of each command, its end and the fall of the line.
    CHECK(bench.target.activations() <= 6);
}

TEST_CASE("tlm target in time: between two calls of sc_start() the target stands where time does") {
    Bench bench;
    bench.thread([&] { bench.initiator.write(at::cell(0, 0), {5}); });
    sc_core::sc_start(Bench::ns(55));
    CHECK(bench.device.posted_writes() == 1);
    CHECK(bench.target.cycle() == 5);
    std::uint32_t word = 1;
    CHECK(bench.initiator.debug(tlm::TLM_READ_COMMAND, at::cell(0, 0), &word, 4) == 4);
    CHECK(word == 0);
    sc_core::sc_start(Bench::ns(10));
    CHECK(bench.device.posted_writes() == 0);
    CHECK(bench.initiator.debug(tlm::TLM_READ_COMMAND, at::cell(0, 0), &word, 4) == 4);
    CHECK(word == 5);
}

TEST_CASE("tlm target in time: an access is never before what has been simulated") {
    Bench bench;
    bench.device.debug_write(at::cell(0, 0), 5);
    BusMaster plain(bench.device);
    sc_core::sc_start(Bench::ns(20));
    plain.advance(98);  // beside the simulation
    REQUIRE(bench.run([&] {
        CHECK(bench.initiator.read(at::identity) == Device::kIdentity);
        CHECK(Bench::now_ns() == 980);
        CHECK(bench.initiator.read(at::cell(0, 0)) == 5);
        CHECK(Bench::now_ns() == 980 + 10 + 10 * Device::kReadCycles);
    }));
}

TEST_CASE("tlm target in time: a read that is never answered ends when the target is idle") {
    Bench bench;
    std::vector<double> ended;
    REQUIRE(bench.run([&] {
        bench.initiator.read(at::cell(Device::kDeadBank, 0));
        CHECK(bench.initiator.status == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(10));
        // While something is under way, it is waited for.
        bench.initiator.write(at::duration, {50});
        bench.initiator.write(at::command, {1});
        bench.initiator.read(at::cell(Device::kDeadBank, 0));
        CHECK(bench.initiator.status == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(Bench::now_ns() == doctest::Approx(530));
        CHECK(bench.initiator.read(at::identity) == Device::kIdentity);
    }));
    CHECK(bench.device.open_tickets() == 0);
    CHECK(bench.device.errors == std::map<BusStatus, std::uint64_t>{{BusStatus::refused, 2}});
}

TEST_CASE("tlm target in time: a thread may be killed while it waits for an answer") {
    Bench bench;
    bench.device.debug_write(at::cell(0, 0), 5);
    sc_core::sc_process_handle reader = bench.thread([&] {
        bench.initiator.read(at::cell(0, 0));
        CHECK(false);
    });
    REQUIRE(bench.run([&] {
        sc_core::wait(Bench::ns(40));
        CHECK(bench.device.open_tickets() == 1);
        reader.kill();
        CHECK(bench.device.open_tickets() == 0);
        CHECK(bench.initiator.read(at::cell(0, 0)) == 5);
        CHECK(Bench::now_ns() == doctest::Approx(50 + 10 * Device::kReadCycles));
    }));
}

TEST_CASE("tlm target in time: non-blocking transactions are answered by BEGIN_RESP") {
    Bench bench;
    bench.device.debug_write(at::cell(1, 1), 8);
    std::array<std::uint32_t, 2> words{0, 0};
    std::array<tlm::tlm_generic_payload, 2> transactions;
    REQUIRE(bench.run([&] {
        Initiator::fill(transactions[0], tlm::TLM_READ_COMMAND, at::cell(1, 1), &words[0], 1);
        Initiator::fill(transactions[1], tlm::TLM_READ_COMMAND, at::identity, &words[1], 1);
        for (tlm::tlm_generic_payload& transaction : transactions) {
            tlm::tlm_phase phase = tlm::BEGIN_REQ;
            sc_time delay = Bench::ns(20);
            CHECK(bench.initiator.bus->nb_transport_fw(transaction, phase, delay) == tlm::TLM_ACCEPTED);
        }
        CHECK(bench.initiator.responses.empty());
    }));
    REQUIRE(bench.initiator.responses.size() == 2);
    CHECK(bench.initiator.responses[0] == std::pair{&transactions[1], Bench::ns(30)});
    CHECK(bench.initiator.responses[1] ==
          std::pair{&transactions[0], Bench::ns(30 + 10 * Device::kReadCycles)});
    CHECK(words == std::array{8U, Device::kIdentity});
    CHECK(transactions[0].get_response_status() == tlm::TLM_OK_RESPONSE);
}

TEST_CASE("tlm target in time: a non-blocking response waits for END_RESP of the one before it") {
    Bench bench;
    bench.initiator.response_accept_delay = Bench::ns(50);
    std::array<std::uint32_t, 2> words{0, 0};
    std::array<tlm::tlm_generic_payload, 2> transactions;
    REQUIRE(bench.run([&] {
        for (std::size_t i = 0; i < 2; ++i) {
            Initiator::fill(transactions[i], tlm::TLM_READ_COMMAND, i == 0 ? at::identity : at::duration,
                            &words[i], 1);
            tlm::tlm_phase phase = tlm::BEGIN_REQ;
            sc_time delay = Bench::ns(10.0 * static_cast<double>(i));
            CHECK(bench.initiator.bus->nb_transport_fw(transactions[i], phase, delay) == tlm::TLM_ACCEPTED);
        }
    }));
    REQUIRE(bench.initiator.responses.size() == 2);
    CHECK(bench.initiator.responses[0] == std::pair{&transactions[0], Bench::ns(10)});
    CHECK(bench.initiator.responses[1] == std::pair{&transactions[1], Bench::ns(60)});
    CHECK(words == std::array{Device::kIdentity, 1U});
}

TEST_CASE("tlm target in time: two chips stand side by side, one of them already on its way") {
    Device fast, slow;
    BusMaster plain(slow);
    plain.write(at::cell(0, 0), 3);
    plain.advance(2);  // at cycle 3; the write arrives in cycle 6
    TlmTarget a("a", fast, {}, Bench::ns(1)), b("b", slow, {}, Bench::ns(100));
    Initiator to_a("to_a"), to_b("to_b");
    to_a.bus.bind(a.bus);
    to_b.bus.bind(b.bus);
    std::vector<double> ended;
    sc_core::sc_spawn([&] {
        CHECK(to_b.read(at::cell(0, 0)) == 3);
        ended.push_back(Bench::now_ns());
    });
    sc_core::sc_spawn([&] {
        CHECK(to_a.read(at::cell(0, 0)) == 0);
        ended.push_back(Bench::now_ns());
    });
    sc_core::sc_start();
    CHECK(ended == std::vector<double>{1 + Device::kReadCycles, 100 * (1 + Device::kReadCycles)});
    CHECK(slow.cycle() == 3 + 1 + Device::kReadCycles);
    CHECK(fast.cycle() == 1 + Device::kReadCycles);
}

TEST_CASE("tlm target in time: the process runs for what somebody waits for, not for each cycle") {
    Bench bench;
    bench.target.allow_run_ahead();
    REQUIRE(bench.run([&] {
        for (std::uint32_t i = 0; i < 8; ++i) {
            Words words(2);
            sc_time delay;
            CHECK(bench.initiator.transfer(tlm::TLM_READ_COMMAND, at::cell(0, i), words.data(), 2, delay) ==
                  tlm::TLM_OK_RESPONSE);
            CHECK(Bench::now_ns() == doctest::Approx(10.0 * (i + 1) * (2 + 2 * Device::kReadCycles)));
        }
    }));
    CHECK(bench.device.visited_cycles == 8 * 2 * 2);  // there and back
    CHECK(bench.target.activations() == 8 * 2);       // the way of both words, and their end
}

}  // namespace
}  // namespace memprop::hw::bus::test
