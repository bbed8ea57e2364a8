// Stochastic update: one SET pulse with probability |dW| / eps_W, at most 1.
#pragma once

#include <cmath>
#include <vector>

#include "learning/update/scheme.hpp"

namespace memprop::learning {

class Stochastic final : public UpdateScheme {
public:
    Stochastic(const UpdateConfig&, const SchemeContext& context)
        : context_(context), uniform_(context.synapses) {}

    bool plan(std::span<const float> delta_weight, std::uint32_t event,
              std::span<std::int16_t> pulses) override {
        fill_uniforms({.seed = context_.seed,
                       .stream = Stream::update_rounding,
                       .array = context_.array,
                       .event = event},
                      0, uniform_);
        for (std::size_t i = 0; i < pulses.size(); ++i) {
            const float probability = std::abs(delta_weight[i]) / context_.weight_step;
            const std::int16_t pulse = delta_weight[i] > 0.0F ? 1 : -1;
            pulses[i] = uniform_[i] < probability ? pulse : std::int16_t{0};
        }
        return true;
    }

private:
    SchemeContext context_;
    std::vector<float> uniform_;
};

}  // namespace memprop::learning
