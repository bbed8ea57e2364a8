#include "hw_models/digital_core/lfsr.hpp"

#include <cstring>

namespace memprop::hw {
namespace {

constexpr unsigned flip_flop_of_7bit(unsigned i) {  // which d[] step i of the window folds in
    return i <= 7 ? 2 * i - 1 : 2 * (i - 7);
}

}  // namespace

std::uint32_t window_of_contents_7bit(std::uint32_t contents) {
    std::uint32_t window = contents & 1;
    for (unsigned i = 1; i < 15; ++i) {
        const std::uint32_t bit = (window >> (i - 1) ^ contents >> flip_flop_of_7bit(i)) & 1;
        window |= bit << i;
    }
    return window;
}

std::uint32_t contents_of_window_7bit(std::uint32_t window) {
    std::uint32_t contents = window & 1;
    for (unsigned i = 1; i < 15; ++i) {
        contents |= ((window >> i ^ window >> (i - 1)) & 1) << flip_flop_of_7bit(i);
    }
    return contents;
}

void RoundingLfsrs::load(Kind kind, unsigned n, std::uint32_t contents) {
    const std::uint32_t d = contents & 0x7FFF;
    window_[2U * kind + n] = static_cast<std::uint16_t>(kind == output_trace ? window_of_contents_7bit(d)
                                                                             : window_of_contents<15, 1>(d));
}

std::uint32_t RoundingLfsrs::contents(Kind kind, unsigned n) const {
    const std::uint32_t window = window_[2U * kind + n];
    return kind == output_trace ? contents_of_window_7bit(window) : contents_of_window<15, 1>(window);
}

void RoundingLfsrs::next(Words out, unsigned neurons, const std::uint8_t* membrane_advances) {
    constexpr std::uint16_t kAll = 0x7FFF;
    alignas(16) std::array<std::uint16_t, 8> w = window_;
    for (unsigned j = 0; j < neurons; j += 2) {
        for (unsigned kind = 0; kind < 4; ++kind) {
            std::memcpy(out.of_kind[kind] + j, &w[2UL * kind], 2 * sizeof(std::uint16_t));
        }
        const std::uint16_t moves = membrane_advances[j] != 0 ? kAll : 0;
        const std::uint16_t by_15[8] = {moves, moves, kAll, kAll, kAll, kAll, 0, 0};
        const std::uint16_t by_7[8] = {0, 0, 0, 0, 0, 0, kAll, kAll};
        for (unsigned lane = 0; lane < 8; ++lane) {
            auto y = static_cast<std::uint16_t>(w[lane] ^ (w[lane] >> 14));
            y = static_cast<std::uint16_t>(y ^ (y << 1));
            y = static_cast<std::uint16_t>(y ^ (y << 2));
            y = static_cast<std::uint16_t>(y ^ (y << 4));
            y = static_cast<std::uint16_t>(y ^ (y << 8));
            const auto shifted = static_cast<std::uint16_t>((w[lane] >> 7) | (y << 8));
            w[lane] = static_cast<std::uint16_t>((y & by_15[lane]) | (shifted & by_7[lane]) |
                                                 (w[lane] & ~(by_15[lane] | by_7[lane]) & kAll));
        }
    }
    window_ = w;
}

}  // namespace memprop::hw
