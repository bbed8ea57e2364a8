// Sign update: one SET pulse on the side that the sign of the weight change asks for, whatever its
// size, if it exceeds `sign_threshold` steps of one pulse (as in Nandakumar et al., Sci. Rep. 10, 8080,
// 2020, where errors above a threshold pulse a synapse).
#pragma once

#include "learning/update/scheme.hpp"

namespace memprop::learning {

class Sign final : public UpdateScheme {
public:
    Sign(const UpdateConfig& config, const SchemeContext& context)
        : threshold_(static_cast<float>(config.sign_threshold) * context.weight_step) {}

    bool plan(std::span<const float> delta_weight, std::uint32_t, std::span<std::int16_t> pulses) override {
        for (std::size_t i = 0; i < pulses.size(); ++i) {
            const float d = delta_weight[i];
            pulses[i] = static_cast<std::int16_t>((d > threshold_) - (d < -threshold_));
        }
        return true;
    }

private:
    float threshold_;
};

}  // namespace memprop::learning
