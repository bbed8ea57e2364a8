// The same host program on a plain master and over TLM: the same answers in the same cycles.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <array>
#include <bit>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "crossbar/base/random.hpp"
#include "hw_models/bus/bus_master.hpp"
#include "hw_models/tests/bus_bench.hpp"

namespace memprop::hw::bus::test {
namespace {

using sc_core::sc_time;
using Words = std::vector<std::uint32_t>;

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

// A host program of random accesses, for any bus.
struct Bus {
    std::function<BusStatus(std::uint32_t, Words&, bool write)> transfer;
    std::function<void()> wait_for_interrupt;
    std::function<void(std::uint64_t)> compute;  // cycles
    std::function<std::uint64_t()> cycle;
};

struct Outcome {
    std::vector<std::string> steps;
    std::uint64_t cycles = 0;
    bool operator==(const Outcome&) const = default;
};

Outcome program(std::uint32_t seed, const Bus& bus) {
    Outcome outcome;
    for (std::uint32_t i = 0; i < 300; ++i) {
        const auto draw = [&](std::uint32_t which, std::uint32_t below) {
            return static_cast<std::uint32_t>(random_uniform(DrawKey{.seed = seed, .event = i}, which) *
                                              static_cast<float>(below));
        };
        const std::uint32_t what = draw(0, 10);
        if (what == 0) {
            bus.compute(draw(1, 40));
            continue;
        }
        if (what == 1) {  // a command and its end
            Words words{1 + draw(1, 60)}, start{1 + draw(2, 2)}, acknowledge{3};
            bus.transfer(at::duration, words, true);
            const BusStatus begun = bus.transfer(at::command, start, true);
            if (begun == BusStatus::ok) {
                for (std::uint32_t k = draw(3, 5); k > 0; --k) {
                    Words while_busy(1, k);
                    bus.transfer(k % 2 == 0 ? at::level : at::duration, while_busy, k % 2 != 0);
                }
                bus.wait_for_interrupt();
                bus.transfer(at::status, acknowledge, true);
            }
            outcome.steps.push_back(fmt::format("interrupt {}", bus.cycle()));
            continue;
        }
        const std::array<std::uint32_t, 12> places{at::identity,
                                                   at::duration,
                                                   at::label,
                                                   at::mode,
                                                   at::push,
                                                   at::pop,
                                                   at::level,
                                                   at::targets,
                                                   at::refusals(draw(1, 2)),
                                                   0x50,
                                                   at::cell(draw(2, 2), draw(3, 8)),
                                                   at::second(draw(4, 2), draw(5, 8))};
        Words words(1 + draw(6, 4));
        for (std::uint32_t k = 0; k < words.size(); ++k) {
            words[k] = draw(10 + k, 2) == 0 ? draw(20 + k, 12) : bits(static_cast<float>(draw(30 + k, 3)));
        }
        const std::uint32_t address = places[draw(7, static_cast<std::uint32_t>(places.size()))];
        const bool write = draw(8, 2) == 0;
        const BusStatus status = bus.transfer(address, words, write);
        outcome.steps.push_back(fmt::format("{} {} {}: {}", write ? "write" : "read", address, text(status),
                                            fmt::join(words, " ")));
    }
    outcome.cycles = bus.cycle();
    return outcome;
}

Bus plain_bus(BusMaster& master) {
    return {.transfer =
                [&](std::uint32_t address, Words& words, bool write) {
                    return write ? master.try_write(address, words) : master.try_read(address, words);
                },
            .wait_for_interrupt = [&] { master.wait_for_interrupt(); },
            .compute = [&](std::uint64_t cycles) { master.advance(cycles); },
            .cycle = [&] { return master.cycle(); }};
}

BusStatus status_of(tlm::tlm_response_status response) {
    switch (response) {
        case tlm::TLM_OK_RESPONSE:
            return BusStatus::ok;
        case tlm::TLM_ADDRESS_ERROR_RESPONSE:
            return BusStatus::address_error;
        case tlm::TLM_COMMAND_ERROR_RESPONSE:
            return BusStatus::command_error;
        case tlm::TLM_BURST_ERROR_RESPONSE:
            return BusStatus::burst_error;
        default:
            return BusStatus::refused;
    }
}

/// The host keeps its delay for itself until it needs the interrupt, or waits for it after each access.
Bus tlm_bus(Bench& bench, sc_time& ahead, bool decoupled) {
    const auto pass = [&ahead, decoupled](const sc_time& time) {
        ahead += time;
        if (!decoupled) {
            sc_core::wait(std::exchange(ahead, sc_core::SC_ZERO_TIME));
        }
    };
    return {
        .transfer =
            [&bench, &ahead, pass](std::uint32_t address, Words& words, bool write) {
                const auto response =
                    bench.initiator.transfer(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address,
                                             words.data(), static_cast<unsigned>(words.size()), ahead);
                pass(sc_core::SC_ZERO_TIME);
                return status_of(response);
            },
        .wait_for_interrupt =
            [&bench, &ahead] {
                sc_core::wait(std::exchange(ahead, sc_core::SC_ZERO_TIME));
                while (!bench.target.interrupt_level()) {
                    sc_core::wait(bench.target.interrupt_event());
                }
            },
        .compute = [pass](std::uint64_t cycles) { pass(static_cast<double>(cycles) * Bench::kPeriod); },
        .cycle = [&ahead] { return (sc_core::sc_time_stamp() + ahead).value() / Bench::kPeriod.value(); }};
}

/// What the device did, without the writes that may come ahead: those have no cycle of their own.
std::vector<std::string> log_in_time(const Device& device) {
    std::vector<std::string> log;
    for (const std::string& entry : device.log) {
        const auto is_write_to = [&](std::uint32_t address) {
            return entry.find(fmt::format(" write {} ", address)) != std::string::npos;
        };
        bool ahead = is_write_to(at::duration) || is_write_to(at::label);
        for (std::uint32_t k = 0; k < 4; ++k) {
            ahead = ahead || is_write_to(at::targets + 4 * k);
        }
        if (!ahead) {
            log.push_back(entry);
        }
    }
    return log;
}

void compare(const BusParams& params, bool decoupled, bool runs_ahead) {
    constexpr std::uint32_t kSeeds = 8;
    Device device;
    BusMaster master(device, params);
    std::vector<Outcome> plain, tlm;
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
        plain.push_back(program(seed, plain_bus(master)));
    }
    Bench bench(params);
    if (runs_ahead) {
        bench.target.allow_run_ahead();
    }
    REQUIRE(bench.run([&] {
        sc_time ahead;
        for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
            tlm.push_back(program(seed, tlm_bus(bench, ahead, decoupled)));
        }
        sc_core::wait(ahead);
    }));
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
        CAPTURE(seed);
        CHECK(plain[seed].steps == tlm[seed].steps);
        CHECK(plain[seed].cycles == tlm[seed].cycles);
    }
    CHECK(log_in_time(device) == log_in_time(bench.device));
    CHECK(device.errors == bench.device.errors);
    CHECK(device.errors.size() == 3);
    CHECK(device.words == bench.device.words);
    CHECK(device.bus_cycles == bench.device.bus_cycles);
    CHECK(bench.target.activations() <= bench.device.visited_cycles + 2 * bench.device.words);
}

TEST_CASE("bus programs: random programs take the cycles they take with a plain master") {
    compare({}, false, false);
}

TEST_CASE("bus programs: so they do with a decoupled host and a target that runs ahead") {
    compare({.cycles_per_word = 3}, true, true);
}

TEST_CASE("bus programs: and with several reads under way") {
    compare({.cycles_per_word = 2, .outstanding_reads = 3}, false, true);
}

/// Two threads of one initiator; what each got and when, in cycles from `start`.
void two_hosts(Bench& bench, std::uint64_t start, std::vector<std::string>& got) {
    for (std::uint32_t host = 0; host < 2; ++host) {
        bench.thread([&bench, &got, start, host] {
            const auto now = [&] { return bench.target.cycle() - start; };
            sc_core::wait(static_cast<double>(start) * Bench::kPeriod);
            for (std::uint32_t i = 0; i < 200; ++i) {
                const auto draw = [&](std::uint32_t which, std::uint32_t below) {
                    return static_cast<std::uint32_t>(
                        random_uniform(DrawKey{.seed = host, .event = i}, which) * static_cast<float>(below));
                };
                switch (draw(0, 4)) {
                    case 0:
                        sc_core::wait(draw(1, 90) * Bench::ns(7));  // off the edges of the clock
                        break;
                    case 1:
                        bench.initiator.write(at::duration, {1 + draw(1, 50)});
                        if (bench.initiator.write(at::command, {1}) == tlm::TLM_OK_RESPONSE) {
                            while (!bench.target.interrupt_level()) {
                                sc_core::wait(bench.target.interrupt_event());
                            }
                            got.push_back(fmt::format("{}: {} interrupt", host, now()));
                            bench.initiator.write(at::status, {3});
                        }
                        break;
                    case 2:
                        bench.initiator.write(at::cell(host, draw(1, 8)), {i});
                        break;
                    default:
                        const std::uint32_t word = bench.initiator.read(at::cell(draw(2, 2), draw(1, 8)));
                        got.push_back(fmt::format("{}: {} read {}", host, now(), word));
                }
            }
        });
    }
}

TEST_CASE("bus programs: two hosts find a target that runs ahead in the cycles of one that does not") {
    Bench in_step({.cycles_per_word = 2}, "in_step"), ahead({.cycles_per_word = 2}, "ahead");
    ahead.target.allow_run_ahead();
    constexpr std::uint64_t kStart = 1'000'000;  // when the first has long ended
    std::vector<std::string> got_in_step, got_ahead;
    two_hosts(in_step, 0, got_in_step);
    two_hosts(ahead, kStart, got_ahead);
    sc_core::sc_start();
    CHECK(got_in_step.size() > 100);
    CHECK(got_in_step == got_ahead);
    CHECK(in_step.device.log.size() == ahead.device.log.size());
    CHECK(in_step.device.visited_cycles == ahead.device.visited_cycles);
    CHECK(ahead.target.activations() < in_step.target.activations());
    CHECK(in_step.target.cycle() > kStart);
}

}  // namespace
}  // namespace memprop::hw::bus::test
