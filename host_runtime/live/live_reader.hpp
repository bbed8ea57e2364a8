// Live events for `memprop run`, as if they were a recording.
#pragma once

#include <functional>
#include <memory>

#include "host_runtime/events/event_reader.hpp"
#include "host_runtime/live/port.hpp"

namespace memprop::host::live {

class LiveReader final : public events::EventReader {
public:
    /// Ends when the TCP peer closes, when nothing has come for `idle_seconds` after the first event (0:
    /// never), or when `stopped` says so. Throws InputError if the address cannot be used.
    LiveReader(const Address& address, const events::ReaderOptions& options, double idle_seconds,
               std::function<bool()> stopped);
    ~LiveReader() override;

    events::TimeUnit unit() const override { return events::TimeUnit::steps; }
    /// Waits for at least one event.
    std::size_t read(std::span<events::TimedEvent> out) override;
    /// Dropped, lost or malformed words.
    std::uint64_t skipped() const override;
    std::uint64_t late() const override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace memprop::host::live
