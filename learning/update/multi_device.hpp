// Multi-device update (after Boybat et al., Nat. Commun. 9, 2514, 2018): trunc(|dW| / eps_W) pulses and
// one more with the probability of the remainder, at most `max_pulses`, spread by the array over the N
// devices of the side in counter order. eps_W falls with N, so more devices mean finer steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "learning/update/scheme.hpp"

namespace memprop::learning {

class MultiDevice final : public UpdateScheme {
public:
    MultiDevice(const UpdateConfig& config, const SchemeContext& context)
        : context_(context), max_pulses_(static_cast<float>(config.max_pulses)), uniform_(context.synapses) {}

    bool plan(std::span<const float> delta_weight, std::uint32_t event,
              std::span<std::int16_t> pulses) override {
        fill_uniforms({.seed = context_.seed,
                       .stream = Stream::update_rounding,
                       .array = context_.array,
                       .event = event},
                      0, uniform_);
        for (std::size_t i = 0; i < pulses.size(); ++i) {
            const float steps = std::min(std::abs(delta_weight[i]) / context_.weight_step, max_pulses_);
            const auto whole = static_cast<std::int32_t>(steps);
            const std::int32_t count = whole + (uniform_[i] < steps - static_cast<float>(whole) ? 1 : 0);
            pulses[i] = static_cast<std::int16_t>(delta_weight[i] > 0.0F ? count : -count);
        }
        return true;
    }

private:
    SchemeContext context_;
    float max_pulses_;
    std::vector<float> uniform_;
};

}  // namespace memprop::learning
