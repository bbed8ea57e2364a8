#include "learning/update/mixed_precision.hpp"

#include <cmath>

#include "crossbar/base/error.hpp"
#include "learning/update/update_kernels.hpp"

namespace memprop::learning {

MixedPrecision::MixedPrecision(const UpdateConfig& config, const SchemeContext& context)
    : context_(context),
      max_pulses_(static_cast<float>(config.max_pulses)),
      stochastic_(config.accumulator_rounding == AccumulatorRounding::stochastic),
      unit_(context.weight_step),
      units_per_step_(1.0F),
      limit_(0.0F),
      accumulator_(context.synapses) {
    const int bits = static_cast<int>(config.accumulator_bits);
    if (bits == 0) {
        return;
    }
    const int bits_of_step = bits - 1 - static_cast<int>(config.accumulator_headroom_bits);
    if (bits_of_step < 0) {
        throw InputError("update.accumulator_headroom_bits", config.accumulator_headroom_bits,
                         "must be at most update.accumulator_bits - 1, or one step does not fit");
    }
    units_per_step_ = std::ldexp(1.0F, bits_of_step);
    unit_ = context.weight_step / units_per_step_;
    limit_ = std::ldexp(1.0F, bits - 1) - (bits > 1 ? 1.0F : 0.0F);
    if (stochastic_) {
        uniform_.resize(context.synapses);
    }
}

bool MixedPrecision::plan(std::span<const float> delta_weight, std::uint32_t event,
                          std::span<std::int16_t> pulses) {
    if (limit_ == 0.0F) {
        accumulate(delta_weight, unit_, accumulator_);
    } else {
        if (stochastic_) {
            fill_uniforms({.seed = context_.seed,
                           .stream = Stream::accumulator_rounding,
                           .array = context_.array,
                           .event = event},
                          0, uniform_);
        }
        accumulate_fixed(delta_weight, unit_, uniform_, limit_, accumulator_);
    }
    take_whole_steps(accumulator_, units_per_step_, max_pulses_, pulses);
    return true;
}

}  // namespace memprop::learning
