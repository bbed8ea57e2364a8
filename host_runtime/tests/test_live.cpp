// Words, addresses, the clock of steps, latencies, and a server on a scripted network, over loopback.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "crossbar/base/error.hpp"
#include "host_runtime/live/server.hpp"

using namespace memprop::host::live;
using memprop::InputError;

namespace {

Word timed(std::uint16_t x, std::uint32_t time_us) {
    return {.x = x, .y = 0, .on = false, .timed = true, .time_us = time_us};
}

std::vector<std::uint8_t> bytes_of(const std::vector<Word>& words) {
    std::vector<std::uint8_t> bytes;
    for (const Word& word : words) {
        encode(word, bytes);
    }
    return bytes;
}

const std::function<bool()> kNever = [] { return false; };

/// A peer with a small window that has closed its side and takes nothing of its own accord.
class QuietPeer {
public:
    explicit QuietPeer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const int small = 4096;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        REQUIRE(::shutdown(socket_, SHUT_WR) == 0);
    }
    QuietPeer(const QuietPeer&) = delete;
    QuietPeer& operator=(const QuietPeer&) = delete;
    ~QuietPeer() { vanish(); }

    std::size_t take_all() const {
        std::array<char, 1 << 16> buffer{};
        std::size_t total = 0;
        for (ssize_t count = 0; (count = ::recv(socket_, buffer.data(), buffer.size(), 0)) > 0;) {
            total += static_cast<std::size_t>(count);
        }
        return total;
    }
    /// Resets the connection.
    void vanish() {
        if (socket_ >= 0) {
            const linger at_once{1, 0};
            ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
            ::close(socket_);
            socket_ = -1;
        }
    }

private:
    int socket_;
};

/// Sends words of 8 and 4 bytes in turn until all buffers are full; how many were given.
std::uint64_t fill(Port& port) {
    Batch batch;
    while (port.pop(batch, Clock::now() + std::chrono::seconds(5)) && batch.kind != Batch::Kind::closed) {
    }
    REQUIRE(batch.kind == Batch::Kind::closed);
    std::uint64_t given = 0;
    const std::vector<Word> words{timed(1, 1), {.x = 1, .y = 1, .on = false, .timed = false, .time_us = 0}};
    for (auto last = Clock::now(); Clock::now() - last < std::chrono::milliseconds(100);) {
        const std::uint64_t before = port.counters().unsent_words;
        port.send(words, Port::WhenFull::drop, kNever);
        given += words.size();
        if (port.counters().unsent_words == before) {
            last = Clock::now();  // the system still takes some
        }
    }
    return given;
}

}  // namespace

TEST_CASE("a peer that has closed its side may take its time with what is left for it") {
    Port port({.tcp = true, .host = "127.0.0.1", .port = 0}, Port::Role::listen);
    const QuietPeer peer(port.address().port);
    const std::uint64_t given = fill(port);
    port.release_peer();
    std::this_thread::sleep_for(kTakeOver + std::chrono::milliseconds(500));
    const std::size_t taken = peer.take_all();
    const PortCounters counters = port.counters();
    CHECK(counters.sent_words + counters.unsent_words == given);
    CHECK(taken == 6 * counters.sent_words);
    CHECK(counters.sent_words > 10'000);
}

TEST_CASE("words that a vanished peer left behind count as unsent and not as sent") {
    Port port({.tcp = true, .host = "127.0.0.1", .port = 0}, Port::Role::listen);
    QuietPeer peer(port.address().port);
    const std::uint64_t given = fill(port);
    const std::uint64_t sent = port.counters().sent_words;
    peer.vanish();
    const auto give_up = Clock::now() + std::chrono::seconds(5);
    while (port.counters().sent_words == sent && Clock::now() < give_up) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const PortCounters counters = port.counters();
    CHECK(counters.sent_words < sent);
    CHECK(counters.sent_words + counters.unsent_words == given);
}

TEST_CASE("words keep their fields and have the layout of SPIF") {
    std::vector<std::uint8_t> bytes;
    encode({.x = 0x1234, .y = 0x2B, .on = true, .timed = false, .time_us = 0}, bytes);
    CHECK(bytes == std::vector<std::uint8_t>{0x2B, 0x80, 0x34, 0x92});
    const std::vector<Word> words{timed(5, 0xDEADBEEF),
                                  {.x = 0x7FFF, .y = 0x7FFF, .on = true, .timed = false, .time_us = 0},
                                  {.x = 0, .y = 1, .on = false, .timed = true, .time_us = 1}};
    std::vector<Word> back;
    WordDecoder().feed(bytes_of(words), back);
    CHECK(back == words);
}

TEST_CASE("words may come in pieces of any size") {
    std::vector<Word> words;
    for (std::uint16_t i = 0; i < 100; ++i) {
        words.push_back(i % 3 == 0 ? timed(i, 77U * i)
                                   : Word{.x = i, .y = 2, .on = true, .timed = false, .time_us = 0});
    }
    const auto bytes = bytes_of(words);
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 11U, 400U}) {
        WordDecoder decoder;
        std::vector<Word> back;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            decoder.feed(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)), back);
        }
        CHECK(back == words);
        CHECK(decoder.finish() == 0);
    }
    WordDecoder decoder;
    std::vector<Word> back;
    decoder.feed(std::span(bytes).first(6), back);  // a word that waits for its time, and half of that
    CHECK(back.empty());
    CHECK(decoder.finish() == 6);
    decoder.feed(std::span(bytes).first(8), back);
    CHECK(back == std::vector<Word>{words[0]});
}

TEST_CASE("addresses") {
    CHECK(parse_address("listen", "tcp://localhost:0").tcp);
    const Address six = parse_address("listen", "udp://[::1]:3333");
    CHECK(!six.tcp);
    CHECK(six.host == "::1");
    CHECK(six.port == 3333);
    CHECK(six.text() == "udp://[::1]:3333");
    for (const char* wrong :
         {"tcp://a", "tcp://:1", "tcp://a:", "tcp://a:65536", "tcp://a:1x", "http://a:1", ""}) {
        CHECK_THROWS_AS(parse_address("listen", wrong), InputError);
    }
}

TEST_CASE("the clock follows wraps, places late words, and takes long gaps for a new start") {
    StepClock clock(1e-3);
    const auto now = Clock::now();
    clock.restart(100);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00), now) == 100);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00 + 999), now) == 100);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00 + 1000), now) == 101);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00 + 5500), now) == 105);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00 + 2000), now) == 102);
    CHECK(clock.time_of(103) == std::optional<std::uint32_t>(0xFFFFFF00 + 3000));
    CHECK(clock.gaps() == 0);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00 + 200'000'000), now) == 106);
    CHECK(clock.gaps() == 1);
    CHECK(clock.step_of(timed(0, 0xFFFFFF00 + 200'002'000), now) == 108);
    clock.restart(500);
    CHECK(!clock.time_of(500));
    Word untimed;
    CHECK(clock.step_of(untimed, now) == 500);
    CHECK(clock.step_of(untimed, now + std::chrono::microseconds(7300)) == 507);
}

TEST_CASE("senders that share a port share its clock until one turns it back") {
    StepClock clock(1e-3);
    const auto now = Clock::now();
    clock.restart(10);
    CHECK(clock.step_of(timed(0, 5000), now) == 10);
    CHECK(clock.step_of(timed(0, 8000), now) == 13);
    clock.change_sender(14);
    CHECK(clock.step_of(timed(0, 12'000), now) == 17);  // the same clock
    CHECK(clock.step_of(timed(0, 11'000), now) == 16);  // a late word is no new clock
    clock.change_sender(20);
    CHECK(clock.step_of(timed(0, 3000), now) == 20);  // another one
    CHECK(clock.step_of(timed(0, 5000), now) == 22);
    CHECK(clock.gaps() == 0);
    clock.change_sender(30);
    CHECK(clock.step_of(timed(0, 200'000'000), now) == 30);
    CHECK(clock.gaps() == 0);
}

TEST_CASE("UDP sources that send in turn are one peer") {
    Port port({.tcp = false, .host = "127.0.0.1", .port = 0}, Port::Role::listen);
    Port a(port.address(), Port::Role::connect), b(port.address(), Port::Role::connect);
    std::vector<Batch> batches;
    const auto receive = [&](std::size_t words) {
        Batch batch;
        std::size_t seen = 0;
        while (seen < words && port.pop(batch, Clock::now() + std::chrono::seconds(5))) {
            seen += batch.words.size();
            batches.push_back(batch);
        }
    };
    for (std::uint32_t k = 0; k < 4; ++k) {
        for (Port* sender : {&a, &b}) {
            sender->send(std::vector<Word>{timed(1, 1000 * k)}, Port::WhenFull::wait, kNever);
            receive(1);
        }
    }
    const auto count = [&](Batch::Kind kind) {
        return std::count_if(batches.begin(), batches.end(),
                             [&](const Batch& batch) { return batch.kind == kind; });
    };
    CHECK(count(Batch::Kind::words) == 8);
    CHECK(count(Batch::Kind::opened) == 1);
    CHECK(count(Batch::Kind::closed) == 0);
    CHECK(port.counters().peers == 2);
    std::this_thread::sleep_for(kTakeOver + std::chrono::milliseconds(200));
    a.send(std::vector<Word>{timed(1, 0)}, Port::WhenFull::wait, kNever);
    receive(1);
    CHECK(count(Batch::Kind::opened) == 2);
    CHECK(batches.back().words.size() == 1);
    CHECK(batches[batches.size() - 2].may_go_on);
}

TEST_CASE("latencies come back within five per cent") {
    LatencyHistogram histogram;
    CHECK(histogram.quantile(0.5) == 0.0);
    for (int us = 1; us <= 1000; ++us) {
        histogram.add(std::chrono::microseconds(us), 2);
    }
    CHECK(histogram.count() == 2000);
    CHECK(histogram.quantile(0.5) == doctest::Approx(500e-6).epsilon(0.05));
    CHECK(histogram.quantile(0.99) == doctest::Approx(990e-6).epsilon(0.05));
}

namespace {

/// Answers every input with a word of the same index.
class Echo final : public LiveNetwork {
public:
    void step(std::span<const std::uint32_t> inputs, std::span<const std::uint16_t> targets,
              std::vector<Word>& out) override {
        for (const std::uint32_t input : inputs) {
            out.push_back(
                {.x = static_cast<std::uint16_t>(input), .y = 0, .on = false, .timed = false, .time_us = 0});
        }
        for (const std::uint16_t target : targets) {
            seen_targets.emplace_back(steps_, target);
        }
        seen.emplace_back(inputs.begin(), inputs.end());
        ++steps_;
    }
    std::uint64_t steps_done() const override { return steps_; }
    bool learns() const override { return true; }
    std::uint32_t target_count() const override { return 3; }

    std::vector<std::vector<std::uint32_t>> seen;
    std::vector<std::pair<std::uint64_t, std::uint16_t>> seen_targets;

private:
    std::uint64_t steps_ = 0;
};

}  // namespace

TEST_CASE("a server puts words into their steps, targets too, and answers with the sender's times") {
    Port port({.tcp = true, .host = "127.0.0.1", .port = 0}, Port::Role::listen);
    memprop::host::events::ReaderOptions shape;
    shape.input_size = 16;
    const WordMap map(shape);
    Echo network;
    Server server(port, network, map, {.dt_seconds = 1e-3, .realtime = false, .steps = 8});
    std::vector<Word> answers;
    std::thread client([&] {
        Port sender(port.address(), Port::Role::connect);
        const std::vector<Word> words{timed(3, 5000),
                                      timed(kTargetX, 5000),
                                      {.x = 4, .y = 0, .on = false, .timed = true, .time_us = 5999},
                                      timed(7, 9000),
                                      timed(5, 8000),
                                      timed(20, 9000),
                                      {.x = kTargetX, .y = 2, .on = false, .timed = true, .time_us = 9000},
                                      {.x = kTargetX, .y = 3, .on = false, .timed = true, .time_us = 9000},
                                      timed(1, 13000)};
        sender.send(words, Port::WhenFull::wait, kNever);
        Batch batch;
        while (answers.size() < 4 && sender.pop(batch, Clock::now() + std::chrono::seconds(10))) {
            answers.insert(answers.end(), batch.words.begin(), batch.words.end());
        }
    });
    server.run(kNever);
    client.join();
    REQUIRE(network.seen.size() == 8);
    CHECK(network.seen[0] == std::vector<std::uint32_t>{3, 4});
    CHECK(network.seen[1].empty());
    CHECK(network.seen[4] == std::vector<std::uint32_t>{7, 5});  // 5 was late
    CHECK(network.seen_targets == std::vector<std::pair<std::uint64_t, std::uint16_t>>{{0, 0}, {4, 2}});
    CHECK(server.report().late_events == 1);
    CHECK(server.report().malformed_words == 2);
    CHECK(server.report().events == 4);
    REQUIRE(answers.size() >= 4);
    CHECK(answers[0] == timed(3, 5000));
    CHECK(answers[2] == timed(7, 9000));
}

TEST_CASE("a full queue holds a TCP peer back and drops UDP words") {
    for (const bool tcp : {true, false}) {
        Port port({.tcp = tcp, .host = "127.0.0.1", .port = 0}, Port::Role::listen,
                  {.queued_words = 1000, .unsent_bytes = 1 << 16});
        Port sender(port.address(), Port::Role::connect);
        const std::vector<Word> words(128, Word{.x = 1, .y = 1, .on = false, .timed = false, .time_us = 0});
        for (int i = 0; i < 200; ++i) {
            sender.send(words, Port::WhenFull::wait, kNever);
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        std::size_t received = 0;
        Batch batch;
        while (port.pop(batch, Clock::now() + std::chrono::milliseconds(300))) {
            received += batch.words.size();
        }
        const PortCounters counters = port.counters();
        CHECK(received == counters.received_words);
        if (tcp) {
            CHECK(received == 200 * 128);
            CHECK(counters.dropped_words == 0);
        } else {
            CHECK(counters.dropped_words > 10'000);
            CHECK(received >= 1000);
            CHECK(received + counters.dropped_words + 128 * counters.lost_datagrams == 200 * 128);
        }
    }
}
