#include "host_runtime/live/live_reader.hpp"

#include <fmt/format.h>

#include "crossbar/base/terminal.hpp"
#include "host_runtime/live/step_clock.hpp"
#include "host_runtime/live/words.hpp"

namespace memprop::host::live {

struct LiveReader::State {
    Port port;
    WordMap map;
    StepClock clock;
    std::chrono::duration<double> idle;
    std::function<bool()> stopped;
    Batch batch{};
    std::size_t position = 0;
    bool begun = false;
    Clock::time_point last{};
    std::int64_t latest_step = 0;
    std::uint64_t malformed = 0, late = 0;
};

LiveReader::LiveReader(const Address& address, const events::ReaderOptions& options, double idle_seconds,
                       std::function<bool()> stopped)
    : state_(new State{.port = Port(address, Port::Role::source),
                       .map = WordMap(options),
                       .clock = StepClock(options.dt_seconds),
                       .idle = std::chrono::duration<double>(idle_seconds),
                       .stopped = std::move(stopped)}) {
    say("memprop: waiting for events at {}\n", state_->port.address().text());
}

LiveReader::~LiveReader() = default;

std::size_t LiveReader::read(std::span<events::TimedEvent> out) {
    State& s = *state_;
    std::size_t count = 0;
    while (count < out.size()) {
        if (s.position == s.batch.words.size()) {
            const bool waits = count == 0;
            const auto deadline = Clock::now() + std::chrono::milliseconds(waits ? 50 : 0);
            s.position = 0;
            s.batch.words.clear();
            if (!s.port.pop(s.batch, deadline)) {
                s.batch.words.clear();
                const bool silent = s.begun && s.idle.count() > 0 && Clock::now() - s.last > s.idle;
                if (!waits || silent || s.port.ended() || s.stopped()) {
                    return count;
                }
                continue;
            }
            if (s.batch.kind == Batch::Kind::opened && !s.batch.may_go_on) {
                s.clock.restart(s.latest_step);  // UDP: a run has one clock, whoever sends
            } else if (s.batch.kind == Batch::Kind::closed) {
                s.port.release_peer();
            }
            continue;
        }
        const Word& word = s.batch.words[s.position++];
        const auto input = s.map.input(word);
        if (!input) {
            ++s.malformed;
            continue;
        }
        s.begun = true;
        s.last = s.batch.arrival;
        // What comes late joins the newest step: it may have begun.
        const std::int64_t step = s.clock.step_of(word, s.batch.arrival);
        s.late += step < s.latest_step ? 1 : 0;
        s.latest_step = std::max(s.latest_step, step);
        out[count++] = {s.latest_step, *input};
    }
    return count;
}

std::uint64_t LiveReader::late() const {
    return state_->late;
}

std::uint64_t LiveReader::skipped() const {
    const PortCounters counters = state_->port.counters();
    return state_->malformed + counters.dropped_words + counters.unfinished_words + counters.lost_datagrams;
}

}  // namespace memprop::host::live
