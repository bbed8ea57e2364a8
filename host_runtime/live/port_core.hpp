// What TCP and UDP ports share: the queue of what came in, the thread, the counters.
#pragma once

#include <atomic>
#include <boost/asio.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "host_runtime/live/port.hpp"

namespace memprop::host::live {

namespace asio = boost::asio;

class PortCore {
public:
    PortCore(const Address& address, Port::Limits limits) : address_(address), limits_(limits) {}
    PortCore(const PortCore&) = delete;
    PortCore& operator=(const PortCore&) = delete;
    virtual ~PortCore() { stop(); }

    bool pop(Batch& batch, Clock::time_point deadline);
    bool ended() const;
    bool keeps_another_waiting() const { return keeps_another_waiting_; }
    virtual void send(std::span<const Word> words, Port::WhenFull when_full,
                      const std::function<bool()>& stopped) = 0;
    virtual void release_peer() = 0;
    virtual void flush(std::chrono::milliseconds patience) = 0;
    PortCounters counters() const;
    const Address& address() const { return address_; }

protected:
    void start();
    /// To be called by the destructors of the derived classes.
    void stop();

    /// Called in the port's thread when a full queue has room again.
    virtual void resume() {}

    // With mutex_ held:
    void push(Batch batch);
    bool full() const { return queued_words_ >= limits_.queued_words; }

    [[noreturn]] void refuse(const std::string& reason) const;

    Address address_;
    Port::Limits limits_;
    asio::io_context io_;
    mutable std::mutex mutex_;
    std::condition_variable readable_, writable_;
    PortCounters counters_;
    bool paused_ = false;    // reading waits for room in the queue
    bool finished_ = false;  // no peer can come any more
    std::atomic<bool> keeps_another_waiting_ = false;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::thread thread_;
    std::deque<Batch> queue_;
    std::size_t queued_words_ = 0;
};

/// A name may stand for several numbers; senders that write 127.0.0.1 for localhost have to find us.
template <class Protocol>
typename Protocol::endpoint preferred(const typename Protocol::resolver::results_type& found) {
    for (const auto& entry : found) {
        if (entry.endpoint().protocol() == Protocol::v4()) {
            return entry.endpoint();
        }
    }
    return found.begin()->endpoint();
}

std::unique_ptr<PortCore> make_tcp_port(const Address& address, Port::Role role, Port::Limits limits);
std::unique_ptr<PortCore> make_udp_port(const Address& address, Port::Role role, Port::Limits limits);

}  // namespace memprop::host::live
