// Words, addresses, the clock of steps, latencies, and a server on a scripted network, over loopback.
#include <doctest/doctest.h>

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

}  // namespace

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

const std::function<bool()> kNever = [] { return false; };

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
