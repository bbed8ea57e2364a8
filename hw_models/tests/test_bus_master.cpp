#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/bus/bus_master.hpp"
#include "hw_models/tests/bus_device.hpp"

namespace memprop::hw::bus::test {
namespace {

using Words = std::vector<std::uint32_t>;

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

TEST_CASE("bus master: a word takes its bus cycles, one from afar those of its way too") {
    Device device;
    BusMaster master(device, {.cycles_per_word = 3});
    CHECK(master.read(at::identity) == Device::kIdentity);
    CHECK(master.cycle() == 3);
    master.write(at::mode, 9);
    CHECK(master.cycle() == 6);
    CHECK(device.log.back() == "6 write 20 9");
    CHECK(master.read(at::mode) == 9);
    CHECK(master.cycle() == 9);

    master.write(at::cell(1, 2), 77);  // posted
    CHECK(master.cycle() == 12);
    CHECK(device.posted_writes() == 1);
    CHECK(master.read(at::cell(1, 2)) == 77);  // after it on the same way
    CHECK(master.cycle() == 15 + Device::kReadCycles);
    CHECK(master.stats().words == 5);
    CHECK(master.stats().bus_cycles == 15);
    CHECK(master.stats().answer_cycles == Device::kReadCycles);
    CHECK(device.words == 5);
    CHECK(device.bus_cycles == 15);
    CHECK(device.open_tickets() == 0);
    CHECK(device.errors.empty());
}

TEST_CASE("bus master: bursts go from word to word, at FIFOs they stay") {
    Device device;
    BusMaster master(device, {.cycles_per_word = 2});
    const Words targets{bits(1.0F), bits(2.0F), bits(3.0F), bits(4.0F)};
    master.write(at::targets, targets);
    CHECK(master.cycle() == 8);
    Words read(4);
    master.read(at::targets, read);
    CHECK(read == targets);
    master.write(at::push, Words{5, 6, 7});
    CHECK(master.read(at::level) == 3);
    CHECK(master.debug_read(at::pop) == 5);
    CHECK(master.debug_read(at::pop) == 5);  // does not take it
    master.read(at::pop, read);
    CHECK(read == Words{5, 6, 7, Device::kEmpty});
    const std::uint64_t before = master.cycle();
    master.write(at::push, std::span<const std::uint32_t>());
    CHECK(master.cycle() == before);
}

TEST_CASE("bus master: a burst of slow reads takes their ways one after the other, or several at a time") {
    for (const std::uint32_t outstanding : {1U, 2U, 4U, 100U}) {
        Device device;
        BusMaster master(device, {.cycles_per_word = 1, .outstanding_reads = outstanding});
        for (std::uint32_t i = 0; i < 8; ++i) {
            master.write(at::cell(0, i), 10 + i);
            master.write(at::second(0, i), bits(0.0F));
        }
        master.wait_for_posted_writes();
        const std::uint64_t from = master.cycle();
        Words read(2);
        master.read(at::cell(0, 3), read);
        CHECK(read == Words{13, 0});
        CHECK(master.cycle() - from == 2 + (outstanding == 1 ? 2 : 1) * Device::kReadCycles);
        CHECK(device.open_tickets() == 0);
    }
}

TEST_CASE("bus master: a command, its interrupt, and what may not be done meanwhile") {
    Device device;
    BusMaster master(device);
    master.write(at::duration, 100);
    master.write(at::command, 1);
    CHECK(master.cycle() == 2);
    CHECK(master.try_write(at::command, Words{1}) == BusStatus::refused);  // busy
    master.wait_for_interrupt();
    CHECK(master.cycle() == 102);
    master.wait_for_interrupt();  // still high
    CHECK(master.cycle() == 102);
    CHECK(master.read(at::status) == 3);
    master.write(at::status, 3);
    CHECK(master.read(at::status) == 0);
    CHECK_FALSE(device.interrupt());
    CHECK(master.stats().waiting_cycles == 99);

    CHECK_THROWS_WITH_AS(master.wait_for_interrupt(),
                         "the chip is idle at cycle 105 and its interrupt will not come", RunError);
    master.write(at::command, 1);
    CHECK_THROWS_WITH_AS(master.wait_for_interrupt(50),
                         "its interrupt has not come within 50 cycles from cycle 106", RunError);
    master.wait_for_interrupt(100);
    CHECK(master.cycle() == 206);
}

TEST_CASE("bus master: a command waits for the posted writes before it, a counter for what they meet") {
    Device device;
    BusMaster master(device);
    master.write(at::cell(0, 0), 1);
    CHECK(master.cycle() == 1);
    master.write(at::command, 2);
    CHECK(master.cycle() == 1 + Device::kWayCycles);
    CHECK(device.log == std::vector<std::string>{"6 cell 65792 1", "6 start 2 1"});

    master.write(at::second(1, 0), bits(2.0F));  // taken, and refused there
    master.write(at::mode, 1);                   // does not wait
    CHECK(master.cycle() == 8);
    CHECK(master.read(at::refusals(0)) == 1);
    CHECK(master.cycle() == 7 + Device::kWayCycles);
    CHECK(master.debug_read(at::second(1, 0)) == 0);
}

TEST_CASE("bus master: what the chip refuses is named") {
    Device device;
    BusMaster master(device);
    CHECK_THROWS_WITH_AS(
        master.write(at::identity, 1),
        "the chip refuses a write of 1 words at 0x0, at 0x0 (host.identity): command error (cycle 1)",
        RunError);
    CHECK_THROWS_WITH_AS(
        master.read(at::command),
        "the chip refuses a read of 1 words at 0x4, at 0x4 (host.command): command error (cycle 2)",
        RunError);
    CHECK_THROWS_WITH_AS(
        master.write(at::label, 10),
        "the chip refuses a write of 1 words at 0x10, at 0x10 (host.label): refused (cycle 3)", RunError);
    CHECK_THROWS_WITH_AS(master.read(0x9000),
                         "the chip refuses a read of 1 words at 0x9000, at 0x9000: address error (cycle 4)",
                         RunError);
    CHECK_THROWS_WITH_AS(master.read(0x102),
                         "the chip refuses a read of 1 words at 0x102, at 0x102: burst error (cycle 4)",
                         RunError);
    // Words before the refused one have been done.
    CHECK_THROWS_WITH_AS(master.write(at::targets + 4, Words{bits(1.0F), bits(2.0F), bits(3.0F), bits(4.0F)}),
                         "the chip refuses a write of 4 words at 0x104, at 0x110: address error (cycle 8)",
                         RunError);
    CHECK(master.debug_read(at::targets + 12) == bits(3.0F));
    CHECK_THROWS_WITH_AS(
        master.write(at::push, Words{1, 2, 3, 4, 5}),
        "the chip refuses a write of 5 words at 0x20, at 0x20 (host.push): refused (cycle 13)", RunError);
    CHECK(master.read(at::level) == 4);
    CHECK_THROWS_WITH_AS(master.debug_read(at::push),
                         "the chip refuses a debug read of 0x20 (host.push): command error", RunError);
    CHECK(master.try_write(0xFFFF'FFFC, Words{1}) == BusStatus::address_error);
    CHECK(device.errors == std::map<BusStatus, std::uint64_t>{{BusStatus::address_error, 3},
                                                              {BusStatus::command_error, 2},
                                                              {BusStatus::burst_error, 1},
                                                              {BusStatus::refused, 2}});
    CHECK_THROWS_WITH_AS(BusMaster(device, {.cycles_per_word = 0}),
                         "bus.cycles_per_word = 0: must be 1 to 1000000", InputError);
    CHECK_THROWS_WITH_AS(BusMaster(device, {.outstanding_reads = 0}),
                         "bus.outstanding_reads = 0: must be 1 to 1000000", InputError);
}

TEST_CASE("bus master: a read that is never answered ends, and leaves no ticket") {
    Device device;
    BusMaster master(device, {.outstanding_reads = 4});
    CHECK_THROWS_WITH_AS(
        master.read(at::cell(Device::kDeadBank, 1)),
        "the chip refuses a read of 1 words at 0x12110, at 0x12110 (bank[2].cell[1].first): it is idle and "
        "has not answered (cycle 1)",
        RunError);
    // While something else is under way, that is waited for first.
    master.write(at::duration, 50);
    master.write(at::command, 1);
    Words read(2);
    CHECK(master.try_read(at::cell(Device::kDeadBank, 1), read) == BusStatus::refused);
    CHECK(master.cycle() == 53);
    CHECK(device.open_tickets() == 0);
}

TEST_CASE("bus master: several chips in a process have times of their own") {
    Device first, second;
    BusMaster a(first), b(second);
    a.advance(1000);
    b.write(at::mode, 3);
    CHECK(a.cycle() == 1000);
    CHECK(b.cycle() == 1);
    CHECK(a.read(at::mode) == 0);
    CHECK(a.stats().waiting_cycles == 1000);
}

}  // namespace
}  // namespace memprop::hw::bus::test
