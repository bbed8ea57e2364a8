#include "learning/update/fast_array.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace memprop::learning {
FastArray::FastArray(const UpdateConfig& config, const SchemeContext& context)
    : array_(context.crossbar, context.shape, context.tick_seconds, context.seed,
             static_cast<std::uint8_t>(kFirstFastArray + context.array)),
      refresh_limits_(context.refresh_limits),
      pulses_per_weight_(static_cast<float>(config.transfer.fast_gain) / context.weight_step),
      steps_per_us_(context.weight_per_us / context.weight_step),
      max_pulses_(static_cast<float>(config.max_pulses)),
      seed_(context.seed),
      id_(static_cast<std::uint8_t>(kFirstFastArray + context.array)),
      pulses_(context.synapses),
      uniform_(context.synapses),
      row_(context.shape.columns) {}

void FastArray::add(std::span<const float> delta_weight, std::span<const float> sign, std::uint32_t event,
                    std::int32_t tick) {
    log_.refreshed = false;
    log_.rows_read.clear();
    log_.reset = {};
    fill_uniforms({.seed = seed_, .stream = Stream::update_rounding, .array = id_, .event = event}, 0,
                  uniform_);
    const std::size_t columns = row_.size();
    for (std::size_t row = 0; row < rows(); ++row) {
        const float scale = sign.empty() ? pulses_per_weight_ : sign[row] * pulses_per_weight_;
        for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) {
            const float wanted = delta_weight[i] * scale;
            const float steps = std::min(std::abs(wanted), max_pulses_);
            const auto whole = static_cast<std::int32_t>(steps);
            const std::int32_t count = whole + (uniform_[i] < steps - static_cast<float>(whole) ? 1 : 0);
            pulses_[i] = static_cast<std::int16_t>(wanted > 0.0F ? count : -count);
        }
    }
    array_.program(pulses_, crossbar::SynapseArray::Phase::update, event, tick);
    for (std::size_t i = 0; i < given_.size(); ++i) {
        const auto given =
            static_cast<std::int16_t>(array_.given_for(static_cast<std::uint32_t>(std::abs(pulses_[i]))));
        given_[i] = pulses_[i] < 0 ? static_cast<std::int16_t>(-given) : given;
    }
}

void FastArray::refresh(std::uint32_t event, std::int32_t tick) {
    if (keeps_log_) {
        before_.count(array_);
    }
    array_.refresh(refresh_limits_, event, tick);
    log_.refreshed = true;
    if (keeps_log_) {
        log_.refresh.count(array_);
        log_.refresh.subtract(before_);
    }
}

std::span<const float> FastArray::read_row(std::uint32_t row, std::uint32_t event, std::uint32_t index) {
    array_.read({&row, 1}, event, index, row_);
    log_.rows_read.push_back(row);
    for (float& value : row_) {
        value *= steps_per_us_;
    }
    return row_;
}

}  // namespace memprop::learning
