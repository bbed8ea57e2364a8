// A small model behind a bus: the registers of bus_registers.hpp, a FIFO, banks behind a network that take
// cycles to be read and written, a command that takes cycles and then interrupts.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "hw_models/bus/bus_target.hpp"
#include "hw_models/tests/bus_registers.hpp"

namespace memprop::hw::bus::test {

class Device : public BusTarget {
public:
    static constexpr std::uint32_t kIdentity = 0x1234'5678, kEmpty = 0xFFFF'FFFF;
    static constexpr std::size_t kFifoDepth = 4;
    static constexpr std::uint64_t kWayCycles = 5, kReadCycles = 12;  // to a bank, and back too
    static constexpr std::uint32_t kDeadBank = 2;                     // does not answer

    std::vector<std::string> log;  // what was done, with its cycle
    std::map<BusStatus, std::uint64_t> errors;
    std::uint64_t words = 0, bus_cycles = 0, visited_cycles = 0;
    bool logs_reads = true;

    BusStatus write(std::uint32_t address, std::uint32_t word) override {
        const std::optional<Resolved> at = resolve(kMap, address);
        if (!at) {
            return BusStatus::address_error;
        }
        if (at->table == &kCell) {  // posted; whether it is allowed is found out there
            in_flight_.push_back(
                {.due = cycle_ + kWayCycles, .address = address, .word = word, .write = true});
            ++posted_;
            return BusStatus::ok;
        }
        if (const BusStatus status = check_write(at->entry(), word, at->leaf().rest != 0);
            status != BusStatus::ok) {
            return status;
        }
        if (at->table == &kHost) {
            switch (at->leaf().row) {
                case kHost.row("command"):
                    return start(word);
                case kHost.row("status"):
                    status_ &= ~word;
                    return BusStatus::ok;
                case kHost.row("push"):
                    if (fifo_.size() == kFifoDepth) {
                        return BusStatus::refused;
                    }
                    fifo_.push_back(word);
                    return BusStatus::ok;
                default:
                    break;
            }
        }
        values_[address] = word;
        note("write", address, word);
        return BusStatus::ok;
    }

    ReadResult read(std::uint32_t address) override {
        const std::optional<Resolved> at = resolve(kMap, address);
        if (!at) {
            return {.status = BusStatus::address_error};
        }
        if (const BusStatus status = check_read(at->entry()); status != BusStatus::ok) {
            return {.status = status};
        }
        if (at->table == &kCell) {
            const std::uint32_t ticket = next_ticket_++;
            answers_[ticket] = std::nullopt;
            if (at->path[0].element != kDeadBank) {
                in_flight_.push_back({.due = cycle_ + kWayCycles, .address = address, .ticket = ticket});
            }
            return {.pending = true, .ticket = ticket};
        }
        ReadResult result;
        debug_read(address, result.word);
        if (at->table == &kHost && at->leaf().row == kHost.row("pop") && !fifo_.empty()) {
            fifo_.erase(fifo_.begin());
        }
        if (logs_reads) {
            note("read", address, result.word);
        }
        return result;
    }

    std::optional<std::uint32_t> answer(std::uint32_t ticket) override {
        const auto at = answers_.find(ticket);
        if (at == answers_.end() || !at->second) {
            return std::nullopt;
        }
        const std::optional<std::uint32_t> word = at->second;
        answers_.erase(at);
        return word;
    }
    void forget(std::uint32_t ticket) override { answers_.erase(ticket); }
    std::size_t open_tickets() const { return answers_.size(); }

    BusStatus debug_read(std::uint32_t address, std::uint32_t& word) const override {
        const std::optional<Resolved> at = resolve(kMap, address);
        if (!at) {
            return BusStatus::address_error;
        }
        if (const BusStatus status = check_read(at->entry()); status != BusStatus::ok) {
            return status;
        }
        const auto value = values_.find(address);
        word = value != values_.end() ? value->second : 0;
        if (at->table == &kHost) {
            switch (at->leaf().row) {
                case kHost.row("identity"):
                    word = kIdentity;
                    break;
                case kHost.row("status"):
                    word = status_;
                    break;
                case kHost.row("pop"):
                    word = fifo_.empty() ? kEmpty : fifo_.front();
                    break;
                case kHost.row("level"):
                    word = static_cast<std::uint32_t>(fifo_.size());
                    break;
                case kHost.row("transfers"):
                    word = static_cast<std::uint32_t>(words >> (8 * at->leaf().rest));
                    break;
                default:
                    break;
            }
        } else if (at->table == &kBank) {
            word = refusals_;
        }
        return BusStatus::ok;
    }
    BusStatus debug_write(std::uint32_t address, std::uint32_t word) override {
        const std::optional<Resolved> at = resolve(kMap, address);
        if (!at || at->table != &kCell) {
            return at ? BusStatus::refused : BusStatus::address_error;
        }
        const BusStatus status = check_write(at->entry(), word);
        if (status == BusStatus::ok) {
            values_[address] = word;
        }
        return status;
    }

    bool keeps_address(std::uint32_t address) const override {
        const std::optional<Resolved> at = resolve(kMap, address);
        return at && at->entry().fifo;
    }
    Timing timing(std::uint32_t address, bool write) const override {
        const std::optional<Resolved> at = resolve(kMap, address);
        const Timing timing = at ? at->entry().timing : Timing::in_time;
        return timing == Timing::ahead && (busy() || !write) ? Timing::in_time : timing;
    }
    std::uint64_t posted_writes() const override { return posted_; }
    std::string name_of(std::uint32_t address) const override { return bus::name_of(kMap, address); }

    void count_transfer(std::uint64_t transferred, std::uint64_t cycles) override {
        words += transferred;
        bus_cycles += cycles;
    }
    void count_error(BusStatus status) override {
        ++errors[status];
        status_ |= 2;
    }

    std::uint64_t cycle() const override { return cycle_; }
    std::uint64_t next_cycle() const override {
        std::uint64_t next = done_cycle_;
        for (const InFlight& flight : in_flight_) {
            next = std::min(next, flight.due);
        }
        return next;
    }
    void advance_to(std::uint64_t cycle) override {
        if (cycle < cycle_) {
            throw std::logic_error("time goes back");
        }
        for (std::uint64_t next = next_cycle(); next <= cycle; next = next_cycle()) {
            cycle_ = next;
            ++visited_cycles;
            work();
        }
        cycle_ = cycle;
    }
    bool interrupt() const override { return (status_ & 1) != 0; }

private:
    struct InFlight {
        std::uint64_t due = 0;
        std::uint32_t address = 0, word = 0, ticket = 0;
        bool write = false, returns = false;
    };

    bool busy() const { return done_cycle_ != kNever; }

    BusStatus start(std::uint32_t command) {
        if (busy()) {
            return BusStatus::refused;
        }
        if (command == kCommands[1].value) {
            fifo_.clear();
        }
        const std::uint32_t duration = values_[locate(kMap, "host.duration")()];
        done_cycle_ = cycle_ + (command == kCommands[0].value ? duration : 0);
        note("start", command, duration);
        return BusStatus::ok;
    }

    void work() {
        if (done_cycle_ <= cycle_) {
            done_cycle_ = kNever;
            status_ |= 1;
            note("done", 0, 0);
        }
        std::vector<InFlight> arrived;
        std::erase_if(in_flight_, [&](const InFlight& flight) {
            if (flight.due <= cycle_) {
                arrived.push_back(flight);
            }
            return flight.due <= cycle_;
        });
        for (InFlight& flight : arrived) {
            if (flight.write) {
                --posted_;
                const bool allowed =
                    check_write(resolve(kMap, flight.address)->entry(), flight.word) == BusStatus::ok;
                if (allowed) {
                    values_[flight.address] = flight.word;
                }
                refusals_ += allowed ? 0 : 1;
                note(allowed ? "cell" : "refused cell", flight.address, flight.word);
            } else if (!flight.returns) {
                flight.returns = true;
                flight.due = cycle_ + kReadCycles - kWayCycles;
                flight.word = values_[flight.address];
                in_flight_.push_back(flight);
            } else if (const auto at = answers_.find(flight.ticket); at != answers_.end()) {
                at->second = flight.word;
            }
        }
    }

    void note(const char* what, std::uint32_t address, std::uint32_t word) {
        log.push_back(fmt::format("{} {} {} {}", cycle_, what, address, word));
    }

    std::uint64_t cycle_ = 0, done_cycle_ = kNever, posted_ = 0;
    std::uint32_t status_ = 0, refusals_ = 0, next_ticket_ = 100;
    std::vector<std::uint32_t> fifo_;
    std::vector<InFlight> in_flight_;
    std::map<std::uint32_t, std::uint32_t> values_{{locate(kMap, "host.duration")(), 1}};
    std::map<std::uint32_t, std::optional<std::uint32_t>> answers_;
};

namespace at {
inline constexpr std::uint32_t identity = locate(kMap, "host.identity")(),
                               command = locate(kMap, "host.command")(),
                               status = locate(kMap, "host.status")(),
                               duration = locate(kMap, "host.duration")(),
                               label = locate(kMap, "host.label")(), mode = locate(kMap, "host.mode")(),
                               push = locate(kMap, "host.push")(), pop = locate(kMap, "host.pop")(),
                               level = locate(kMap, "host.level")(),
                               transfers = locate(kMap, "host.transfers")(),
                               targets = locate(kMap, "host.target")(0);
inline constexpr Place refusals = locate(kMap, "bank.refusals"), cell = locate(kMap, "bank.cell.first"),
                       second = locate(kMap, "bank.cell.second");
}  // namespace at

}  // namespace memprop::hw::bus::test
