// What a chip model offers to the master of its bus, in plain C++: words of 32 bits at byte addresses of 32
// bits, simulated time in cycles, an interrupt line. BusMaster (bus_master.hpp) drives it from plain C++,
// TlmTarget (tlm_target.hpp) from a SystemC platform; both with the same cycles.
//
// Time. The model stands at the end of the cycle cycle(): what was due in it is done, and an access that
// comes now counts as made in it, after that work. An access may make new work for the same cycle; then
// next_cycle() is cycle() and advance_to(cycle()) does it. Masters never go back.
//
// Posted writes. A write may be taken (BusStatus::ok) and done later, on its way through the network.
// Accesses whose timing is after_posted wait until none is under way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memprop::hw::bus {

/// Of cycles: not before something comes from outside.
inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

enum class BusStatus : std::uint8_t {
    ok,
    address_error,      ///< no such word
    command_error,      ///< a read of a W word or a write to an R word
    burst_error,        ///< address or length not in whole words, or a form of burst that is not honoured
    byte_enable_error,  ///< part of the bytes
    refused,            ///< a value that is not allowed, a command out of turn, a full FIFO, no answer
};

/// "address error"
std::string_view text(BusStatus status);

/// When an access may take place, for a master that runs ahead of simulated time.
enum class Timing : std::uint8_t {
    ahead,         ///< a write that nothing sees before the next access that is not ahead: done at once
    in_time,       ///< in its own cycle
    after_posted,  ///< in its own cycle and not before all posted writes have been done
};

struct ReadResult {
    BusStatus status = BusStatus::ok;
    bool pending = false;      ///< the word comes later, by answer(ticket)
    std::uint32_t word = 0;    ///< if ok and not pending
    std::uint32_t ticket = 0;  ///< if pending
};

class BusTarget {
public:
    virtual ~BusTarget() = default;

    // Accesses in cycle(), one word each. A refused one has changed nothing but counters of its own.
    virtual BusStatus write(std::uint32_t address, std::uint32_t word) = 0;
    /// A word at hand is answered at once, one that has to be fetched over the network later.
    virtual ReadResult read(std::uint32_t address) = 0;
    /// The word of a pending read, once it has come; that ends the ticket.
    virtual std::optional<std::uint32_t> answer(std::uint32_t ticket) = 0;
    /// Nobody waits for this answer any more: it is dropped, now or when it comes.
    virtual void forget(std::uint32_t ticket) = 0;

    // Without time and side effects: FIFOs are not emptied, nothing is counted.
    virtual BusStatus debug_read(std::uint32_t address, std::uint32_t& word) const = 0;
    /// `refused` where a word cannot be changed so.
    virtual BusStatus debug_write(std::uint32_t address, std::uint32_t word) = 0;

    /// True of FIFOs: all words of a burst that begins here go to this address.
    virtual bool keeps_address(std::uint32_t address) const = 0;
    /// At present; `ahead` only of writes, and not while a command is under way that they could disturb.
    virtual Timing timing(std::uint32_t address, bool write) const = 0;
    virtual std::uint64_t posted_writes() const = 0;
    /// For messages: "core[3].spike_tree"; empty if there is no such word.
    virtual std::string name_of(std::uint32_t address) const = 0;
    /// For messages about a model that has stopped: who waits for whom, a line each; may be empty.
    virtual std::string who_waits() const { return {}; }

    // Counters. Masters call them once a transaction: with its words and bus cycles before its first word
    // (not if the form of the burst is wrong), with its status after its last if that is not ok.
    virtual void count_transfer(std::uint64_t words, std::uint64_t cycles) = 0;
    virtual void count_error(BusStatus status) = 0;

    // Time.
    virtual std::uint64_t cycle() const = 0;
    /// The first cycle, from cycle() on, in which there is something to do; kNever when idle.
    virtual std::uint64_t next_cycle() const = 0;
    /// Does all work up to and including `cycle`, which is not before cycle() and becomes cycle().
    virtual void advance_to(std::uint64_t cycle) = 0;

    /// The level of the interrupt line.
    virtual bool interrupt() const = 0;
};

}  // namespace memprop::hw::bus
