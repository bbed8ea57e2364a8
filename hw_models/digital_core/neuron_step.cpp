#include "hw_models/digital_core/neuron_step.hpp"

#include <algorithm>
#include <cstring>

namespace memprop::hw {
namespace {

struct RoundingWords {
    alignas(64) std::array<std::uint16_t, kMaxNeurons> u, ti, tr, to;
};

// Bit j of the result = flag[j] of eight bytes that are 0 or 1.
std::uint64_t pack_flags(const std::uint8_t* flag) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, flag, sizeof bytes);
    return bytes * 0x0102040810204080U >> 56;
}

void write_spikes(CoreState& state, const std::uint8_t* spike, std::uint32_t first, std::uint32_t last) {
    std::uint32_t j = first;
    for (; j % 8 != 0 && j < last; ++j) {
        state.z.assign(j, spike[j] != 0);
    }
    for (; j + 8 <= last; j += 8) {
        std::uint64_t& word = state.z.words()[j / 64];
        word = (word & ~(std::uint64_t{0xFF} << (j % 64))) | pack_flags(spike + j) << (j % 64);
    }
    for (; j < last; ++j) {
        state.z.assign(j, spike[j] != 0);
    }
}

// Rounding up needs a non-zero quotient, so positive values decay to exactly 0 while -1 persists until
// rounded up. All loops: plain integer arithmetic on whole arrays, for the compiler to vectorise.
void step_membranes(CoreState& state, const Registers& registers, const RoundingWords& random,
                    std::uint8_t* spike, std::uint32_t first, std::uint32_t last) {
    const std::uint32_t rounding = registers.flag(Reg::EN_STOCH_ROUND) ? 0xFFFF : 0;
    const std::int32_t keep_on_spike = registers.flag(Reg::RST_MODE) ? 0 : -1;  // RST_MODE = 1: reset to 0
    const unsigned unused = 32 - state.shape.membrane_bits;
    for (std::uint32_t j = first; j < last; ++j) {
        const std::int32_t u = state.u[j], thr = state.thr[j], alpha = state.alpha[j];
        const std::int32_t product = u * alpha;
        std::int32_t q = product << 1 >> 16;  // s16 field [30:15]
        const std::int32_t fraction = product & 0x7FFF;
        const auto up = static_cast<std::int32_t>((fraction >= random.u[j]) & (q != 0) & (alpha != 0x8000) &
                                                  (rounding != 0));
        q += up;
        // The threshold is compared with the membrane *before* its leak.
        const std::int32_t fires = u >= thr ? -1 : 0;
        const std::int32_t reset = (q - thr) & keep_on_spike;
        const std::int32_t next = (reset & fires) | (q & ~fires);
        state.u[j] = static_cast<std::int16_t>(
            static_cast<std::int32_t>(static_cast<std::uint32_t>(next) << unused) >> unused);
        spike[j] = static_cast<std::uint8_t>(fires & 1);
    }
}

void step_hidden_traces(std::uint16_t* trace, const std::uint16_t* alpha, const std::uint16_t* random,
                        bool rounding, std::uint32_t mask, std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t j = first; j < last; ++j) {
        const std::uint32_t product = static_cast<std::uint32_t>(trace[j]) * alpha[j];
        const std::uint32_t q = product >> 15 & 0xFFF;
        const std::uint32_t fraction = product & 0x7FFF;
        const auto up = static_cast<std::uint32_t>((fraction >= random[j]) & (q != 0) & (alpha[j] != 0x8000) &
                                                   static_cast<int>(rounding));
        trace[j] = static_cast<std::uint16_t>((q + up) & mask);
    }
}

void step_output_traces(std::uint16_t* trace, std::uint32_t kappa, const std::uint16_t* random, bool rounding,
                        std::uint32_t mask, std::uint32_t first, std::uint32_t last) {
    const bool rounds = rounding && kappa != 0x80;
    for (std::uint32_t j = first; j < last; ++j) {
        const std::uint32_t product = trace[j] * kappa;
        const std::uint32_t q = product >> 7 & 0x3FF;
        const std::uint32_t fraction = product & 0x7F;
        const auto up = static_cast<std::uint32_t>((fraction >= (random[j] & 0x7FU)) & (q != 0) &
                                                   static_cast<int>(rounds));
        trace[j] = static_cast<std::uint16_t>((q + up) & mask);
    }
}

}  // namespace

void step_neurons(CoreState& state, const Registers& registers, std::uint32_t first, std::uint32_t last) {
    if (first >= last) {
        return;
    }
    state.materialise(first, last);
    RoundingWords random;
    const bool rounding = registers.flag(Reg::EN_STOCH_ROUND);
    if (rounding) {
        // The trace generators move whatever alpha and kappa are; those of the membranes do not where
        // alpha = 1.0.
        state.rng_neuron.next({{random.u.data() + first, random.ti.data() + first, random.tr.data() + first,
                                random.to.data() + first}},
                              last - first, state.membrane_rng_moves.data() + first);
    } else {
        for (auto* words : {&random.u, &random.ti, &random.tr, &random.to}) {
            std::fill(words->begin() + first, words->begin() + last, std::uint16_t{0});
        }
    }
    std::array<std::uint8_t, kMaxNeurons> spike;
    step_membranes(state, registers, random, spike.data(), first, last);
    const std::uint32_t trace_mask = (1U << state.shape.trace_bits) - 1;
    step_hidden_traces(state.ti.data(), state.alpha.data(), random.ti.data(), rounding, trace_mask, first,
                       last);
    step_hidden_traces(state.tr.data(), state.alpha.data(), random.tr.data(), rounding, trace_mask, first,
                       last);
    step_output_traces(state.to.data(), registers[Reg::KAPPA], random.to.data(), rounding,
                       (1U << state.shape.output_trace_bits) - 1, first, last);
    write_spikes(state, spike.data(), first, last);
}

void step_outputs(CoreState& state, const Registers& registers, std::uint32_t first, std::uint32_t last) {
    const auto kappa = static_cast<std::int32_t>(registers[Reg::KAPPA]);
    const bool rounds = registers.flag(Reg::EN_STOCH_ROUND) && kappa != 0x80;
    for (std::uint32_t k = first; k < std::min(last, kMaxOutputs); ++k) {
        // The generator moves in each of these cycles, also in those of outputs that do not exist.
        const std::int32_t random = rounds ? static_cast<std::int32_t>(state.rng_y.next()) : 0;
        if (k > registers.last_output()) {
            continue;
        }
        const std::int32_t product = state.y[k] * kappa;
        std::int32_t q = wrap_signed(product >> 7, 16);
        q += static_cast<std::int32_t>(rounds && q != 0 && (product & 0x7F) >= random);
        state.y[k] = static_cast<std::int16_t>(wrap_signed(q, state.shape.membrane_bits));
    }
}

std::uint32_t winning_output(const CoreState& state, const Registers& registers) {
    const auto end = state.y.begin() + registers.last_output() + 1;
    return static_cast<std::uint32_t>(std::max_element(state.y.begin(), end) - state.y.begin());
}

}  // namespace memprop::hw
