// Bytes of a stream with their offset, through one buffer of fixed size.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/events/event_reader.hpp"

namespace memprop::host::events {

class ByteSource {
public:
    ByteSource(Stream in, std::string name)
        : in_(std::move(in)), name_(std::move(name)), buffer_(kBufferBytes) {}

    const std::string& name() const { return name_; }
    std::uint64_t offset() const { return offset_; }  ///< of the next byte

    [[noreturn]] void fail(std::uint64_t at, std::string_view reason) const {
        throw InputError(fmt::format("{}: byte {}: {}", name_, at, reason));
    }

    /// The next bytes without taking them: `count` of them (at most kBufferBytes), fewer only at the end.
    std::span<const std::uint8_t> peek(std::size_t count) {
        if (end_ - begin_ < count) {
            refill(count);
        }
        return {buffer_.data() + begin_, std::min(count, end_ - begin_)};
    }

    void skip(std::size_t count) {
        begin_ += count;
        offset_ += count;
    }

    /// Takes one little-endian number; false at the end. A partial number at the end is an error.
    template <class T>
    bool read(T& value) {
        const auto bytes = peek(sizeof(T));
        if (bytes.empty()) {
            return false;
        }
        if (bytes.size() < sizeof(T)) {
            fail(offset_, "the recording ends in the middle of an event");
        }
        std::memcpy(&value, bytes.data(), sizeof(T));  // all supported machines are little-endian
        skip(sizeof(T));
        return true;
    }

    /// Takes a line without its end; false at the end of the stream. Lines longer than 4096 bytes are an
    /// error.
    bool read_line(std::string_view& line) {
        constexpr std::size_t kMaxLine = 4096;
        const auto bytes = peek(kMaxLine);
        if (bytes.empty()) {
            return false;
        }
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos && text.size() == kMaxLine) {
            fail(offset_, "a line is longer than 4096 bytes");
        }
        line = text.substr(0, end);
        skip(end == std::string_view::npos ? text.size() : end + 1);
        if (!line.empty() && line.back() == '\r') {
            line.remove_suffix(1);
        }
        return true;
    }

    static constexpr std::size_t kBufferBytes = 1 << 18;

private:
    void refill(std::size_t count) {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        while (end_ < count && in_->good()) {
            in_->read(reinterpret_cast<char*>(buffer_.data()) + end_,
                      static_cast<std::streamsize>(buffer_.size() - end_));
            end_ += static_cast<std::size_t>(in_->gcount());
        }
        if (in_->bad()) {
            fail(offset_, "cannot be read");
        }
    }

    Stream in_;
    std::string name_;
    std::vector<std::uint8_t> buffer_;
    std::size_t begin_ = 0, end_ = 0;
    std::uint64_t offset_ = 0;
};

/// Common to camera recordings: pixels become events of the network's input.
class CameraReader : public EventReader {
public:
    CameraReader(ByteSource source, const SensorMap& map) : source_(std::move(source)), map_(map) {}
    TimeUnit unit() const override { return TimeUnit::microseconds; }

protected:
    TimedEvent event(std::int64_t time, std::uint32_t x, std::uint32_t y, bool on, std::uint64_t at) const {
        const auto index = map_.index(x, y, on);
        if (!index) {
            source_.fail(at, fmt::format("event at x = {}, y = {} lies outside {} x {} pixels", x, y,
                                         map_.width, map_.height));
        }
        return {time, *index};
    }

    ByteSource source_;
    SensorMap map_;
};

}  // namespace memprop::host::events
