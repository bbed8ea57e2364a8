#include "host_runtime/live/server.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/terminal.hpp"

namespace memprop::host::live {
namespace {

constexpr std::chrono::milliseconds kPatience{50};  // between looks at `stopped`

}  // namespace

void Server::run(const std::function<bool()>& stopped) {
    stopped_ = stopped;
    clock_.restart(static_cast<std::int64_t>(network_.steps_done()));
    if (options_.realtime) {
        run_in_real_time();
    } else {
        run_as_fast_as_possible();
    }
    report_.steps = network_.steps_done();
    report_.clock_gaps = clock_.gaps();
    port_.flush(std::chrono::seconds(1));
}

void Server::step() {
    words_.clear();
    network_.step(inputs_, targets_, words_);
    if (const auto time = clock_.time_of(static_cast<std::int64_t>(network_.steps_done()) - 1);
        time && !options_.realtime) {
        for (Word& word : words_) {
            word.timed = true;
            word.time_us = *time;
        }
    }
    if (!words_.empty()) {
        port_.send(words_, options_.realtime ? Port::WhenFull::drop : Port::WhenFull::wait, stopped_);
    }
    if (!arrived_.empty()) {
        const auto now = Clock::now();
        for (const Arrived& part : arrived_) {
            report_.latency.add(now - part.when, part.count);
        }
    }
    inputs_.clear();
    targets_.clear();
    arrived_.clear();
}

/// Runs the steps before that of a word.
void Server::advance_to(std::int64_t target, const Word& word, Clock::time_point arrival) {
    const auto steps = [this] { return static_cast<std::int64_t>(network_.steps_done()); };
    while (steps() < target && !done()) {
        step();
        if (target - steps() > kLongestPause && port_.keeps_another_waiting()) {
            ++report_.shortened_pauses;
            clock_.restart(steps());
            clock_.step_of(word, arrival);  // the sender's clock goes on from here
            return;
        }
    }
}

/// Puts a word into the step under way.
void Server::add(const Word& word, Clock::time_point arrival) {
    if (network_.learns() && word.x == kTargetX) {
        if (word.y >= network_.target_count()) {
            ++report_.malformed_words;
            return;
        }
        targets_.push_back(word.y);
        ++report_.targets;
        return;
    }
    const auto input = map_.input(word);
    if (!input) {
        ++report_.malformed_words;
        return;
    }
    inputs_.push_back(*input);
    ++report_.events;
    if (arrived_.empty() || arrived_.back().when != arrival) {
        arrived_.push_back({arrival, 0});
    }
    ++arrived_.back().count;
}

void Server::take(const Batch& batch) {
    switch (batch.kind) {
        case Batch::Kind::opened:
            say_in_passing("memprop: {} has come\n", batch.peer);
            if (batch.may_go_on) {
                clock_.change_sender(static_cast<std::int64_t>(network_.steps_done()));
            } else {
                clock_.restart(static_cast<std::int64_t>(network_.steps_done()));
            }
            break;
        case Batch::Kind::closed:
            if (!options_.realtime && (!inputs_.empty() || !targets_.empty()) && !done()) {
                step();
            }
            port_.release_peer();
            network_.pause();
            say_in_passing("memprop: the peer has gone, {} steps done\n", network_.steps_done());
            break;
        case Batch::Kind::words:
            for (const Word& word : batch.words) {
                if (!options_.realtime) {
                    const std::int64_t step = clock_.step_of(word, batch.arrival);
                    report_.late_events += step < static_cast<std::int64_t>(network_.steps_done()) ? 1 : 0;
                    advance_to(step, word, batch.arrival);
                    if (done()) {
                        return;
                    }
                }
                add(word, batch.arrival);
            }
            break;
    }
}

void Server::run_as_fast_as_possible() {
    Batch batch;
    while (!done()) {
        if (port_.pop(batch, Clock::now() + kPatience)) {
            take(batch);
        } else if (port_.ended()) {
            return;
        }
    }
    if (options_.steps && !stopped_() && network_.steps_done() < *options_.steps) {
        step();
    }
}

/// Takes what has come until the step is due; false if it is.
bool Server::take_for_real_time(Clock::time_point due) {
    Batch batch;
    if (!port_.pop(batch, std::min(due, Clock::now() + kPatience))) {
        return Clock::now() < due && !done();
    }
    take(batch);
    return Clock::now() < due && !done();
}

void Server::run_in_real_time() {
    const auto dt =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.dt_seconds));
    auto due = Clock::now() + dt;
    while (!done()) {
        while (take_for_real_time(due)) {
        }
        if (done()) {
            return;
        }
        step();
        const auto now = Clock::now();
        report_.deadline_misses += now > due + dt ? 1 : 0;
        due += dt;
        if (now > due + kHopeless) {
            report_.skipped_steps += static_cast<std::uint64_t>((now - due) / dt);
            due = now + dt;
        }
    }
}

}  // namespace memprop::host::live
