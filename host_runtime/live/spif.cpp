#include "host_runtime/live/spif.hpp"

#include <cstring>

namespace memprop::host::live {

void WordDecoder::take(std::uint32_t value, std::vector<Word>& out) {
    if (has_event_) {
        event_.time_us = value;
        out.push_back(event_);
        has_event_ = false;
        return;
    }
    event_ = {.x = static_cast<std::uint16_t>(value >> 16U & 0x7FFFU),
              .y = static_cast<std::uint16_t>(value & 0x7FFFU),
              .on = (value & 0x8000U) != 0,
              .timed = (value >> 31U) == 0,
              .time_us = 0};
    if (event_.timed) {
        has_event_ = true;
    } else {
        out.push_back(event_);
    }
}

void WordDecoder::feed(std::span<const std::uint8_t> bytes, std::vector<Word>& out) {
    std::size_t at = 0;
    const auto one_byte = [&] {
        partial_ |= static_cast<std::uint32_t>(bytes[at++]) << (8U * partial_bytes_);
        if (++partial_bytes_ == 4) {
            take(partial_, out);
            partial_ = partial_bytes_ = 0;
        }
    };
    while (at < bytes.size() && partial_bytes_ != 0) {
        one_byte();
    }
    for (; at + 4 <= bytes.size(); at += 4) {
        std::uint32_t value = 0;
        std::memcpy(&value, bytes.data() + at, 4);  // all supported machines are little-endian
        take(value, out);
    }
    while (at < bytes.size()) {
        one_byte();
    }
}

std::size_t WordDecoder::finish() {
    const std::size_t left = partial_bytes_ + (has_event_ ? 4U : 0U);
    partial_ = partial_bytes_ = 0;
    has_event_ = false;
    return left;
}

std::uint64_t words_after(std::span<const std::uint8_t> bytes, std::size_t done) {
    std::uint64_t count = 0;
    for (std::size_t end = 0; end < bytes.size();) {
        const bool timed = (bytes[end + 3] & 0x80U) == 0;
        end += timed ? 8 : 4;
        count += end > done ? 1 : 0;
    }
    return count;
}

void encode(const Word& word, std::vector<std::uint8_t>& out) {
    const auto put = [&](std::uint32_t value) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            out.push_back(static_cast<std::uint8_t>(value >> shift));
        }
    };
    put((word.timed ? 0U : 1U << 31U) | static_cast<std::uint32_t>(word.x & 0x7FFFU) << 16U |
        (word.on ? 0x8000U : 0U) | (word.y & 0x7FFFU));
    if (word.timed) {
        put(word.time_us);
    }
}

}  // namespace memprop::host::live
