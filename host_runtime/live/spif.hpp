// Events on the wire, in the word format of SPIF (as AEStream sends it): 32-bit little-endian words
//   bit 31      1: no time; 0: a 32-bit word with the time in microseconds follows
//   bits 30-16  x
//   bit 15      polarity
//   bits 14-0   y
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace memprop::host::live {

struct Word {
    std::uint16_t x = 0, y = 0;
    bool on = false;
    bool timed = false;
    std::uint32_t time_us = 0;

    bool operator==(const Word&) const = default;
};

inline constexpr std::uint16_t kTargetX = 0x7FFF;  ///< with learning: the word carries a target
inline constexpr std::uint32_t kFieldLimit = 1U << 15;

/// Turns bytes that arrive in pieces of any size into words.
class WordDecoder {
public:
    void feed(std::span<const std::uint8_t> bytes, std::vector<Word>& out);

    /// Ends the stream: bytes of an unfinished word, which are forgotten. 0 if it ended between words.
    std::size_t finish();

private:
    void take(std::uint32_t value, std::vector<Word>& out);

    std::uint32_t partial_ = 0;  // bytes of the unfinished 32 bits
    unsigned partial_bytes_ = 0;
    bool has_event_ = false;  // an event that waits for its time
    Word event_;
};

/// Appends the bytes of a word.
void encode(const Word& word, std::vector<std::uint8_t>& out);

/// How many of the words in `bytes`, which holds whole ones, are not complete within its first `done` bytes.
std::uint64_t words_after(std::span<const std::uint8_t> bytes, std::size_t done);

}  // namespace memprop::host::live
