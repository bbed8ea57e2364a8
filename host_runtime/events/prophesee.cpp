// Prophesee recordings: EVT2 and EVT3 (.raw) and DAT (.dat), after the format pages of the Metavision SDK and
// the decoders of OpenEB.
// Times wrap (34, 24 and 32 bits of microseconds): a step back by more than half the range is a wrap.
#include <algorithm>
#include <optional>

#include "host_runtime/events/byte_source.hpp"

namespace memprop::host::events {
namespace {

/// Whether a header line comes next: it starts with '%' and a space, and all of it is text. Without the line
/// "% end", which many files lack, the first data byte may be a '%' too.
bool is_header_line(ByteSource& source) {
    constexpr std::size_t kMaxLine = 4096;
    const auto bytes = source.peek(kMaxLine);
    if (bytes.size() < 2 || bytes[0] != '%' || bytes[1] != ' ') {
        return false;
    }
    const auto end = std::find(bytes.begin(), bytes.end(), '\n');
    return std::all_of(bytes.begin(), end,
                       [](std::uint8_t c) { return (c >= 0x20 && c != 0x7F) || c == '\t' || c == '\r'; });
}

/// The lines of a header, up to the first that is none or up to "% end".
std::vector<std::string> read_header(ByteSource& source) {
    constexpr std::size_t kMaxHeader = 1 << 16;
    std::vector<std::string> header;
    std::size_t size = 0;
    while (is_header_line(source)) {
        const std::uint64_t at = source.offset();
        std::string_view line;
        source.read_line(line);
        header.emplace_back(line);
        size += line.size() + 1;
        if (size > kMaxHeader) {
            source.fail(at, "the header is longer than 65536 bytes");
        }
        if (line == "% end") {
            break;
        }
    }
    return header;
}

/// What a header line says of a key: "2.0" of "% evt 2.0"; of several, the first. Empty if there is none.
std::string_view value_of(const std::vector<std::string>& header, std::string_view key) {
    for (const std::string& line : header) {
        std::string_view rest(line);
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 2));
        if (rest.starts_with(key) && rest.substr(key.size()).starts_with(' ')) {
            rest.remove_prefix(key.size() + 1);
            rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
            return rest.substr(0, rest.find_first_of("; \t"));
        }
    }
    return {};
}

/// Time from a counter of `bits` bits that starts again at 0.
class WrappingClock {
public:
    explicit WrappingClock(int bits) : range_(std::int64_t{1} << bits) {}

    std::int64_t extend(std::int64_t counter) {
        if (counter < last_ && last_ - counter > range_ / 2) {
            base_ += range_;
        }
        last_ = counter;
        return base_ + counter;
    }

private:
    std::int64_t range_, base_ = 0, last_ = 0;
};

/// 32-bit words: type in [31:28]. 0/1 OFF/ON: time[5:0] in [27:22], x [21:11], y [10:0]; 8: time[33:6].
class Evt2Reader final : public CameraReader {
public:
    using CameraReader::CameraReader;

    std::uint64_t skipped() const override { return skipped_; }

    std::size_t read(std::span<TimedEvent> out) override {
        std::size_t count = 0;
        std::uint32_t word = 0;
        while (count < out.size()) {
            const std::uint64_t at = source_.offset();
            if (!source_.read(word)) {
                break;
            }
            switch (word >> 28) {
                case 0x0:
                case 0x1:
                    if (!high_) {
                        ++skipped_;
                        break;
                    }
                    out[count++] = event(*high_ + (word >> 22 & 0x3F), word >> 11 & 0x7FF, word & 0x7FF,
                                         word >> 28 == 1, at);
                    break;
                case 0x8:
                    high_ = clock_.extend(std::int64_t{word & 0xFFFFFFF} << 6);
                    break;
                case 0xA:  // external trigger
                case 0xE:  // vendor data
                case 0xF:  // its continuation
                    break;
                default:
                    source_.fail(at, fmt::format("unknown EVT2 word type 0x{:X}", word >> 28));
            }
        }
        return count;
    }

private:
    WrappingClock clock_{34};
    std::optional<std::int64_t> high_;
    std::uint64_t skipped_ = 0;
};

/// 16-bit words: type in [15:12]. A row (y), then single pixels or vectors of 12 or 8 from a base column.
class Evt3Reader final : public CameraReader {
public:
    using CameraReader::CameraReader;

    std::uint64_t skipped() const override { return skipped_; }

    std::size_t read(std::span<TimedEvent> out) override {
        constexpr std::size_t kMostPerWord = 12;
        if (out.size() < kMostPerWord) {
            throw RunError("EVT3 needs room for 12 events");
        }
        std::size_t count = 0;
        std::uint16_t word = 0;
        while (count + kMostPerWord <= out.size()) {
            const std::uint64_t at = source_.offset();
            if (!source_.read(word)) {
                break;
            }
            const std::uint16_t payload = word & 0xFFF;
            switch (word >> 12) {
                case 0x0:
                    y_ = payload & 0x7FF;
                    break;
                case 0x2:
                    add(out, count, payload & 0x7FF, (payload & 0x800) != 0, at);
                    break;
                case 0x3:
                    base_x_ = payload & 0x7FF;
                    base_on_ = (payload & 0x800) != 0;
                    break;
                case 0x4:
                    add_vector(out, count, payload, 12, at);
                    break;
                case 0x5:
                    add_vector(out, count, payload & 0xFF, 8, at);
                    break;
                case 0x6:
                    low_ = payload;
                    break;
                case 0x8:
                    set_high(clock_.extend(std::int64_t{payload} << 12));
                    break;
                case 0x7:  // continuations, triggers and vendor data
                case 0xA:
                case 0xE:
                case 0xF:
                    break;
                default:
                    source_.fail(at, fmt::format("unknown EVT3 word type 0x{:X}", word >> 12));
            }
        }
        return count;
    }

private:
    /// The low bits of another high part say nothing of this one: they are 0 until they come.
    void set_high(std::int64_t high) {
        if (high_ != high) {
            low_ = 0;
        }
        high_ = high;
    }

    void add(std::span<TimedEvent> out, std::size_t& count, std::uint32_t x, bool on, std::uint64_t at) {
        if (!high_ || !y_) {
            ++skipped_;
            return;
        }
        out[count++] = event(*high_ + low_, x, *y_, on, at);
    }

    void add_vector(std::span<TimedEvent> out, std::size_t& count, std::uint32_t mask, std::uint32_t width,
                    std::uint64_t at) {
        for (std::uint32_t i = 0; i < width; ++i) {
            if ((mask >> i & 1) != 0) {
                add(out, count, base_x_ + i, base_on_, at);
            }
        }
        base_x_ += width;
    }

    WrappingClock clock_{24};
    std::optional<std::int64_t> high_;
    std::optional<std::uint32_t> y_;
    std::int64_t low_ = 0;
    std::uint32_t base_x_ = 0;
    bool base_on_ = false;
    std::uint64_t skipped_ = 0;
};

/// Eight bytes: u32 time in us; u32 with x [13:0], y [27:14], polarity [31:28].
class DatReader final : public CameraReader {
public:
    DatReader(ByteSource source, const SensorMap& map) : CameraReader(std::move(source), map) {
        read_header(source_);
        const std::uint64_t at = source_.offset();
        const auto bytes = source_.peek(2);
        if (bytes.size() < 2) {
            source_.fail(at, "the event type and size are missing");
        }
        if ((bytes[0] != 0x00 && bytes[0] != 0x0C) || bytes[1] != 8) {
            source_.fail(
                at, fmt::format("events of type 0x{:02X} and {} bytes; type 0x00 or 0x0C of 8 bytes is read",
                                bytes[0], bytes[1]));
        }
        source_.skip(2);
    }

    std::size_t read(std::span<TimedEvent> out) override {
        std::size_t count = 0;
        while (count < out.size()) {
            const std::uint64_t at = source_.offset();
            std::uint64_t word = 0;
            if (!source_.read(word)) {
                break;
            }
            const auto address = static_cast<std::uint32_t>(word >> 32);
            out[count++] = event(clock_.extend(static_cast<std::int64_t>(word & 0xFFFFFFFF)),
                                 address & 0x3FFF, address >> 14 & 0x3FFF, address >> 28 != 0, at);
        }
        return count;
    }

private:
    WrappingClock clock_{32};
};

}  // namespace

std::unique_ptr<EventReader> open_prophesee_raw(Stream in, const std::string& name, const SensorMap& map) {
    ByteSource source(std::move(in), name);
    const std::vector<std::string> header = read_header(source);
    const std::string_view version = value_of(header, "evt"), format = value_of(header, "format");
    if (version == "2.1" || format == "EVT21" || format == "EVT2.1") {
        source.fail(0, "is EVT2.1; EVT2 and EVT3 are read");
    }
    if (version == "3.0" || format == "EVT3") {
        return std::make_unique<Evt3Reader>(std::move(source), map);
    }
    if (version == "2.0" || format == "EVT2") {
        return std::make_unique<Evt2Reader>(std::move(source), map);
    }
    source.fail(0, "the header names no format ('% evt 2.0', '% evt 3.0' or '% format EVT2' or 'EVT3')");
}

std::unique_ptr<EventReader> open_prophesee_dat(Stream in, const std::string& name, const SensorMap& map) {
    return std::make_unique<DatReader>(ByteSource(std::move(in), name), map);
}

}  // namespace memprop::host::events
