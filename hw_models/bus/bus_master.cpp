#include "hw_models/bus/bus_master.hpp"

#include <fmt/format.h>

#include <string>

#include "crossbar/base/error.hpp"

namespace memprop::hw::bus {
namespace {

Burst write_of(std::uint32_t address, std::span<const std::uint32_t> words) {
    return {.write = true,
            .address = address,
            .words = words.size(),
            .source = reinterpret_cast<const unsigned char*>(words.data())};
}

Burst read_to(std::uint32_t address, std::span<std::uint32_t> words) {
    return {
        .address = address, .words = words.size(), .sink = reinterpret_cast<unsigned char*>(words.data())};
}

std::string register_text(const BusTarget& target, std::uint32_t address) {
    const std::string name = target.name_of(address);
    return name.empty() ? fmt::format("{:#x}", address) : fmt::format("{:#x} ({})", address, name);
}

}  // namespace

BusMaster::BusMaster(BusTarget& target, const BusParams& params) : target_(target), params_(params) {
    params_.validate("bus");
}

BusStatus BusMaster::transfer(const Burst& burst, std::uint32_t& failed_address, bool& gave_up) {
    failed_address = burst.address;
    gave_up = false;
    if (burst.words == 0) {
        return BusStatus::ok;
    }
    if (const BusStatus form = check_burst(burst.address, 4 * burst.words); form != BusStatus::ok) {
        target_.count_error(form);
        return form;
    }
    const std::uint64_t cycles = burst.words * params_.cycles_per_word;
    stats_.words += burst.words;
    stats_.bus_cycles += cycles;
    target_.count_transfer(burst.words, cycles);
    target_.advance_to(target_.cycle() + cycles);
    const std::uint64_t from = target_.cycle();
    Transfer transfer(target_, params_, burst);
    while (!transfer.go_on()) {
        const std::uint64_t next = target_.next_cycle();
        if (next == kNever) {
            transfer.give_up();
        } else {
            target_.advance_to(next);
        }
    }
    stats_.answer_cycles += target_.cycle() - from;
    if (transfer.status() != BusStatus::ok) {
        failed_address = transfer.failed_address();
        gave_up = transfer.gave_up();
        target_.count_error(transfer.status());
    }
    return transfer.status();
}

void BusMaster::transfer_all(const Burst& burst) {
    std::uint32_t failed_address = 0;
    bool gave_up = false;
    const BusStatus status = transfer(burst, failed_address, gave_up);
    if (status == BusStatus::ok) {
        return;
    }
    throw RunError(fmt::format(
        "the chip refuses {} of {} words at {:#x}, at {}: {} (cycle {})", burst.write ? "a write" : "a read",
        burst.words, burst.address, register_text(target_, failed_address),
        gave_up ? std::string_view("it is idle and has not answered") : text(status), target_.cycle()));
}

void BusMaster::write(std::uint32_t address, std::span<const std::uint32_t> words) {
    transfer_all(write_of(address, words));
}

void BusMaster::read(std::uint32_t address, std::span<std::uint32_t> words) {
    transfer_all(read_to(address, words));
}

BusStatus BusMaster::try_write(std::uint32_t address, std::span<const std::uint32_t> words) {
    std::uint32_t failed_address = 0;
    bool gave_up = false;
    return transfer(write_of(address, words), failed_address, gave_up);
}

BusStatus BusMaster::try_read(std::uint32_t address, std::span<std::uint32_t> words) {
    std::uint32_t failed_address = 0;
    bool gave_up = false;
    return transfer(read_to(address, words), failed_address, gave_up);
}

std::uint32_t BusMaster::debug_read(std::uint32_t address) const {
    std::uint32_t word = 0;
    if (const BusStatus status = target_.debug_read(address, word); status != BusStatus::ok) {
        throw RunError(fmt::format("the chip refuses a debug read of {}: {}", register_text(target_, address),
                                   text(status)));
    }
    return word;
}

template <class Done>
void BusMaster::wait_until(Done done, std::uint64_t most_cycles, std::string_view what) {
    const std::uint64_t from = target_.cycle();
    const std::uint64_t last = most_cycles < kNever - from ? from + most_cycles : kNever;
    while (!done()) {
        const std::uint64_t next = target_.next_cycle();
        if (next == kNever) {
            const std::string waits = target_.who_waits();
            throw RunError(fmt::format("the chip is idle at cycle {} and {} will not come{}{}",
                                       target_.cycle(), what, waits.empty() ? "" : ":\n", waits));
        }
        if (next > last) {
            throw RunError(
                fmt::format("{} has not come within {} cycles from cycle {}", what, most_cycles, from));
        }
        target_.advance_to(next);
    }
    stats_.waiting_cycles += target_.cycle() - from;
}

void BusMaster::wait_for_interrupt(std::uint64_t most_cycles) {
    wait_until([&] { return target_.interrupt(); }, most_cycles, "its interrupt");
}

void BusMaster::wait_for_posted_writes() {
    wait_until([&] { return target_.posted_writes() == 0; }, kNever, "the end of the posted writes");
}

void BusMaster::advance(std::uint64_t cycles) {
    target_.advance_to(target_.cycle() + cycles);
    stats_.waiting_cycles += cycles;
}

}  // namespace memprop::hw::bus
