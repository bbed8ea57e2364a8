// The state EPROP: on-line learning with a modified e-prop (Bellec et al. 2020, with one trace per neuron
// instead of one per synapse). Blocks of 16 post-synaptic neurons; per block a post phase of 2 cycles per
// neuron (learning signals, surrogate derivatives, output weights), then a pre phase of 2 cycles per
// pre-synaptic index (one row of 16 input and 16 recurrent weights). Weights move by +-1 with a probability.
#pragma once

#include <array>
#include <cstdint>

#include "hw_models/digital_core/core_state.hpp"

namespace memprop::hw {

struct Targets {
    bool valid = false;  ///< TARGET_VALID behind its synchroniser
    std::uint32_t label = 0;
    std::array<std::int16_t, kMaxOutputs> regression{};
};

/// Output errors e_k = sat16(target - activation): hard sigmoid with 2048 = 1.0, or the membrane itself.
std::array<std::int16_t, kMaxOutputs> output_errors(const CoreState& state, const Registers& registers,
                                                    const Targets& targets);

/// One weight by +-1: D is the update wanted, M = |D|; fires if min(M << p, 2^width - 1) >> r >= random.
/// Returns whether it fires. `width` is 28 (output weights) or 32.
bool update_fires(std::int32_t d, unsigned width, unsigned r, unsigned p, std::uint32_t random);

class EpropUnit {
public:
    EpropUnit(CoreState& state, const Registers& registers) : state_(state), registers_(registers) {}

    void start();

    /// Cycles to the next one that ends EPROP if the global FSM lets it, that one included.
    std::uint64_t cycles_to_end() const;

    /// Runs `cycles` <= cycles_to_end(). The unit wraps around if the FSM does not leave after the end.
    /// Returns the weights of the network in the rows it has updated, moved or not.
    std::uint64_t run(std::uint64_t cycles, const Targets& targets);

    /// The neuron word last read: what the unit sees where it does not read by itself.
    void latch(const NeuronPair& pair) { word_ = pair; }
    const NeuronPair& latched() const { return word_; }

private:
    static constexpr std::uint32_t kLanes = 16;

    bool output_weights_only() const { return registers_.do_eprop() == 4; }
    void run_post(std::uint32_t cycles, const Targets& targets);
    void run_pre(std::uint32_t cycles, const Targets& targets);
    void update_post(std::uint32_t j, const Targets& targets);
    void update_output_row(std::uint32_t j, std::uint32_t trace);
    void update_row(std::uint32_t i, bool recurrent, bool target_valid, std::uint32_t trace);
    bool no_regularisation() const;

    CoreState& state_;
    const Registers& registers_;
    NeuronPair word_;
    std::uint64_t weight_updates_ = 0;
    std::array<std::int16_t, kMaxOutputs> error_{};
    std::array<std::int16_t, kLanes> learning_signal_{};
    std::array<std::int16_t, kLanes> surrogate_{};
    std::array<std::uint16_t, kLanes> excess_{};  // g: trace of the neuron above F0
    std::uint32_t block_ = 0;                     // 4 bits
    std::uint32_t cycle_ = 0;                     // within the phase
    bool post_phase_ = true;
};

}  // namespace memprop::hw
