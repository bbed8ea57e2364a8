// Everything the digital core remembers: memories, flip-flops of the network, random generators. Fields of
// one kind lie side by side (the SRAM words are a view of them), so that the loops over neurons vectorise.
#pragma once

#include <array>
#include <cstdint>

#include "hw_models/digital_core/lfsr.hpp"
#include "hw_models/digital_core/registers.hpp"
#include "hw_models/digital_core/shape.hpp"

namespace memprop::hw {

/// One bit per neuron or input.
class NeuronSet {
public:
    bool test(std::uint32_t i) const { return (word_[i / 64] >> (i % 64) & 1) != 0; }
    void set(std::uint32_t i) { word_[i / 64] |= std::uint64_t{1} << (i % 64); }
    void reset(std::uint32_t i) { word_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
    void assign(std::uint32_t i, bool value) { value ? set(i) : reset(i); }
    void clear() { word_.fill(0); }
    std::array<std::uint64_t, kMaxNeurons / 64>& words() { return word_; }
    const std::array<std::uint64_t, kMaxNeurons / 64>& words() const { return word_; }

private:
    std::array<std::uint64_t, kMaxNeurons / 64> word_{};
};

/// The state fields of one neuron-SRAM word: neurons 2N and 2N+1.
struct NeuronPair {
    std::int16_t u[2] = {};
    std::uint16_t ti[2] = {}, tr[2] = {}, to[2] = {};
};

struct CoreState {
    explicit CoreState(const CoreShape& shape);

    /// Core reset: flip-flops and generators; the memories keep their content.
    void reset(const Registers& registers);

    /// The transition into IDLE: bitmaps, spikes, dirty flags and output membranes.
    void clear_for_next_sample();

    /// Loads the generators of a seed register, 85..93; other numbers do nothing.
    void load_seed(std::uint32_t number, const Registers& registers);

    /// 32-bit chunk of a neuron word, state fields first (chunk 0 = bits 31:0).
    std::uint32_t neuron_chunk(std::uint32_t word, std::uint32_t chunk) const;
    /// Writes a chunk and sets the dirty flags of the pair.
    void write_neuron_chunk(std::uint32_t word, std::uint32_t chunk, std::uint32_t data,
                            const Registers& registers);
    /// Registers 65..68 changed: the leak factors with them.
    void refresh_alpha(const Registers& registers);

    NeuronPair raw_pair(std::uint32_t word) const;

    /// Neurons [first, last) are about to be written in full: those whose dirty flag is clear hold zeros from
    /// now on (that is what they read as), and all flags are set. Even first, last.
    void materialise(std::uint32_t first, std::uint32_t last);

    CoreShape shape;

    // Neuron SRAM. A trace belongs to the neuron index: ti[i] is the trace of *input* i.
    alignas(64) std::array<std::int16_t, kMaxNeurons> u{};
    alignas(64) std::array<std::uint16_t, kMaxNeurons> ti{}, tr{}, to{};
    alignas(64) std::array<std::int16_t, kMaxNeurons> thr{};     // equal in a pair
    alignas(64) std::array<std::uint16_t, kMaxNeurons> alpha{};  // Q1.15, equal in a pair
    std::array<std::uint16_t, kMaxNeurons / 2> alpha_lsbs{};     // 12 bits, of the word
    std::array<std::uint8_t, kMaxNeurons> membrane_rng_moves{};  // alpha != 0x8000

    // Weight SRAMs; row = pre-synaptic index. W_out has 512 words, of which the core uses the first 256.
    alignas(64) std::array<std::int8_t, kMaxNeurons * kMaxNeurons> w_in{}, w_rec{};
    alignas(64) std::array<std::int8_t, 2 * kMaxNeurons * kMaxOutputs> w_out{};

    NeuronSet dirty;        // clear: state fields of this neuron read as 0
    NeuronSet z;            // spikes waiting to be delivered
    NeuronSet inputs;       // input events of the running time step
    NeuronSet inputs_next;  // received for the next one
    std::array<std::int16_t, kMaxOutputs> y{};

    HiddenWeightLfsr rng_w_in, rng_w_rec;
    OutputWeightLfsr rng_w_out;
    RoundingLfsrs rng_neuron;
    OutputRoundingLfsr rng_y;
    NoiseLfsr rng_noise;
};

}  // namespace memprop::hw
