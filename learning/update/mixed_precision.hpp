// Mixed-precision update (Nandakumar et al., "Mixed-precision deep learning based on computational
// memory", Front. Neurosci. 14, 406, 2020): weight changes accumulate in a digital chi per synapse,
//   chi += dW;  n = trunc(chi / eps_W), |n| <= max_pulses;  n pulses;  chi -= n eps_W,
// rounding toward zero, so that small changes of either sign wait until they add up to a pulse. Nothing
// is read back.
//
// The accumulator is a float, or `accumulator_bits` of saturating fixed point whose least significant
// bit is eps_W 2^(headroom + 1 - bits): what a chip has to pay for. Costs per synapse: one accumulator.
#pragma once

#include <vector>

#include "learning/update/scheme.hpp"

namespace memprop::learning {

class MixedPrecision final : public UpdateScheme {
public:
    /// Throws InputError if headroom leaves no bit below one step.
    MixedPrecision(const UpdateConfig& config, const SchemeContext& context);

    bool plan(std::span<const float> delta_weight, std::uint32_t event,
              std::span<std::int16_t> pulses) override;
    void serialize(StateArchive& archive) override { archive("accumulator", accumulator_); }

private:
    SchemeContext context_;
    float max_pulses_;
    bool stochastic_;
    float unit_;            // weight of one unit of the accumulator: eps_W, or the least significant bit
    float units_per_step_;  // accumulator units that make one pulse
    float limit_;           // saturation in units; 0 for floating point
    std::vector<float> accumulator_;  // fixed-point values are whole numbers
    std::vector<float> uniform_;
};

}  // namespace memprop::learning
