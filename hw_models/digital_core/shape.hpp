// Sizes and widths of the digital core. The defaults are those of the chip (ReckOn: Frenkel and Indiveri,
// "A 28nm sub-mm2 task-agnostic spiking recurrent neural network processor enabling on-chip learning over
// second-long timescales", ISSCC 2022; public RTL github.com/ChFrenkel/ReckOn).
#pragma once

#include <cstdint>
#include <string_view>

namespace memprop::hw {

inline constexpr std::uint32_t kMaxNeurons =
    256;                                          ///< an AER address and half an SPI word address have 8 bits
inline constexpr std::uint32_t kMaxOutputs = 16;  ///< lanes of one W_out word

struct CoreShape {
    std::uint32_t inputs = kMaxNeurons;    ///< power of two in [2, 256]; bits of register 94 = log2
    std::uint32_t neurons = kMaxNeurons;   ///< recurrent LIF; power of two in [2, 256]; register 95
    std::uint32_t outputs = kMaxOutputs;   ///< output LI; power of two in [2, 16]; register 96
    std::uint32_t weight_bits = 8;         ///< two's complement, [2, 8]
    std::uint32_t membrane_bits = 16;      ///< LIF and output membranes, two's complement, [8, 16]
    std::uint32_t trace_bits = 12;         ///< input and recurrent traces, unsigned, [4, 12]
    std::uint32_t output_trace_bits = 10;  ///< unsigned, [4, 10]

    /// Throws InputError naming the field ("digital_core.inputs") if one is out of range.
    void validate(std::string_view where = "digital_core") const;
};

/// Keeps the low `bits` bits of a value as two's complement: what a narrower register would hold.
constexpr std::int32_t wrap_signed(std::int32_t value, std::uint32_t bits) {
    const std::uint32_t unused = 32 - bits;
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) << unused) >> unused;
}

}  // namespace memprop::hw
