// One burst of words at a BusTarget: what both masters do with it, so that their cycles are the same.
//
// Timing. A burst is on the bus for cycles_per_word cycles a word; then its words are done in order, in the
// same cycle as far as they can be. Reads that are answered later wait, at most outstanding_reads at a time,
// and so do accesses that must come after all posted writes. The burst ends in the cycle of its last answer,
// or with the first word that is not ok; those before it have been done.
#pragma once

#include <cstdint>
#include <vector>

#include "hw_models/bus/bus_target.hpp"

namespace memprop::hw::bus {

struct BusParams {
    std::uint32_t cycles_per_word = 1;
    std::uint32_t outstanding_reads = 1;

    /// Throws InputError; `where` stands before the names of the fields.
    void validate(std::string_view where) const;
};

struct Burst {
    bool write = false;
    std::uint32_t address = 0;
    std::uint64_t words = 0;
    /// Words after which the address begins anew; FIFOs keep theirs anyway.
    std::uint64_t wrap_words = 0;
    const unsigned char* source = nullptr;  ///< of a write: words of the machine, aligned or not
    unsigned char* sink = nullptr;          ///< of a read
};

/// Whether so many bytes at an address are whole words (burst_error) and begin within 32 bits
/// (address_error).
BusStatus check_burst(std::uint64_t address, std::uint64_t bytes);

class Transfer {
public:
    Transfer(BusTarget& target, const BusParams& params, const Burst& burst);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    /// Forgets the answers that have not come.
    ~Transfer();

    /// True if all its words may be done ahead of time.
    bool may_run_ahead() const;
    /// Does in the target's cycle what can be done. True if the burst has ended.
    bool go_on();
    /// Ends a burst whose target is idle, so that nothing will ever go on: `refused`.
    void give_up();

    bool ended() const { return ended_; }
    BusStatus status() const { return status_; }
    /// Of the word that was not ok; what lies behind the last address has that of 32 bits that follows.
    std::uint32_t failed_address() const { return static_cast<std::uint32_t>(address_of(failed_word_)); }
    bool gave_up() const { return gave_up_; }

private:
    struct Pending {
        std::uint32_t ticket = 0;
        std::uint64_t index = 0;  // of the word
    };

    std::uint64_t address_of(std::uint64_t index) const;
    void collect();
    bool must_wait(std::uint32_t address) const;
    void begin_word(std::uint64_t index, std::uint32_t address);

    BusTarget& target_;
    const Burst burst_;
    const std::uint32_t outstanding_reads_;
    const bool keeps_address_;
    std::vector<Pending> pending_;
    std::uint64_t next_ = 0, failed_word_ = 0;
    BusStatus status_ = BusStatus::ok;
    bool ended_ = false, gave_up_ = false;
};

}  // namespace memprop::hw::bus
