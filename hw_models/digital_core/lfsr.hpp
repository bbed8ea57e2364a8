// Random generators of the core: Fibonacci LFSRs unfolded so that one clock gives many bits. Each is a serial
// sequence s[k+n] = s[k] ^ s[k+t] of which every enabled clock takes the next m bits (bit 0 first). Only the
// first n bits ("window") are state, and whole words follow from it:
//   y[i] = s[n+i] = (s[i] ^ [i < n-t] s[t+i]) ^ y[i-(n-t)]       a prefix XOR of stride n-t,
//   s[k + 64 n] = s[k] ^ s[k + 64 t]                            squaring: the recurrence on 64-bit words.
// The flip-flops of the RTL hold another basis of the same state ("contents" d below); seeds are written in
// that basis and golden vectors show it.
#pragma once

#include <array>
#include <cstdint>

namespace memprop::hw {

/// The n bits of the sequence that follow a window of n bits.
template <unsigned n, unsigned t>
constexpr std::uint64_t following_bits(std::uint64_t window) {
    constexpr unsigned stride = n - t;
    std::uint64_t y = window ^ (window >> t);
    for (unsigned shift = stride; shift < n; shift *= 2) {
        y ^= y << shift;
    }
    return y & ((std::uint64_t{1} << n) - 1);
}

/// s[i] = d[i] ^ s[i-stride]: flip-flop contents to window for all but the `to` and `y` generators.
template <unsigned n, unsigned stride>
constexpr std::uint32_t window_of_contents(std::uint32_t contents) {
    std::uint64_t s = contents;
    for (unsigned shift = stride; shift < n; shift *= 2) {
        s ^= s << shift;
    }
    return static_cast<std::uint32_t>(s & ((std::uint64_t{1} << n) - 1));
}

template <unsigned n, unsigned stride>
constexpr std::uint32_t contents_of_window(std::uint32_t window) {
    return (window ^ (window << stride)) & static_cast<std::uint32_t>((std::uint64_t{1} << n) - 1);
}

/// The 7-bit generators (output traces, output membranes) number their flip-flops odd places first.
std::uint32_t window_of_contents_7bit(std::uint32_t contents);
std::uint32_t contents_of_window_7bit(std::uint32_t window);

/// Weight-update generator: `words` 64-bit words per clock.
template <unsigned n, unsigned t, unsigned words>
class RowLfsr {
public:
    static constexpr unsigned kStride = n - t;

    void load(std::uint32_t contents) {
        std::uint64_t window = window_of_contents<n, kStride>(contents & ((1U << n) - 1));
        ring_.fill(0);
        for (unsigned block = 0; block < 64; ++block) {  // n words = 64 windows
            const unsigned bit = block * n;
            ring_[bit / 64] |= window << (bit % 64);
            if (bit % 64 + n > 64) {
                ring_[bit / 64 + 1] |= window >> (64 - bit % 64);
            }
            window = following_bits<n, t>(window);
        }
        base_ = 0;
    }

    /// The bits of one clock; moves on.
    std::array<std::uint64_t, words> next() {
        std::array<std::uint64_t, words> out;
        for (unsigned i = 0; i < words; ++i) {
            const unsigned w = base_ + i;
            out[i] = ring_[w % kRing];
            ring_[(w + n) % kRing] = ring_[w % kRing] ^ ring_[(w + t) % kRing];
        }
        base_ = (base_ + words) % kRing;
        return out;
    }

    std::uint32_t contents() const {
        return contents_of_window<n, kStride>(static_cast<std::uint32_t>(ring_[base_] & ((1U << n) - 1)));
    }

private:
    static constexpr unsigned kRing = 64;  // holds the n words that the next ones follow from
    static_assert(n + words <= kRing && n < 32);
    std::array<std::uint64_t, kRing> ring_{};
    unsigned base_ = 0;
};

using HiddenWeightLfsr = RowLfsr<25, 22, 8>;  ///< x^25+x^22+1, 16 lanes of 32 bits
using OutputWeightLfsr = RowLfsr<22, 21, 7>;  ///< x^22+x^21+1, 16 lanes of 28 bits

/// Membrane noise: x^17+x^14+1, 32 bits per clock.
class NoiseLfsr {
public:
    void load(std::uint32_t contents) { window_ = window_of_contents<17, 3>(contents & 0x1FFFF); }
    std::uint32_t next() {
        const std::uint64_t next17 = following_bits<17, 14>(window_);
        const std::uint64_t bits = window_ | next17 << 17 | following_bits<17, 14>(next17) << 34;
        window_ = static_cast<std::uint32_t>(bits >> 32 & 0x1FFFF);
        return static_cast<std::uint32_t>(bits);
    }
    std::uint32_t contents() const { return contents_of_window<17, 3>(window_); }

private:
    std::uint32_t window_ = 0;
};

/// Rounding of one output membrane: x^15+x^14+1, 7 bits per clock.
class OutputRoundingLfsr {
public:
    void load(std::uint32_t contents) { window_ = window_of_contents_7bit(contents); }
    std::uint32_t next() {
        const std::uint32_t random = window_ & 0x7F;
        window_ = window_ >> 7 | (static_cast<std::uint32_t>(following_bits<15, 14>(window_)) & 0x7F) << 8;
        return random;
    }
    std::uint32_t contents() const { return contents_of_window_7bit(window_); }

private:
    std::uint32_t window_ = 0;
};

/// The eight generators that round the neuron words, all x^15+x^14+1, side by side: u, ti, tr (15 bits per
/// clock) and to (7 bits per clock) of the two neurons n = 0, 1 of a word.
class RoundingLfsrs {
public:
    enum Kind : std::uint8_t { membrane = 0, input_trace = 1, recurrent_trace = 2, output_trace = 3 };

    void load(Kind kind, unsigned n, std::uint32_t contents);
    std::uint32_t contents(Kind kind, unsigned n) const;

    /// Random words of `neurons` neurons (two per clock), one array per kind; each of length >= neurons.
    /// membrane_advances[j] of an even j says whether the membrane generators move after that word.
    struct Words {
        std::uint16_t* of_kind[4];
    };
    void next(Words out, unsigned neurons, const std::uint8_t* membrane_advances);

private:
    std::array<std::uint16_t, 8> window_{};  // index 2 * kind + n
};

}  // namespace memprop::hw
