// Weight changes gather in the state of a second array of devices with SET and RESET, which drifts and
// forgets (the gradient instead of the eligibility trace of Demirag et al., "PCM-trace: scalable synaptic
// eligibility traces with resistivity drift of phase-change materials", ISCAS 2021; two kinds of devices, one
// that gathers and one that keeps, after Ambrogio et al., Nature 558, 60, 2018). A weight change of one step
// is `transfer.fast_gain` SET pulses on a side of the fast pair. Every `transfer.every` updates the next
// `transfer.rows` rows are read: every fast_gain steps read become a pulse on the weight, and the pair is
// RESET; a pair that holds less gathers on. Pairs that are high on both sides are refreshed with the weights.
// Costs per synapse: a second pair of devices, whose wear is fast_gain times that of writing at once.
#pragma once

#include "learning/update/fast_array.hpp"

namespace memprop::learning {

class ShortTerm final : public UpdateScheme {
public:
    /// Throws InputError for devices without SET and RESET.
    ShortTerm(const UpdateConfig& config, const SchemeContext& context);

    void advance(std::int32_t tick) override { tick_ = tick; }
    bool plan(std::span<const float> delta_weight, std::uint32_t event,
              std::span<std::int16_t> pulses) override;
    const crossbar::SynapseArray* array() const override { return &fast_.array(); }
    FastArray* fast_array() override { return &fast_; }
    void serialize(StateArchive& archive) override;

private:
    float gain_, max_pulses_;
    std::uint64_t every_, refresh_period_;
    std::uint32_t rows_at_once_;
    FastArray fast_;
    std::vector<std::uint8_t> transferred_;
    std::int32_t tick_ = 0;
    std::uint64_t updates_ = 0, next_row_ = 0;
};

}  // namespace memprop::learning
