#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <optional>

#include "host_runtime/live/port_core.hpp"

namespace memprop::host::live {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kConnectPatience{5};
constexpr std::chrono::milliseconds kWatchInterval{100};
constexpr std::size_t kReadBytes = 1 << 16;
constexpr std::size_t kMostWaiting = 16;  // more peers are turned away

// Everything but send() and release_peer() runs in the port's thread; what both sides use is guarded by
// mutex_.
class TcpPort final : public PortCore {
public:
    TcpPort(const Address& address, Port::Role role, Port::Limits limits)
        : PortCore(address, limits), acceptor_(io_), watch_(io_), one_peer_(role != Port::Role::listen) {
        const auto endpoint = resolve();
        const bool connected = role != Port::Role::listen && connect(endpoint, role);
        if (!connected) {
            listen(endpoint);
        }
        watch();
        start();
    }
    ~TcpPort() override { stop(); }

    void send(std::span<const Word> words, Port::WhenFull when_full,
              const std::function<bool()>& stopped) override {
        std::unique_lock lock(mutex_);
        const auto full_up = [&] { return unsent_.size() + writing_.size() >= limits_.unsent_bytes; };
        while (takes_ && full_up() && when_full == Port::WhenFull::wait && !stopped()) {
            if (Clock::now() - last_write_ > Port::kGiveUp) {
                takes_ = false;
                asio::post(io_, [this] { drop_peer(); });
                break;
            }
            writable_.wait_for(lock, kWatchInterval);
        }
        if (!takes_ || full_up()) {
            counters_.unsent_words += words.size();
            return;
        }
        if (unsent_.empty() && writing_.empty()) {
            last_write_ = Clock::now();
        }
        for (const Word& word : words) {
            encode(word, unsent_);
        }
        counters_.sent_words += words.size();
        if (writing_.empty() && !write_posted_) {
            write_posted_ = true;
            asio::post(io_, [this] { write(); });
        }
    }

    void release_peer() override {
        asio::post(io_, [this] {
            released_ = true;
            leave_if_done();
        });
    }

    void flush(std::chrono::milliseconds patience) override {
        std::unique_lock lock(mutex_);
        writable_.wait_for(lock, patience, [&] { return !takes_ || (unsent_.empty() && writing_.empty()); });
    }

private:
    tcp::endpoint resolve() {
        error_code error;
        tcp::resolver resolver(io_);
        const auto found = resolver.resolve(address_.host, std::to_string(address_.port), error);
        if (error || found.empty()) {
            refuse(fmt::format("the host is not known: {}", error.message()));
        }
        return preferred<tcp>(found);
    }

    /// A sender has to reach its target; a source may find nobody there and wait itself.
    bool connect(const tcp::endpoint& endpoint, Port::Role role) {
        tcp::socket socket(io_);
        std::optional<error_code> result;
        socket.async_connect(endpoint, [&](const error_code& error) { result = error; });
        io_.restart();
        const auto give_up = Clock::now() + kConnectPatience;
        while (!result && Clock::now() < give_up) {
            io_.run_one_for(std::chrono::milliseconds(50));
        }
        if (!result) {
            error_code ignored;
            socket.close(ignored);
            while (!result) {
                io_.run_one();
            }
            refuse("nobody answers");
        }
        io_.restart();
        error_code error = *result;
        // A connection to a free local port may meet itself.
        if (!error && socket.local_endpoint() != socket.remote_endpoint()) {
            begin(std::move(socket));
            return true;
        }
        if (role == Port::Role::connect) {
            refuse(fmt::format("cannot be connected to: {}", error.message()));
        }
        return false;
    }

    void listen(const tcp::endpoint& endpoint) {
        error_code error;
        acceptor_.open(endpoint.protocol(), error);
        if (!error) {
            acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
            acceptor_.bind(endpoint, error);
        }
        if (!error) {
            acceptor_.listen(asio::socket_base::max_listen_connections, error);
        }
        if (error) {
            refuse(fmt::format("cannot be listened at: {}", error.message()));
        }
        address_.port = acceptor_.local_endpoint().port();
        accept();
    }

    void accept() {
        acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
            if (!error) {
                if (peer_ && waiting_.size() < kMostWaiting) {
                    if (waiting_.empty()) {
                        waiting_since_ = Clock::now();
                    }
                    waiting_.push_back(std::move(socket));
                } else if (!peer_) {
                    begin(std::move(socket));
                }
            }
            if (acceptor_.is_open()) {
                accept();
            }
        });
    }

    void begin(tcp::socket socket) {
        error_code error;
        socket.set_option(tcp::no_delay(true), error);
        socket.set_option(asio::socket_base::keep_alive(true), error);
        // A small buffer of the system shows soon whether the peer takes anything.
        socket.set_option(asio::socket_base::send_buffer_size(1 << 18), error);
        const auto remote = socket.remote_endpoint(error);
        peer_.emplace(std::move(socket));
        ++session_;
        released_ = read_ended_ = false;
        last_activity_ = last_taken_ = Clock::now();
        keeps_another_waiting_ = false;
        if (one_peer_ && acceptor_.is_open()) {
            acceptor_.close(error);
        }
        {
            const std::lock_guard lock(mutex_);
            takes_ = true;
            paused_ = false;
            ++counters_.peers;
            push({.kind = Batch::Kind::opened,
                  .arrival = Clock::now(),
                  .words = {},
                  .peer = fmt::format("{}:{}", remote.address().to_string(), remote.port())});
        }
        read();
    }

    void read() {
        reading_ = true;
        peer_->async_read_some(
            asio::buffer(buffer_), [this, session = session_](const error_code& error, std::size_t count) {
                if (session != session_ || !peer_) {
                    return;
                }
                reading_ = false;
                if (error) {
                    end_reading(error == asio::error::eof);
                    return;
                }
                last_activity_ = Clock::now();
                Batch batch{.kind = Batch::Kind::words, .arrival = last_activity_, .words = {}, .peer = {}};
                batch.words.reserve(count / 4 + 1);
                decoder_.feed(std::span(buffer_).first(count), batch.words);
                const std::lock_guard lock(mutex_);
                if (!batch.words.empty()) {
                    push(std::move(batch));
                }
                if (full()) {
                    paused_ = true;  // pop() will call resume()
                } else {
                    read();
                }
            });
    }

    void resume() override {
        if (peer_ && !read_ended_ && !reading_) {
            read();
        }
    }

    /// The peer sends nothing more; if it closed properly, it may still take what we send.
    void end_reading(bool may_take) {
        read_ended_ = true;
        const std::lock_guard lock(mutex_);
        counters_.unfinished_words += decoder_.finish() > 0 ? 1 : 0;
        if (!may_take) {
            abandon_output();
        }
        push({.kind = Batch::Kind::closed, .arrival = Clock::now(), .words = {}, .peer = {}});
    }

    /// With mutex_ held.
    void abandon_output() {
        takes_ = false;
        const std::uint64_t lost = words_after(writing_, written_) + words_after(unsent_, 0);
        counters_.unsent_words += lost;
        counters_.sent_words -= lost;
        written_ = writing_.size();  // the system may still hold the buffer
        unsent_.clear();
        writable_.notify_all();
    }

    void drop_peer() {
        if (!peer_) {
            return;
        }
        error_code ignored;
        peer_->close(ignored);
        if (!read_ended_) {
            ++session_;
            end_reading(false);
        } else {
            const std::lock_guard lock(mutex_);
            abandon_output();
        }
    }

    void write() {
        const std::lock_guard lock(mutex_);
        write_posted_ = false;
        if (!peer_ || !takes_ || !writing_.empty() || unsent_.empty()) {
            return;
        }
        write_next();
    }

    /// With mutex_ held.
    void write_next() {
        std::swap(writing_, unsent_);
        written_ = 0;
        write_more();
    }

    /// With mutex_ held: sends what is left of writing_.
    void write_more() {
        peer_->async_write_some(asio::buffer(writing_.data() + written_, writing_.size() - written_),
                                [this, session = session_](const error_code& error, std::size_t count) {
                                    wrote(error, count, session);
                                });
    }

    void wrote(const error_code& error, std::size_t count, std::uint64_t session) {
        std::unique_lock lock(mutex_);
        const bool current = session == session_ && peer_ && takes_ && !error;
        if (current) {
            last_write_ = last_activity_ = last_taken_ = Clock::now();
            written_ += count;
            if (written_ < writing_.size()) {
                write_more();
                return;
            }
        }
        const bool broken = error && session == session_ && takes_;
        if (broken) {
            abandon_output();
        }
        writing_.clear();
        written_ = 0;
        if (peer_ && takes_ && !unsent_.empty()) {
            write_next();
        }
        writable_.notify_all();
        lock.unlock();
        if (broken) {
            drop_peer();
        }
        leave_if_done();
    }

    /// Once everything is out (or cannot go out), the next peer may come.
    void leave_if_done() {
        {
            const std::lock_guard lock(mutex_);
            if (!peer_ || !released_ || (takes_ && (!unsent_.empty() || !writing_.empty()))) {
                return;
            }
            takes_ = false;
        }
        error_code ignored;
        peer_->shutdown(tcp::socket::shutdown_both, ignored);
        peer_->close(ignored);
        peer_.reset();
        ++session_;
        writable_.notify_all();
        if (one_peer_) {
            const std::lock_guard lock(mutex_);
            finished_ = true;
            readable_.notify_all();
        } else if (!waiting_.empty()) {
            tcp::socket next = std::move(waiting_.front());
            waiting_.pop_front();
            begin(std::move(next));
        }
    }

    /// Lets a waiting peer in if the present one does nothing; one that nobody waits for, and that has closed
    /// its side, has longer to take what is left for it.
    void watch() {
        watch_.expires_after(kWatchInterval);
        watch_.async_wait([this](const error_code& error) {
            if (error) {
                return;
            }
            bool held_up = false;  // by us, not by the peer
            {
                const std::lock_guard lock(mutex_);
                held_up = paused_ && writing_.empty();
            }
            const bool replaceable = !waiting_.empty() || (released_ && read_ended_);
            const Clock::duration patience = waiting_.empty() ? Clock::duration(Port::kGiveUp) : kTakeOver;
            if (peer_ && !held_up && replaceable && Clock::now() - last_activity_ > patience) {
                drop_peer();
                leave_if_done();
            }
            keeps_another_waiting_ = peer_ && !waiting_.empty() && (read_ended_ || hung_up()) &&
                                     Clock::now() - std::max(last_taken_, waiting_since_) > kTakeOver;
            watch();
        });
    }

    /// Whether the peer has closed its side, even if what it sent before is not read yet.
    bool hung_up() {
        pollfd entry{peer_->native_handle(), POLLRDHUP, 0};
        return ::poll(&entry, 1, 0) > 0;
    }

    tcp::acceptor acceptor_;
    asio::steady_timer watch_;
    bool one_peer_;
    std::optional<tcp::socket> peer_;
    std::deque<tcp::socket> waiting_;
    std::uint64_t session_ = 0;
    WordDecoder decoder_;
    std::array<std::uint8_t, kReadBytes> buffer_{};
    bool released_ = false, read_ended_ = false, reading_ = false;
    Clock::time_point last_activity_{}, last_taken_{}, waiting_since_{};

    // Guarded by mutex_:
    bool takes_ = false;  // there is a peer that may take what we send
    bool write_posted_ = false;
    std::vector<std::uint8_t> unsent_, writing_;  // whole words
    std::size_t written_ = 0;                     // bytes of writing_ that the system has taken
    Clock::time_point last_write_{};
};

}  // namespace

std::unique_ptr<PortCore> make_tcp_port(const Address& address, Port::Role role, Port::Limits limits) {
    return std::make_unique<TcpPort>(address, role, limits);
}

}  // namespace memprop::host::live
