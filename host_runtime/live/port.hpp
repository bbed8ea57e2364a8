// A socket for events in both directions, served by a thread of its own. What arrives waits in a bounded
// queue: when it is full, TCP is not read any more (the sender feels it) and UDP words are dropped and
// counted. What is sent waits in a bounded buffer too.
//
// One TCP peer at a time. Others wait until it has closed, or until it has neither sent nor taken anything
// for kTakeOver: then the longest waiting one takes its place. If nobody waits, a peer that has closed its
// side has kGiveUp between two pieces that it takes of what is left for it.
//
// UDP has no connections: all sources that send into a port are one peer, and their words share one clock. A
// source that sends after kTakeOver in which nobody did is a new peer. Answers go to the source that sent
// last.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host_runtime/live/address.hpp"
#include "host_runtime/live/spif.hpp"

namespace memprop::host::live {

using Clock = std::chrono::steady_clock;

inline constexpr std::chrono::milliseconds kTakeOver{1000};

/// What came in together.
struct Batch {
    enum class Kind : std::uint8_t { words, opened, closed };
    Kind kind = Kind::words;
    Clock::time_point arrival{};  ///< when it was read from the socket
    std::vector<Word> words;
    std::string peer;        ///< opened
    bool may_go_on = false;  ///< opened: the peer may use the clock of the one before (UDP)
};

struct PortCounters {
    std::uint64_t received_words = 0, dropped_words = 0;  ///< dropped: UDP, the queue was full
    std::uint64_t lost_datagrams = 0;                     ///< dropped by the system before we could read them
    std::uint64_t unfinished_words = 0;                   ///< a peer or datagram that ended within a word
    /// Words are counted as sent when they are accepted for sending, and as unsent instead when it turns out
    /// that the peer was too slow or gone. What the system had taken for a peer that vanished stays sent.
    std::uint64_t sent_words = 0, unsent_words = 0;
    std::uint64_t peers = 0;  ///< TCP: connections; UDP: sources
};

class PortCore;

class Port {
public:
    enum class Role : std::uint8_t {
        listen,   ///< waits for peers, one after the other
        source,   ///< TCP: connects if someone listens at the address, else waits there for one peer
        connect,  ///< sends only: connects (TCP) or sends to the address (UDP)
    };
    struct Limits {
        std::size_t queued_words = std::size_t{1} << 16;
        std::size_t unsent_bytes = std::size_t{1} << 18;
    };

    /// Throws InputError if the address cannot be used.
    Port(const Address& address, Role role, Limits limits);
    Port(const Address& address, Role role) : Port(address, role, Limits()) {}
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    ~Port();

    const Address& address() const;  ///< with the port in use

    /// The next batch; false if there is none before `deadline`, or at once if no more can come.
    bool pop(Batch& batch, Clock::time_point deadline);
    /// Whether a TCP peer that has gone keeps another one waiting: it has closed its side or been replaced,
    /// has taken nothing for kTakeOver, and another has waited as long.
    bool keeps_another_waiting() const;
    /// Whether nothing can come any more: the one peer of Role::source has gone and the queue is empty.
    bool ended() const;

    enum class WhenFull : std::uint8_t { wait, drop };
    /// Sends words to the peer. A peer that takes nothing for kGiveUp while we wait for it is
    /// disconnected. Without a peer the words are counted as unsent. `stopped` ends the waiting.
    void send(std::span<const Word> words, WhenFull when_full, const std::function<bool()>& stopped);
    static constexpr std::chrono::seconds kGiveUp{10};

    /// Answers a `closed`: nothing more will be sent to that peer. What is unsent still goes out if the peer
    /// takes it; then the next peer may come.
    void release_peer();

    /// Waits until everything is sent or the peer has gone, at most `patience`.
    void flush(std::chrono::milliseconds patience);

    PortCounters counters() const;

private:
    std::unique_ptr<PortCore> core_;
};

}  // namespace memprop::host::live
