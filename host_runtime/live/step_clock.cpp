#include "host_runtime/live/step_clock.hpp"

#include <algorithm>
#include <cmath>

#include "host_runtime/events/event_reader.hpp"

namespace memprop::host::live {

void StepClock::restart(std::int64_t step) {
    first_step_ = last_step_ = step;
    timed_.reset();
    arrived_.reset();
    changed_at_.reset();
}

void StepClock::change_sender(std::int64_t step) {
    last_step_ = std::max(last_step_, step);
    arrived_.reset();
    changed_at_ = step;
}

std::int64_t StepClock::place(Base& base, std::int64_t time_us) {
    const double seconds = 1e-6 * static_cast<double>(time_us - base.time_us);
    const std::int64_t step = std::max(first_step_, base.step + events::step_of(seconds, dt_seconds_));
    last_step_ = std::max(last_step_, step);
    return step;
}

std::int64_t StepClock::step_of(const Word& word, Clock::time_point arrival) {
    if (!word.timed) {
        if (!arrived_) {
            first_arrival_ = arrival;
            arrived_ = {0, last_step_};
        }
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>(arrival - first_arrival_);
        return place(*arrived_, since.count());
    }
    if (changed_at_ && timed_) {
        const auto change =
            static_cast<std::int32_t>(word.time_us - static_cast<std::uint32_t>(last_time_us_));
        if (change < 0 || change > kLongestGapUs) {
            restart(*changed_at_);
        }
    }
    changed_at_.reset();
    if (!timed_) {
        last_time_us_ = word.time_us;
        timed_ = {last_time_us_, last_step_};
        return place(*timed_, last_time_us_);
    }
    const auto change = static_cast<std::int32_t>(word.time_us - static_cast<std::uint32_t>(last_time_us_));
    const std::int64_t time_us = last_time_us_ + change;
    if (change > kLongestGapUs || change < -kLongestGapUs) {
        ++gaps_;
        last_time_us_ = word.time_us;
        timed_ = {last_time_us_, last_step_ + 1};
        return place(*timed_, last_time_us_);
    }
    last_time_us_ = std::max(last_time_us_, time_us);  // a late word does not turn the clock back
    return place(*timed_, time_us);
}

std::optional<std::uint32_t> StepClock::time_of(std::int64_t step) const {
    if (!timed_) {
        return std::nullopt;
    }
    const double us = std::round(1e6 * dt_seconds_ * static_cast<double>(step - timed_->step));
    return static_cast<std::uint32_t>(timed_->time_us + static_cast<std::int64_t>(us));
}

}  // namespace memprop::host::live
