#include "hw_models/digital_core/core_state.hpp"

#include <algorithm>

namespace memprop::hw {
namespace {

// Bit fields of a neuron word, bit 0 first: u, ti, tr, to of 2N, the same of 2N+1, thr, alpha LSBs.
struct WordBits {
    std::uint64_t half[2] = {};

    void put(unsigned bit, unsigned width, std::uint32_t value) {
        for (unsigned i = 0; i < width; ++i) {
            half[(bit + i) / 64] |= std::uint64_t{value >> i & 1} << ((bit + i) % 64);
        }
    }
    std::uint32_t get(unsigned bit, unsigned width) const {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < width; ++i) {
            value |= static_cast<std::uint32_t>(half[(bit + i) / 64] >> ((bit + i) % 64) & 1) << i;
        }
        return value;
    }
};

}  // namespace

CoreState::CoreState(const CoreShape& core_shape) : shape(core_shape) {
    shape.validate();
    reset(Registers(shape));
    refresh_alpha(Registers(shape));
}

void CoreState::reset(const Registers& registers) {
    clear_for_next_sample();
    rng_w_in.load(0x0000001);
    rng_w_rec.load(0x0424242);
    rng_w_out.load(0x1);
    rng_neuron.load(RoundingLfsrs::membrane, 0, 0x1234);
    rng_neuron.load(RoundingLfsrs::membrane, 1, 0x70F0);
    rng_neuron.load(RoundingLfsrs::input_trace, 0, 0x1348);
    rng_neuron.load(RoundingLfsrs::input_trace, 1, 0x7FCF);
    rng_neuron.load(RoundingLfsrs::recurrent_trace, 0, 0x4321);
    rng_neuron.load(RoundingLfsrs::recurrent_trace, 1, 0x7BEA);
    rng_neuron.load(RoundingLfsrs::output_trace, 0, 0x3FF3);
    rng_neuron.load(RoundingLfsrs::output_trace, 1, 0x7EF0);
    rng_y.load(0x7ABA);
    rng_noise.load(0x1F0F1);
    refresh_alpha(registers);
}

void CoreState::clear_for_next_sample() {
    dirty.clear();
    z.clear();
    inputs.clear();
    inputs_next.clear();
    y.fill(0);
}

void CoreState::load_seed(std::uint32_t number, const Registers& registers) {
    const auto load_both = [&](RoundingLfsrs::Kind kind, std::uint32_t seed) {
        rng_neuron.load(kind, 0, seed & 0x7FFF);
        rng_neuron.load(kind, 1, seed >> 15);
    };
    switch (static_cast<Reg>(number)) {
        case Reg::SEED_INP:
            return rng_w_in.load(registers[Reg::SEED_INP]);
        case Reg::SEED_REC:
            return rng_w_rec.load(registers[Reg::SEED_REC]);
        case Reg::SEED_OUT:
            return rng_w_out.load(registers[Reg::SEED_OUT]);
        case Reg::SEED_STRND_NEUR:
            return load_both(RoundingLfsrs::membrane, registers[Reg::SEED_STRND_NEUR]);
        case Reg::SEED_STRND_ONEUR:
            return rng_y.load(registers[Reg::SEED_STRND_ONEUR]);
        case Reg::SEED_STRND_TINP:
            return load_both(RoundingLfsrs::input_trace, registers[Reg::SEED_STRND_TINP]);
        case Reg::SEED_STRND_TREC:
            return load_both(RoundingLfsrs::recurrent_trace, registers[Reg::SEED_STRND_TREC]);
        case Reg::SEED_STRND_TOUT:
            return load_both(RoundingLfsrs::output_trace, registers[Reg::SEED_STRND_TOUT]);
        case Reg::SEED_NOISE_NEUR:
            return rng_noise.load(registers[Reg::SEED_NOISE_NEUR]);
        default:
            return;
    }
}

std::uint32_t CoreState::neuron_chunk(std::uint32_t word, std::uint32_t chunk) const {
    WordBits bits;
    for (unsigned n = 0; n < 2; ++n) {
        const std::uint32_t j = 2 * word + n;
        bits.put(50 * n, 16, static_cast<std::uint16_t>(u[j]));
        bits.put(50 * n + 16, 12, ti[j]);
        bits.put(50 * n + 28, 12, tr[j]);
        bits.put(50 * n + 40, 10, to[j]);
    }
    bits.put(100, 16, static_cast<std::uint16_t>(thr[2UL * word]));
    bits.put(116, 12, alpha_lsbs[word]);
    return static_cast<std::uint32_t>(bits.half[chunk / 2] >> (32 * (chunk % 2)));
}

void CoreState::write_neuron_chunk(std::uint32_t word, std::uint32_t chunk, std::uint32_t data,
                                   const Registers& registers) {
    WordBits bits;
    for (unsigned c = 0; c < 4; ++c) {
        bits.half[c / 2] |= std::uint64_t{c == chunk ? data : neuron_chunk(word, c)} << (32 * (c % 2));
    }
    const std::uint32_t trace_mask = (1U << shape.trace_bits) - 1;
    for (unsigned n = 0; n < 2; ++n) {
        const std::uint32_t j = 2 * word + n;
        u[j] = static_cast<std::int16_t>(
            wrap_signed(static_cast<std::int32_t>(bits.get(50 * n, 16)), shape.membrane_bits));
        ti[j] = static_cast<std::uint16_t>(bits.get(50 * n + 16, 12) & trace_mask);
        tr[j] = static_cast<std::uint16_t>(bits.get(50 * n + 28, 12) & trace_mask);
        to[j] = static_cast<std::uint16_t>(bits.get(50 * n + 40, 10) & ((1U << shape.output_trace_bits) - 1));
        thr[j] = static_cast<std::int16_t>(bits.get(100, 16));
        dirty.set(j);
    }
    alpha_lsbs[word] = static_cast<std::uint16_t>(bits.get(116, 12));
    refresh_alpha(registers);
}

void CoreState::refresh_alpha(const Registers& registers) {
    for (std::uint32_t j = 0; j < kMaxNeurons; ++j) {
        alpha[j] = static_cast<std::uint16_t>(registers.alpha_msbs(j / 2) | alpha_lsbs[j / 2]);
        membrane_rng_moves[j] = alpha[j] != 0x8000 ? 1 : 0;
    }
}

NeuronPair CoreState::raw_pair(std::uint32_t word) const {
    NeuronPair pair;
    for (unsigned n = 0; n < 2; ++n) {
        const std::uint32_t j = 2 * word + n;
        pair.u[n] = u[j];
        pair.ti[n] = ti[j];
        pair.tr[n] = tr[j];
        pair.to[n] = to[j];
    }
    return pair;
}

void CoreState::materialise(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t begin = first; begin < last;) {
        const std::uint32_t end = std::min(last, (begin / 64 + 1) * 64);
        const std::uint64_t in_range = (~std::uint64_t{0} >> (64 - (end - begin))) << (begin % 64);
        std::uint64_t& flags = dirty.words()[begin / 64];
        if ((flags & in_range) != in_range) {
            for (std::uint32_t j = begin; j < end; ++j) {
                if (!dirty.test(j)) {
                    u[j] = 0;
                    ti[j] = tr[j] = to[j] = 0;
                }
            }
            flags |= in_range;
        }
        begin = end;
    }
}

}  // namespace memprop::hw
