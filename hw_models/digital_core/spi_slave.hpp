// The SPI slave, bit by bit: 32-bit address word {read, code[2:0], words[11:0], start[15:0]}, then data
// words, MSB first. MOSI is sampled on rising edges of SCK, counters and strobes move on falling edges.
// Registers are written in the SCK domain at once; memory and seed accesses are strobes that the owner
// carries into the clock domain.
#pragma once

#include <cstdint>
#include <optional>

#include "hw_models/digital_core/core.hpp"

namespace memprop::hw {

class SpiSlave {
public:
    struct RegisterWrite {
        std::uint32_t number = 0, value = 0;
    };
    /// Configuration code: the seed of this register is to be loaded.
    struct Strobe {
        bool read = false;
        MemoryCode code{};
        std::uint32_t address = 0, data = 0;
    };

    void reset();
    std::optional<RegisterWrite> rising_edge(bool mosi);
    std::optional<Strobe> falling_edge(std::uint32_t readback);
    /// Level of MISO; `readback` is what the core's read register holds.
    bool miso(std::uint32_t readback) const;

private:
    std::uint32_t words_done() const { return count_ >> 5; }
    bool last_bit_of_word() const { return (count_ & 31) == 31; }

    std::uint32_t count_ = 0;  // bits, the address word included
    std::uint32_t address_ = 0, shift_in_ = 0, shift_out_ = 0;
};

}  // namespace memprop::hw
