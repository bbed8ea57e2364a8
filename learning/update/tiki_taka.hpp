// Tiki-Taka (Gokmen and Haensch, "Algorithm for training neural networks on resistive device arrays", Front.
// Neurosci. 14, 103, 2020): a row of A that is read moves C at once, by transfer.rate steps per step read,
// rounded stochastically to whole pulses. Costs per synapse: a second pair of devices, no digital memory.
#pragma once

#include <algorithm>
#include <cmath>

#include "learning/update/row_transfer.hpp"

namespace memprop::learning {

class TikiTaka final : public RowTransfer {
public:
    TikiTaka(const UpdateConfig& config, const SchemeContext& context)
        : RowTransfer(config, context), uniform_(context.shape.columns) {}

private:
    void transfer(std::uint32_t row, std::span<const float> read, std::uint32_t event,
                  std::span<std::int16_t> pulses) override {
        fill_uniforms({.seed = context_.seed,
                       .stream = Stream::update_rounding,
                       .array = context_.array,
                       .event = event,
                       .step = row},
                      0, uniform_);
        for (std::size_t c = 0; c < read.size(); ++c) {
            const float steps = std::min(rate_ * std::abs(read[c]), max_pulses_);
            const auto whole = static_cast<std::int32_t>(steps);
            const std::int32_t count = whole + (uniform_[c] < steps - static_cast<float>(whole) ? 1 : 0);
            pulses[c] = static_cast<std::int16_t>(read[c] > 0.0F ? count : -count);
        }
    }

    std::vector<float> uniform_;
};

}  // namespace memprop::learning
