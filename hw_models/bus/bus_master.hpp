// A host in plain C++ at the bus of one chip: reads, writes and waits that advance the chip's time
// themselves, without the SystemC kernel. Each chip of a process has a master of its own; their times are
// independent.
//
// The host itself takes no time; what a processor would compute between two accesses is advance(cycles).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hw_models/bus/bus_target.hpp"
#include "hw_models/bus/transfer.hpp"

namespace memprop::hw::bus {

struct MasterStats {
    std::uint64_t words = 0;           ///< over the bus
    std::uint64_t bus_cycles = 0;      ///< in which they were on it
    std::uint64_t answer_cycles = 0;   ///< from there to the end of the bursts: answers, posted writes
    std::uint64_t waiting_cycles = 0;  ///< in wait_for_interrupt(), wait_for_posted_writes(), advance()
};

class BusMaster {
public:
    /// Throws InputError for parameters out of their range. The target outlives the master.
    explicit BusMaster(BusTarget& target, const BusParams& params = {});

    // Bursts. Throw RunError with address, register and status if the chip does not take all of it; words
    // before the refused one have been done. No words: nothing happens.
    void write(std::uint32_t address, std::span<const std::uint32_t> words);
    void write(std::uint32_t address, std::uint32_t word) { write(address, std::span(&word, 1)); }
    void read(std::uint32_t address, std::span<std::uint32_t> words);
    std::uint32_t read(std::uint32_t address) {
        std::uint32_t word = 0;
        read(address, std::span(&word, 1));
        return word;
    }
    /// The same with the chip's answer instead of an error.
    BusStatus try_write(std::uint32_t address, std::span<const std::uint32_t> words);
    BusStatus try_read(std::uint32_t address, std::span<std::uint32_t> words);

    /// Without time. RunError as above.
    std::uint32_t debug_read(std::uint32_t address) const;

    /// Until the interrupt line is high, in the first such cycle. RunError if it is not after most_cycles, or
    /// never will be as the chip is idle; then with BusTarget::who_waits().
    void wait_for_interrupt(std::uint64_t most_cycles = kNever);
    /// Until all posted writes have been done; RunError if that never comes.
    void wait_for_posted_writes();
    void advance(std::uint64_t cycles);

    std::uint64_t cycle() const { return target_.cycle(); }
    const MasterStats& stats() const { return stats_; }
    BusTarget& target() { return target_; }

private:
    BusStatus transfer(const Burst& burst, std::uint32_t& failed_address, bool& gave_up);
    void transfer_all(const Burst& burst);
    template <class Done>
    void wait_until(Done done, std::uint64_t most_cycles, std::string_view what);

    BusTarget& target_;
    const BusParams params_;
    MasterStats stats_;
};

}  // namespace memprop::hw::bus
