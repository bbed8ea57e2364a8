#include "hw_models/digital_core/event_pass.hpp"

#include <algorithm>

namespace memprop::hw {
namespace {

void increment(std::uint16_t& trace, std::uint32_t step, unsigned bits) {
    const std::uint32_t maximum = (1U << bits) - 1;
    trace = static_cast<std::uint16_t>(std::min(maximum, trace + (step & maximum)));
}

bool records_inputs(const Registers& registers) {
    return registers.trains_inputs() || registers.flag(Reg::FORCE_TRACES);
}

void increment_input_trace(CoreState& state, const Registers& registers, std::uint32_t i) {
    increment(state.ti[i], 8U << registers[Reg::FP_LOC_TINP], state.shape.trace_bits);
}

// u + w + noise in wrapping arithmetic; whether to saturate is decided from the signs of u, w and the sum
// alone, so noise that overflows by itself wraps around.
void add_with_noise(CoreState& state, const std::int16_t* weight, unsigned strength, bool noise_moves,
                    std::uint32_t first, std::uint32_t last) {
    const unsigned bits = state.shape.membrane_bits;
    const std::int32_t maximum = (1 << (bits - 1)) - 1;
    std::uint32_t word = 0;
    for (std::uint32_t j = first; j < last; ++j) {
        if (j % 2 == 0) {
            if (noise_moves) {
                word = state.rng_noise.next();
            } else {
                NoiseLfsr standing = state.rng_noise;
                word = standing.next();
            }
        }
        const std::int32_t noise = static_cast<std::int16_t>(word >> (16 * (j % 2))) >> strength;
        const std::int32_t u = state.u[j], w = weight[j];
        std::int32_t sum = wrap_signed(u + w + noise, bits);
        if (u >= 0 && w >= 0 && sum < 0) {
            sum = maximum;
        } else if (u < 0 && w < 0 && sum >= 0) {
            sum = -maximum - 1;
        }
        state.u[j] = static_cast<std::int16_t>(sum);
    }
}

}  // namespace

std::uint32_t fan_out(const CoreState& state, const Registers& registers, std::uint32_t i) {
    const std::uint32_t neurons = registers.last_neuron() + 1, outputs = registers.last_output() + 1;
    return (state.inputs.test(i) ? neurons : 0) + (state.z.test(i) ? neurons + outputs : 0);
}

void deliver_to_outputs(CoreState& state, const Registers& registers, std::uint32_t i) {
    if (!state.z.test(i)) {
        return;
    }
    const std::int32_t maximum = (1 << (state.shape.membrane_bits - 1)) - 1;
    const std::int32_t scale = 1 << registers[Reg::FP_LOC_WOUT];
    const std::int8_t* row = state.w_out.data() + static_cast<std::size_t>(i) * kMaxOutputs;
    for (std::uint32_t k = 0; k <= registers.last_output(); ++k) {
        state.y[k] =
            static_cast<std::int16_t>(std::clamp(state.y[k] + row[k] * scale, -maximum - 1, maximum));
    }
}

void deliver_to_neurons(CoreState& state, const Registers& registers, std::uint32_t i, std::uint32_t first,
                        std::uint32_t last, bool noise_moves) {
    if (first >= last) {
        return;
    }
    state.materialise(first, last);
    const bool from_input = state.inputs.test(i), from_neuron = state.z.test(i);
    const std::int32_t scale_in = from_input ? 1 << registers[Reg::FP_LOC_WINP] : 0;
    const std::int32_t scale_rec = from_neuron ? 1 << registers[Reg::FP_LOC_WREC] : 0;
    const std::int8_t* row_in = state.w_in.data() + static_cast<std::size_t>(i) * kMaxNeurons;
    const std::int8_t* row_rec = state.w_rec.data() + static_cast<std::size_t>(i) * kMaxNeurons;
    std::array<std::int16_t, kMaxNeurons> weight;  // two shifted bytes: fits 16 bits for shifts up to 7
    for (std::uint32_t j = first; j < last; ++j) {
        weight[j] = static_cast<std::int16_t>(row_in[j] * scale_in + row_rec[j] * scale_rec);
    }
    if (registers.flag(Reg::NOISE_EN)) {
        add_with_noise(state, weight.data(), registers[Reg::NOISE_STR], noise_moves, first, last);
    } else {
        const std::int32_t maximum = (1 << (state.shape.membrane_bits - 1)) - 1;
        for (std::uint32_t j = first; j < last; ++j) {
            state.u[j] = static_cast<std::int16_t>(std::clamp(state.u[j] + weight[j], -maximum - 1, maximum));
        }
    }
    if (i < first || i >= last) {
        return;
    }
    if (from_input && records_inputs(registers)) {
        increment_input_trace(state, registers, i);
    }
    if (from_neuron && (registers.trains_recurrent() || registers.flag(Reg::FORCE_TRACES))) {
        increment(state.tr[i], 8U << registers[Reg::FP_LOC_TREC], state.shape.trace_bits);
    }
    if (from_neuron && (registers.trains_outputs() || registers.flag(Reg::FORCE_TRACES))) {
        increment(state.to[i], 2U << registers[Reg::FP_LOC_TOUT], state.shape.output_trace_bits);
    }
}

bool needs_supplement(const CoreState& state, const Registers& registers, std::uint32_t i) {
    return state.inputs.test(i) && i > registers.last_neuron() && records_inputs(registers);
}

void supplement_trace(CoreState& state, const Registers& registers, std::uint32_t i) {
    // Quirk: this write sets the dirty flags of the pair but does not touch u, which therefore resumes from
    // what the memory held. Quirk: with an odd number of neurons, index NR+1 is incremented here again.
    for (std::uint32_t j = i & ~1U; j <= (i | 1U); ++j) {
        if (!state.dirty.test(j)) {
            state.ti[j] = state.tr[j] = state.to[j] = 0;
            state.dirty.set(j);
        }
    }
    increment_input_trace(state, registers, i);
}

}  // namespace memprop::hw
