// Keeps a network running on live events, one peer at a time, whatever peers do.
#pragma once

#include <functional>
#include <optional>

#include "host_runtime/live/latency.hpp"
#include "host_runtime/live/live_network.hpp"
#include "host_runtime/live/port.hpp"
#include "host_runtime/live/step_clock.hpp"
#include "host_runtime/live/words.hpp"

namespace memprop::host::live {

struct ServerOptions {
    double dt_seconds = 1e-3;
    bool realtime = false;               ///< a step per dt of the wall clock; else as fast as events come
    std::optional<std::uint64_t> steps;  ///< stop after so many
};

struct ServerReport {
    std::uint64_t steps = 0, events = 0, targets = 0;
    std::uint64_t malformed_words = 0;  ///< outside the input, or a target without learning or out of range
    std::uint64_t late_events = 0;      ///< of a step that was over; they count in the one under way
    std::uint64_t clock_gaps = 0;
    std::uint64_t shortened_pauses = 0;                    ///< of peers that had gone while another waited
    std::uint64_t deadline_misses = 0, skipped_steps = 0;  ///< of real time
    LatencyHistogram latency;  ///< from the socket to the answers of the event's step
};

/// As fast as it can: words with times are placed by them, words without by their arrival; a step runs when a
/// word of a later one has come or the peer closes, so the same timed words give the same spikes. The network
/// goes on where it was with the next peer. While a peer that has gone keeps another waiting, its pauses of
/// more than kLongestPause steps are shortened to one: a few bytes can order steps for hours. In real time: a
/// step runs every dt on what has come since the last; times of words are ignored. A step that ends late is a
/// deadline miss; after kHopeless the clock is set anew and the steps are skipped.
class Server {
public:
    static constexpr std::chrono::seconds kHopeless{1};
    static constexpr std::int64_t kLongestPause = 100;

    Server(Port& port, LiveNetwork& network, const WordMap& map, const ServerOptions& options)
        : port_(port), network_(network), map_(map), options_(options), clock_(options.dt_seconds) {}

    /// Until `stopped` or the steps are done. Throws what the network throws.
    void run(const std::function<bool()>& stopped);

    const ServerReport& report() const { return report_; }

private:
    struct Arrived {
        Clock::time_point when;
        std::uint64_t count;
    };
    bool done() const { return stopped_() || (options_.steps && network_.steps_done() >= *options_.steps); }
    void run_as_fast_as_possible();
    void run_in_real_time();
    void take(const Batch& batch);
    void add(const Word& word, Clock::time_point arrival);
    void step();
    void advance_to(std::int64_t step, const Word& word, Clock::time_point arrival);
    bool take_for_real_time(Clock::time_point due);

    Port& port_;
    LiveNetwork& network_;
    const WordMap& map_;
    ServerOptions options_;
    StepClock clock_;
    ServerReport report_;
    std::function<bool()> stopped_;
    std::vector<std::uint32_t> inputs_;   // of the step under way
    std::vector<std::uint16_t> targets_;  // likewise
    std::vector<Arrived> arrived_;        // likewise
    std::vector<Word> words_;
};

}  // namespace memprop::host::live
