#include "learning/update/short_term.hpp"

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::learning {

ShortTerm::ShortTerm(const UpdateConfig& config, const SchemeContext& context)
    : gain_(static_cast<float>(config.transfer.fast_gain)),
      max_pulses_(static_cast<float>(config.max_pulses)),
      every_(static_cast<std::uint64_t>(config.transfer.every)),
      refresh_period_(static_cast<std::uint64_t>(config.refresh_period)),
      rows_at_once_(
          static_cast<std::uint32_t>(std::min<std::int64_t>(config.transfer.rows, context.shape.rows))),
      fast_(config, context),
      transferred_(context.synapses) {
    if (fast_.array().model().bidirectional()) {
        throw InputError("update.scheme", config.scheme,
                         "needs devices with SET and RESET; for " + context.crossbar.device +
                             " use tiki_taka, buffered_transfer, chopped_transfer or dynamic_transfer");
    }
}

bool ShortTerm::plan(std::span<const float> delta_weight, std::uint32_t event,
                     std::span<std::int16_t> pulses) {
    fast_.add(delta_weight, {}, event, tick_);
    ++updates_;
    if (refresh_period_ > 0 && updates_ % refresh_period_ == 0) {
        fast_.refresh(event, tick_);
    }
    if (updates_ % every_ != 0) {
        return false;
    }
    std::fill(pulses.begin(), pulses.end(), std::int16_t{0});
    std::fill(transferred_.begin(), transferred_.end(), std::uint8_t{0});
    bool any = false;
    fast_.begin_reads(tick_);
    for (std::uint32_t index = 0; index < rows_at_once_; ++index) {
        const auto row = static_cast<std::uint32_t>(next_row_);
        const std::span<const float> read = fast_.read_row(row, event, index);
        const std::size_t first = std::size_t{row} * fast_.columns();
        for (std::size_t c = 0; c < read.size(); ++c) {
            const float steps = std::clamp(read[c] / gain_, -max_pulses_, max_pulses_);
            pulses[first + c] = static_cast<std::int16_t>(steps);
            transferred_[first + c] = pulses[first + c] != 0 ? 1 : 0;
            any = any || transferred_[first + c] != 0;
        }
        next_row_ = (next_row_ + 1) % fast_.rows();
    }
    fast_.end_reads();
    if (any) {
        fast_.reset(transferred_, event, tick_);
    }
    return any;
}

void ShortTerm::serialize(StateArchive& archive) {
    fast_.serialize(archive);
    archive("transfer_updates", updates_);
    archive("transfer_next_row", next_row_);
    if (next_row_ >= fast_.rows()) {
        throw InputError("transfer_next_row", next_row_, "must be a row of the array");
    }
}

}  // namespace memprop::learning
