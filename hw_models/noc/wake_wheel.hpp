// Who has something to do in which of the next 63 cycles: a ring of bit sets. Putting somebody in and
// finding the next busy cycle are a few instructions; nobody is looked at in a cycle without work.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace memprop::hw::noc {

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

class WakeWheel {
public:
    static constexpr std::uint64_t kHorizonCycles = 63;

    explicit WakeWheel(std::uint32_t agents) : words_((agents + 63) / 64), bits_(64UL * words_) {}

    /// Wakes `agent` in `cycle`, which lies at most kHorizonCycles after the cycle of now.
    void add(std::uint32_t agent, std::uint64_t cycle) {
        bits_[(cycle & 63) * words_ + agent / 64] |= 1ULL << (agent & 63);
        busy_ |= 1ULL << (cycle & 63);
    }

    /// The first cycle >= now with somebody to wake; kNever if there is none.
    std::uint64_t next(std::uint64_t now) const {
        if (busy_ == 0) {
            return kNever;
        }
        const auto turned = std::rotr(busy_, static_cast<int>(now & 63));
        return now + static_cast<std::uint64_t>(std::countr_zero(turned));
    }

    /// Calls visit(agent) in ascending order for all who wake in `cycle` and takes them out. visit may
    /// add for later cycles.
    template <class Visit>
    void take(std::uint64_t cycle, Visit visit) {
        busy_ &= ~(1ULL << (cycle & 63));
        std::uint64_t* const first = bits_.data() + (cycle & 63) * words_;
        for (std::uint32_t word = 0; word < words_; ++word) {
            for (std::uint64_t set = std::exchange(first[word], 0); set != 0; set &= set - 1) {
                visit(word * 64 + static_cast<std::uint32_t>(std::countr_zero(set)));
            }
        }
    }

private:
    std::uint32_t words_;
    std::vector<std::uint64_t> bits_;  // [cycle mod 64][agent / 64]
    std::uint64_t busy_ = 0;           // bit per cycle mod 64
};

}  // namespace memprop::hw::noc
