// From the times of live events to steps. Words with a time are placed by it: differences of the sender's
// 32-bit microsecond clock count, whose wraps are followed; words without one are placed by their arrival.
// A gap of more than kLongestGap, forwards or backwards, is taken for a new start of the sender's clock: the
// word then belongs to the next step. Several senders share a clock if their port makes one peer of them.
#pragma once

#include <cstdint>
#include <optional>

#include "host_runtime/live/port.hpp"

namespace memprop::host::live {

class StepClock {
public:
    static constexpr std::int64_t kLongestGapUs = 60'000'000;

    explicit StepClock(double dt_seconds) : dt_seconds_(dt_seconds) {}

    /// A new sender: its first event will belong to `step`.
    void restart(std::int64_t step);

    /// A new sender that may use the clock of the one before: if its first time is not earlier (or a gap
    /// later) than the last one it does; else its first event will belong to `step`.
    void change_sender(std::int64_t step);

    /// The step of a word; never earlier than that of `restart`, but maybe than that of an earlier word.
    std::int64_t step_of(const Word& word, Clock::time_point arrival);

    /// The sender's time of a step, for answers; nothing before its first timed word.
    std::optional<std::uint32_t> time_of(std::int64_t step) const;

    std::uint64_t gaps() const { return gaps_; }

private:
    struct Base {
        std::int64_t time_us = 0, step = 0;  // that time is the beginning of that step
    };
    std::int64_t place(Base& base, std::int64_t time_us);

    double dt_seconds_;
    std::int64_t first_step_ = 0, last_step_ = 0;
    std::optional<std::int64_t> changed_at_;  // step at which a sender came whose first time is still to come
    std::optional<Base> timed_, arrived_;
    std::int64_t last_time_us_ = 0;
    Clock::time_point first_arrival_{};
    std::uint64_t gaps_ = 0;
};

}  // namespace memprop::host::live
