#include "host_runtime/events/step_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::host::events {
namespace {

constexpr std::size_t kMostInStep = std::size_t{1} << 27;  // a device that gives zeros never leaves its step

}  // namespace

StepStream::StepStream(std::unique_ptr<EventReader> reader, double dt_seconds, bool drop_incomplete,
                       std::size_t window)
    : reader_(std::move(reader)),
      dt_seconds_(dt_seconds),
      drop_incomplete_(drop_incomplete),
      window_(window) {
    if (drop_incomplete_ && !reader_->has_times()) {
        throw InputError("--drop-incomplete: events given by step number fill no bins; it needs times");
    }
}

/// Reads until two windows are at hand, sorts them and releases the first: nothing that comes later can
/// belong before it unless it is out of order by more than a window.
bool StepStream::refill() {
    buffer_.clear();
    position_ = 0;
    while (!ended_ && (later_.empty() || later_.size() < 2 * window_)) {
        const std::size_t old = later_.size();
        later_.resize(old + kWindow / 4);
        const std::size_t count = reader_->read(std::span(later_).subspan(old));
        later_.resize(old + count);
        ended_ = count == 0;
    }
    if (later_.empty()) {
        return false;
    }
    const auto earlier = [](const TimedEvent& a, const TimedEvent& b) { return a.time < b.time; };
    if (!std::is_sorted(later_.begin(), later_.end(), earlier)) {
        std::stable_sort(later_.begin(), later_.end(), earlier);
    }
    if (!started_) {
        started_ = true;
        first_time_ = last_time_ = later_.front().time;
    }
    if (later_.front().time < last_time_) {
        throw InputError(fmt::format("the recording is out of order by more than {} events", window_));
    }
    const std::size_t released = ended_ ? later_.size() : later_.size() - window_;
    last_time_ = later_[released - 1].time;
    buffer_.assign(later_.begin(), later_.begin() + static_cast<std::ptrdiff_t>(released));
    later_.erase(later_.begin(), later_.begin() + static_cast<std::ptrdiff_t>(released));
    if (reader_->unit() == TimeUnit::microseconds) {
        for (TimedEvent& event : buffer_) {
            event.time = step_of(1e-6 * static_cast<double>(event.time - first_time_), dt_seconds_);
        }
    }
    return true;
}

bool StepStream::take(std::int64_t step, std::vector<std::uint32_t>& indices) {
    indices.clear();
    while (more() && next_step() == step) {
        if (indices.size() == kMostInStep) {
            throw InputError(
                fmt::format("the recording has more than {} events in step {}", kMostInStep, step));
        }
        indices.push_back(buffer_[position_++].index);
    }
    if (drop_incomplete_ && !indices.empty() && !more()) {
        dropped_ += indices.size();
        indices.clear();
        return false;
    }
    delivered_ += indices.size();
    return true;
}

}  // namespace memprop::host::events
