#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/events/step_stream.hpp"
#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/tests/recordings.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using memprop::InputError;
using namespace memprop::host;
using namespace memprop::host::events;

namespace {

using Pairs = std::vector<std::pair<std::int64_t, std::uint32_t>>;

constexpr SensorMap kSensor{6, 4, 2};  // index = p * 24 + y * 6 + x

Stream stream_of(const std::string& bytes) {
    return std::make_unique<std::istringstream>(bytes);
}

Pairs read_all(EventReader& reader) {
    Pairs result;
    std::vector<TimedEvent> block(64);
    while (const std::size_t count = reader.read(block)) {
        for (std::size_t i = 0; i < count; ++i) {
            result.emplace_back(block[i].time, block[i].index);
        }
    }
    return result;
}

Pairs read_csv(const std::string& text, double dt = 1e-3) {
    ReaderOptions options;
    options.dt_seconds = dt;
    options.input_size = 10;
    return read_all(*open_csv(stream_of(text), "e.csv", options));
}

std::string refusal_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

using Open = std::unique_ptr<EventReader> (*)(Stream, const std::string&, const SensorMap&);

std::string refusal_of(Open open, const std::string& bytes) {
    return refusal_of([&] { read_all(*open(stream_of(bytes), "rec", kSensor)); });
}

/// Every prefix of a recording is read or refused with its name, never more.
void check_prefixes(Open open, const std::string& bytes) {
    int refused = 0;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const std::string message = refusal_of(open, bytes.substr(0, length));
        if (message != "accepted") {
            CHECK(message.find("rec: byte ") == 0);
            ++refused;
        }
    }
    CHECK(refused > 0);
}

}  // namespace

TEST_CASE("events: CSV by step and by time") {
    CHECK(read_csv("step,index\n0,1\n0,1\n12,9\n") == Pairs{{0, 1}, {0, 1}, {12, 9}});
    CHECK(read_csv("\xEF\xBB\xBFstep,index\r\n 3 , 4 \r\n\r\n5,6") == Pairs{{3, 4}, {5, 6}});
    CHECK(read_csv("step,index\n").empty());
    // decimal fractions that are not exact in binary fall into the bin they are written for
    CHECK(read_csv("time_s,index\n0.003,1\n0.0069999,2\n0.007,3\n1e-2,4\n") ==
          Pairs{{3, 1}, {6, 2}, {7, 3}, {10, 4}});
    const auto refusal = [](const std::string& text) { return refusal_of([&] { read_csv(text); }); };
    CHECK(refusal("") == "e.csv: line 0: is empty; the first line must be 'step,index' or 'time_s,index'");
    CHECK(refusal("t,x,y,p\n").find("e.csv: line 1: the header is 't,x,y,p'") == 0);
    CHECK(refusal("step,index\n0,1\n1;2\n").find("e.csv: line 3: '1;2'") == 0);
    CHECK(refusal("step,index\n-1,1\n").find("e.csv: line 2: step = -1") == 0);
    CHECK(refusal("step,index\n1.5,1\n").find("e.csv: line 2: step = '1.5'") == 0);
    CHECK(refusal("step,index\n1,10\n")
              .find("e.csv: line 2: index = 10: the network's input has 10 elements") == 0);
    CHECK(refusal("step,index\n1,-1\n").find("e.csv: line 2: index = '-1'") == 0);
    CHECK(refusal("step,index\n99999999999999999999,1\n").find("e.csv: line 2: step = ") == 0);
    CHECK(refusal("time_s,index\nnan,1\n").find("e.csv: line 2: time_s = nan") == 0);
    CHECK(refusal("time_s,index\n,1\n").find("e.csv: line 2: time_s = ''") == 0);
    CHECK(refusal("step,index\n" + std::string(10000, '1')).find("longer than 4096 bytes") !=
          std::string::npos);
}

TEST_CASE("events: N-MNIST") {
    using recordings::n_mnist_event;
    const std::string bytes =
        n_mnist_event(5, 3, true, 70000) + n_mnist_event(0, 240, false, 0) + n_mnist_event(1, 2, false, 8);
    CHECK(read_all(*open_n_mnist(stream_of(bytes), "rec", kSensor)) ==
          Pairs{{70000, 24 + 18 + 5}, {8192 + 8, 12 + 1}});
    CHECK(refusal_of(open_n_mnist, n_mnist_event(0, 0, false, 1) + n_mnist_event(6, 0, false, 1)) ==
          "rec: byte 5: event at x = 6, y = 0 lies outside 6 x 4 pixels");
    check_prefixes(open_n_mnist, bytes);
}

TEST_CASE("events: DAT with a clock that wraps") {
    using recordings::dat_address;
    const std::string bytes = recordings::dat({{0xFFFFFFF0U, dat_address(5, 3, true)},
                                               {0x10U, dat_address(0, 1, false)},
                                               {0x0FU, dat_address(1, 0, false)}});
    CHECK(read_all(*open_prophesee_dat(stream_of(bytes), "rec", kSensor)) ==
          Pairs{{0xFFFFFFF0LL, 24 + 18 + 5}, {0x100000010LL, 6}, {0x10000000FLL, 1}});
    CHECK(refusal_of(open_prophesee_dat, "% only a header\n").find("the event type and size are missing") !=
          std::string::npos);
    CHECK(refusal_of(open_prophesee_dat, std::string("\x0E\x08", 2)).find("events of type 0x0E") !=
          std::string::npos);
    CHECK(refusal_of(open_prophesee_dat, bytes.substr(0, bytes.size() - 3)).find("middle of an event") !=
          std::string::npos);
    check_prefixes(open_prophesee_dat, bytes);
}

TEST_CASE("events: EVT2") {
    const auto cd = [](std::uint32_t on, std::uint32_t low, std::uint32_t x, std::uint32_t y) {
        return on << 28 | low << 22 | x << 11 | y;
    };
    const auto high = [](std::uint32_t t) { return 0x80000000U | t; };
    const std::string bytes = recordings::evt2({cd(1, 3, 1, 1), high(2), cd(1, 63, 5, 3), 0xA0000000U,
                                                high(0xFFFFFFF), cd(0, 0, 0, 0), high(0), cd(0, 1, 2, 0)});
    auto reader = open_prophesee_raw(stream_of(bytes), "rec", kSensor);
    CHECK(read_all(*reader) ==
          Pairs{{2 * 64 + 63, 24 + 18 + 5}, {0xFFFFFFFLL << 6, 0}, {(1LL << 34) + 1, 2}});
    CHECK(reader->skipped() == 1);  // the first has no time yet
    CHECK(
        refusal_of(open_prophesee_raw, recordings::evt2({0x50000000U})).find("unknown EVT2 word type 0x5") !=
        std::string::npos);
    CHECK(refusal_of(open_prophesee_raw, recordings::evt2({high(0), cd(0, 0, 6, 0)}))
              .find("lies outside 6 x 4 pixels") != std::string::npos);
    CHECK(refusal_of(open_prophesee_raw, "% evt 2.1\n% end\n").find("is EVT2.1") != std::string::npos);
    CHECK(refusal_of(open_prophesee_raw, "no header").find("names no format") != std::string::npos);
    check_prefixes(open_prophesee_raw, bytes);
}

TEST_CASE("events: Prophesee headers end where a line does not start with '%' and a space") {
    const auto cd = [](std::uint32_t x, std::uint32_t y) { return 1U << 28 | x << 11 | y; };
    std::string words;
    for (const std::uint32_t word : {0x80000025U, cd(5, 3), 0x80000A25U, cd(1, 0)}) {
        recordings::put(words, word);
    }
    const Pairs evt2{{0x25 * 64, 24 + 18 + 5}, {0xA25 * 64, 24 + 1}};
    for (const std::string header :
         {"% evt 2.0\n", "% date 2024\n% evt 2.0\n", "% format EVT2;height=4;width=6\n",
          "% evt 2.0\r\n% end\r\n",
          "% camera_integrator_name caf\xC3\xA9\n% format EVT2\n% evt 2.0\n% end\n"}) {
        CHECK(read_all(*open_prophesee_raw(stream_of(header + words), "rec", kSensor)) == evt2);
    }
    // EVT3 whose first words hold the bytes of '%' with all kinds of seconds, a space among them
    for (const std::uint16_t first :
         {std::uint16_t{0x8025}, std::uint16_t{0x0A25}, std::uint16_t{0x2025}, std::uint16_t{0x0D25}}) {
        std::string data;
        for (const std::uint16_t word : {first, std::uint16_t{0x8001}, std::uint16_t{0x6002},
                                         std::uint16_t{0x0003}, std::uint16_t{0x2805}}) {
            recordings::put(data, word);
        }
        CHECK(read_all(*open_prophesee_raw(stream_of("% evt 3.0\n" + data), "rec", kSensor)) ==
              Pairs{{0x1002, 24 + 18 + 5}});
    }
    CHECK(read_all(*open_prophesee_dat(stream_of(std::string("% Version 2\n% end\n\x00\x08", 20) +
                                                 std::string("\x05\0\0\0\x02\0\0\0", 8)),
                                       "rec", kSensor)) == Pairs{{5, 2}});
    CHECK(refusal_of(open_prophesee_raw, "% format EVT2.1\n% end\n").find("is EVT2.1") != std::string::npos);
    CHECK(refusal_of(open_prophesee_raw, "% evt 2.0x\n% end\n").find("names no format") != std::string::npos);
    CHECK(refusal_of(open_prophesee_raw, "%evt 2.0\n").find("names no format") != std::string::npos);
}

TEST_CASE("events: low bits of EVT3 times are 0 from a new high part to the next low one") {
    const auto word = [](unsigned type, unsigned payload) {
        return static_cast<std::uint16_t>(type << 12 | payload);
    };
    const auto bytes = recordings::evt3({word(8, 0), word(6, 4000), word(0, 0), word(2, 0), word(8, 1),
                                         word(2, 1), word(6, 7), word(2, 2), word(8, 1), word(2, 3),
                                         word(8, 0xFFF), word(2, 4), word(8, 0), word(2, 5)});
    CHECK(read_all(*open_prophesee_raw(stream_of(bytes), "rec", kSensor)) ==
          Pairs{{4000, 0}, {4096, 1}, {4096 + 7, 2}, {4096 + 7, 3}, {0xFFFLL << 12, 4}, {1LL << 24, 5}});
}

TEST_CASE("events: EVT3") {
    const auto word = [](unsigned type, unsigned payload) {
        return static_cast<std::uint16_t>(type << 12 | payload);
    };
    const std::string bytes = recordings::evt3({
        word(0x2, 1),  // no time and no row yet
        word(0x8, 0xFFF),
        word(0x6, 0x010),
        word(0x0, 3),          // high, low, row 3
        word(0x2, 5 | 0x800),  // a single ON pixel at x = 5
        word(0x6, 0x020),      // low replaces, it does not add
        word(0x3, 0),
        word(0x5, 0x21),  // OFF vector of 8 from x = 0: 0 and 5
        word(0x8, 0x000),
        word(0x6, 0x001),
        word(0x0, 0 | 0x800),  // wrap; row 0 of the other sensor half
        word(0x3, 0x800 | 2),
        word(0x4, 0x00B),  // ON vector of 12 from x = 2: 2, 3, 5
        word(0xA, 1),
        word(0xE, 0),
        word(0x7, 0),
        word(0xF, 0),
    });
    auto reader = open_prophesee_raw(stream_of(bytes), "rec", kSensor);
    const std::int64_t base = 0xFFFLL << 12, wrapped = 1LL << 24;
    CHECK(read_all(*reader) == Pairs{{base + 0x10, 24 + 18 + 5},
                                     {base + 0x20, 18},
                                     {base + 0x20, 18 + 5},
                                     {wrapped + 1, 24 + 2},
                                     {wrapped + 1, 24 + 3},
                                     {wrapped + 1, 24 + 5}});
    CHECK(reader->skipped() == 1);
    CHECK(
        refusal_of(open_prophesee_raw, recordings::evt3({word(0xB, 0)})).find("unknown EVT3 word type 0xB") !=
        std::string::npos);
    check_prefixes(open_prophesee_raw, bytes);
}

TEST_CASE("events: AEDAT4, plain and LZ4") {
    const std::vector<std::vector<recordings::Pixel>> packets{
        {{1000, 5, 3, true}, {1001, 0, 0, false}}, {}, {{5000, 1, 2, true}}};
    for (const int compression : {0, 1, 2}) {
        const std::string bytes = recordings::aedat4(packets, compression);
        CHECK(read_all(*open_aedat4(stream_of(bytes), "rec", kSensor)) ==
              Pairs{{1000, 24 + 18 + 5}, {1001, 0}, {5000, 24 + 12 + 1}});
        check_prefixes(open_aedat4, bytes);
        // flipped bytes: read or refused with the name
        for (std::size_t i = 14; i < bytes.size(); ++i) {
            std::string damaged = bytes;
            damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
            const std::string message = refusal_of(open_aedat4, damaged);
            CHECK((message == "accepted" || message.find("rec: byte ") == 0));
        }
    }
    CHECK(refusal_of(open_aedat4, recordings::aedat4({}, 3)).find("ZSTD") != std::string::npos);
    CHECK(refusal_of(open_aedat4, recordings::aedat4({{{1, 6, 0, true}}}, 0)).find("outside 6 x 4") !=
          std::string::npos);
    CHECK(refusal_of(open_aedat4, recordings::aedat4({{{1, -1, 0, true}}}, 0)).find("outside 6 x 4") !=
          std::string::npos);
    CHECK(refusal_of(open_aedat4, "#!AER-DAT2.0\r\n").find("is not AEDAT 4") != std::string::npos);
}

TEST_CASE("events: the HDF5 layout of the spoken digits") {
    const TemporaryDirectory directory;
    const auto path = directory / "shd.h5";
    {
        auto file = h5::File::create(path);
        file.write_sequences<float>("spikes/times", {{0.001F, 0.0025F}, {0.5F}});
        file.write_sequences<std::int64_t>("spikes/units", {{699, 0}, {700}});
        file.close();
    }
    ReaderOptions options;
    options.input_size = 700;
    CHECK(read_all(*open_shd(path, options)) == Pairs{{1, 699}, {2, 0}});
    options.sample = 1;
    CHECK(refusal_of([&] { open_shd(path, options); }).find("sample 1: spikes/units entry 0 is 700") !=
          std::string::npos);
    options.sample = 2;
    CHECK(refusal_of([&] { open_shd(path, options); }).find("spikes/times: has 2 rows, row 2") !=
          std::string::npos);
    auto other = h5::File::create(directory / "other.h5");
    other.write("x", std::vector<float>{1});
    other.close();
    CHECK(refusal_of([&] {
              open_shd(directory / "other.h5", options);
          }).find("dataset spikes/times is missing") != std::string::npos);
}

TEST_CASE("events: pixels of the input") {
    const auto map = [](std::optional<h5::Shape> shape, std::uint64_t size, std::uint32_t width,
                        std::uint32_t height) {
        ReaderOptions options;
        options.input_shape = std::move(shape);
        options.input_size = size;
        options.width = width;
        options.height = height;
        return sensor_map(options);
    };
    CHECK(map(h5::Shape{2, 34, 30}, 2040, 0, 0).polarities == 2);
    CHECK(map(h5::Shape{2, 34, 30}, 2040, 0, 0).width == 30);
    CHECK(map(h5::Shape{1, 34, 30}, 1020, 0, 0).polarities == 1);
    CHECK(map(h5::Shape{2040}, 2040, 30, 34).polarities == 2);
    CHECK(map(h5::Shape{1020}, 1020, 30, 34).polarities == 1);
    CHECK(map(h5::Shape{2, 4, 6}, 48, 0, 0).index(5, 3, true) == 47U);
    CHECK_FALSE(map(h5::Shape{2, 4, 6}, 48, 0, 0).index(5, 4, true).has_value());
    CHECK_THROWS_AS(map(h5::Shape{2040}, 2040, 0, 0), InputError);
    CHECK_THROWS_AS(map(h5::Shape{2040}, 2040, 31, 34), InputError);
    CHECK_THROWS_AS(map(h5::Shape{2, 34, 30}, 2040, 34, 34), InputError);
}

TEST_CASE("events: step by step, in order, in bounded memory") {
    // More events than two windows, each up to 100 steps too late.
    const std::size_t count = 5 * StepStream::kWindow / 2;
    std::string text = "step,index\n";
    for (std::size_t i = 0; i < count; ++i) {
        fmt::format_to(std::back_inserter(text), "{},{}\n", i / 100 + (i * 7919) % 100, i % 10);
    }
    ReaderOptions options;
    options.input_size = 10;
    StepStream stream(open_csv(stream_of(text), "e.csv", options), 1e-3, false);
    std::vector<std::uint32_t> indices;
    std::size_t total = 0;
    std::int64_t step = -1;
    while (stream.more()) {
        REQUIRE(stream.next_step() > step);
        step = stream.next_step();
        CHECK(stream.take(step, indices));
        total += indices.size();
    }
    CHECK(total == count);
    CHECK(stream.events_delivered() == count);
    // an event that is older than all of a window that has been given out
    text = "step,index\n";
    for (std::size_t i = 0; i < 3 * StepStream::kWindow; ++i) {
        text += "5,1\n";
    }
    StepStream late(open_csv(stream_of(text + "4,1\n"), "e.csv", options), 1e-3, false);
    CHECK_THROWS_WITH_AS(
        [&] {
            while (late.more()) {
                late.take(5, indices);
            }
        }(),
        doctest::Contains("out of order"), InputError);
}

TEST_CASE("events: camera bins start at the first event; the last may be dropped") {
    const auto packets = recordings::aedat4({{{10'000'700, 0, 0, false},
                                              {10'001'699, 1, 0, false},
                                              {10'001'700, 2, 0, false},
                                              {10'003'000, 3, 0, false}}},
                                            0);
    for (const bool drop : {false, true}) {
        StepStream stream(open_aedat4(stream_of(packets), "rec", kSensor), 1e-3, drop);
        std::vector<std::uint32_t> indices;
        REQUIRE(stream.more());
        CHECK(stream.next_step() == 0);
        CHECK(stream.take(0, indices));
        CHECK(indices == std::vector<std::uint32_t>{0, 1});
        CHECK(stream.take(1, indices));
        CHECK(indices == std::vector<std::uint32_t>{2});
        CHECK(stream.next_step() == 2);
        CHECK(stream.take(2, indices) == !drop);
        CHECK(indices.size() == (drop ? 0 : 1));
        CHECK(stream.dropped() == (drop ? 1 : 0));
        CHECK_FALSE(stream.more());
    }
    ReaderOptions options;
    options.input_size = 10;
    CHECK_THROWS_AS(StepStream(open_csv(stream_of("step,index\n"), "e.csv", options), 1e-3, true),
                    InputError);
}

TEST_CASE("events: files are recognised by name") {
    const TemporaryDirectory directory;
    ReaderOptions options;
    options.input_size = 48;
    options.input_shape = h5::Shape{2, 4, 6};
    const auto write = [&](const std::string& name, const std::string& bytes) {
        std::ofstream(directory / name, std::ios::binary) << bytes;
        return (directory / name).string();
    };
    CHECK(read_all(*open_events(write("a.bin", recordings::n_mnist_event(0, 1, true, 5)), options)) ==
          Pairs{{5, 30}});
    CHECK(read_all(*open_events(write("a.csv", "step,index\n1,2\n"), options)) == Pairs{{1, 2}});
    CHECK(read_all(*open_events(write("A.DAT", recordings::dat({{7, 0}})), options)) == Pairs{{7, 0}});
    CHECK(refusal_of([&] { open_events(write("a.xyz", ""), options); }).find("the name must end in") !=
          std::string::npos);
    CHECK(refusal_of([&] {
              open_events((directory / "gone.csv").string(), options);
          }).find("gone.csv: cannot be read") != std::string::npos);
    CHECK(refusal_of([&] { open_events(directory.path().string() + "/", options); }) != "accepted");
}
