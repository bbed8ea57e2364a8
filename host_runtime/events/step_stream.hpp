// Events step by step, in order, with bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "host_runtime/events/event_reader.hpp"

namespace memprop::host::events {

/// Recordings may be out of order by up to kWindow events; more is an InputError.
class StepStream {
public:
    static constexpr std::size_t kWindow = 1 << 18;

    /// drop_incomplete: the bin of the last event, which the recording does not fill, is left out.
    /// window: events that are held back to be put in order; 0 for a source that is in order, whose events
    /// are then passed on as they come.
    StepStream(std::unique_ptr<EventReader> reader, double dt_seconds, bool drop_incomplete,
               std::size_t window = kWindow);

    /// Whether an event is left; next_step() is then its step.
    bool more() { return position_ < buffer_.size() || refill(); }
    std::int64_t next_step() const { return buffer_[position_].time; }

    /// Replaces `indices` by the inputs of all events of this step; earlier steps must have been taken.
    /// False if this is an incomplete last bin that is to be dropped.
    bool take(std::int64_t step, std::vector<std::uint32_t>& indices);

    std::uint64_t events_delivered() const { return delivered_; }
    std::uint64_t dropped() const { return dropped_ + reader_->skipped(); }
    std::uint64_t late() const { return reader_->late(); }

private:
    bool refill();

    std::unique_ptr<EventReader> reader_;
    double dt_seconds_;
    bool drop_incomplete_;
    std::size_t window_;
    std::vector<TimedEvent> buffer_;  // in order; times are steps
    std::vector<TimedEvent> later_;   // read already, not yet known to be next; times as read
    std::size_t position_ = 0;
    bool ended_ = false, started_ = false;
    std::int64_t first_time_ = 0, last_time_ = 0;  // as read
    std::uint64_t delivered_ = 0, dropped_ = 0;
};

}  // namespace memprop::host::events
