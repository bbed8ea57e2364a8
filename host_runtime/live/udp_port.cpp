#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "host_runtime/live/port_core.hpp"

namespace memprop::host::live {
namespace {

using asio::ip::udp;
using boost::system::error_code;

constexpr std::size_t kWordsPerDatagram = 128;  // as AEStream sends them
constexpr int kSystemBufferBytes = 8 << 20;
constexpr int kDatagramsAtOnce = 256;
constexpr std::size_t kMostSources = 1 << 16;  // that are told apart when they are counted

class UdpPort final : public PortCore {
public:
    UdpPort(const Address& address, Port::Role role, Port::Limits limits)
        : PortCore(address, limits), socket_(io_) {
        error_code error;
        udp::resolver resolver(io_);
        const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
        if (error || found.empty()) {
            refuse(fmt::format("the host is not known: {}", error.message()));
        }
        const udp::endpoint endpoint = preferred<udp>(found);
        socket_.open(endpoint.protocol(), error);
        if (!error && role == Port::Role::connect) {
            peer_ = endpoint;
        } else if (!error) {
            socket_.bind(endpoint, error);
            if (!error) {
                address_.port = socket_.local_endpoint().port();
            }
        }
        if (error) {
            refuse(fmt::format("cannot be listened at: {}", error.message()));
        }
        socket_.non_blocking(true, error);
        const int bytes = kSystemBufferBytes, on = 1;
        // Without the privilege to exceed the system's limit, the limit has to do.
        if (::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
            ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        }
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
        if (role != Port::Role::connect) {
            wait();
            start();
        }
    }
    ~UdpPort() override { stop(); }

    void send(std::span<const Word> words, Port::WhenFull, const std::function<bool()>&) override {
        std::optional<udp::endpoint> to;
        {
            const std::lock_guard lock(mutex_);
            to = peer_;
        }
        std::uint64_t sent = 0;
        for (std::size_t at = 0; to && at < words.size(); at += kWordsPerDatagram) {
            const auto part = words.subspan(at, std::min(kWordsPerDatagram, words.size() - at));
            datagram_.clear();
            for (const Word& word : part) {
                encode(word, datagram_);
            }
            const auto count =
                ::sendto(socket_.native_handle(), datagram_.data(), datagram_.size(),
                         MSG_DONTWAIT | MSG_NOSIGNAL, to->data(), static_cast<socklen_t>(to->size()));
            sent += count == static_cast<ssize_t>(datagram_.size()) ? part.size() : 0;
        }
        const std::lock_guard lock(mutex_);
        counters_.sent_words += sent;
        counters_.unsent_words += words.size() - sent;
    }

    void release_peer() override {}
    void flush(std::chrono::milliseconds) override {}

private:
    void wait() {
        socket_.async_wait(udp::socket::wait_read, [this](const error_code& error) {
            if (!error) {
                for (int i = 0; i < kDatagramsAtOnce && receive(); ++i) {
                }
                wait();
            }
        });
    }

    bool receive() {
        udp::endpoint from;
        iovec part{buffer_.data(), buffer_.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> control{};
        msghdr message{};
        message.msg_name = from.data();
        message.msg_namelen = static_cast<socklen_t>(from.capacity());
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto count = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT);
        if (count < 0) {
            return false;
        }
        from.resize(message.msg_namelen);
        Batch batch{.kind = Batch::Kind::words, .arrival = Clock::now(), .words = {}, .peer = {}};
        decoder_.feed(std::span(buffer_).first(static_cast<std::size_t>(count)), batch.words);
        const std::lock_guard lock(mutex_);
        counters_.unfinished_words += decoder_.finish() > 0 ? 1 : 0;
        for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
                std::uint32_t lost = 0;  // since the socket was opened
                std::memcpy(&lost, CMSG_DATA(c), sizeof lost);
                counters_.lost_datagrams = lost;
            }
        }
        if (full()) {
            counters_.dropped_words += batch.words.size();
        } else if (!batch.words.empty()) {
            meet(from, batch.arrival);
            push(std::move(batch));
        }
        return true;
    }

    /// With mutex_ held. Sources that send in turn are one peer.
    void meet(const udp::endpoint& from, Clock::time_point now) {
        const bool silent = !peer_ || now - last_arrival_ > kTakeOver;
        last_arrival_ = now;
        if (sources_.size() < kMostSources && sources_.insert(from).second) {
            ++counters_.peers;
        }
        if (peer_ == from) {
            return;
        }
        if (peer_ && silent) {
            push({.kind = Batch::Kind::closed, .arrival = now, .words = {}, .peer = {}});
        }
        peer_ = from;
        if (silent) {
            push({.kind = Batch::Kind::opened,
                  .arrival = now,
                  .words = {},
                  .peer = fmt::format("{}:{}", from.address().to_string(), from.port()),
                  .may_go_on = true});
        }
    }

    udp::socket socket_;
    WordDecoder decoder_;
    std::array<std::uint8_t, 1 << 16> buffer_{};
    std::optional<udp::endpoint> peer_;  // that sent last; guarded by mutex_, as are the next two
    std::set<udp::endpoint> sources_;
    Clock::time_point last_arrival_{};
    std::vector<std::uint8_t> datagram_;  // of send()
};

}  // namespace

std::unique_ptr<PortCore> make_udp_port(const Address& address, Port::Role role, Port::Limits limits) {
    return std::make_unique<UdpPort>(address, role, limits);
}

}  // namespace memprop::host::live
