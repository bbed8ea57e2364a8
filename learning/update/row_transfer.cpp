#include "learning/update/row_transfer.hpp"

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "learning/update/update_kernels.hpp"

namespace memprop::learning {

RowTransfer::RowTransfer(const UpdateConfig& config, const SchemeContext& context)
    : context_(context),
      rate_(static_cast<float>(config.transfer.rate)),
      max_pulses_(static_cast<float>(config.max_pulses)),
      every_(static_cast<std::uint64_t>(config.transfer.every)),
      rows_at_once_(
          static_cast<std::uint32_t>(std::min<std::int64_t>(config.transfer.rows, context.shape.rows))),
      fast_(config, context) {
    if (!fast_.array().model().bidirectional()) {
        throw InputError("update.scheme", config.scheme,
                         "needs a device with gradual steps in both directions, and " +
                             context.crossbar.device +
                             " has none: its fast array would only grow; \"short_term\" gathers weight "
                             "changes on devices with SET and RESET");
    }
}

bool RowTransfer::plan(std::span<const float> delta_weight, std::uint32_t event,
                       std::span<std::int16_t> pulses) {
    fast_.add(delta_weight, signs(), event, tick_);
    if (++updates_ % every_ != 0) {
        return false;
    }
    std::fill(pulses.begin(), pulses.end(), std::int16_t{0});
    fast_.begin_reads(tick_);
    for (std::uint32_t index = 0; index < rows_at_once_; ++index) {
        const auto row = static_cast<std::uint32_t>(next_row_);
        transfer(row, fast_.read_row(row, event, index), event,
                 pulses.subspan(std::size_t{row} * fast_.columns(), fast_.columns()));
        next_row_ = (next_row_ + 1) % fast_.rows();
    }
    fast_.end_reads();
    return true;
}

void RowTransfer::take_whole_steps(std::span<float> buffer, std::span<std::int16_t> pulses) const {
    learning::take_whole_steps(buffer, 1.0F, max_pulses_, pulses);
}

void RowTransfer::serialize(StateArchive& archive) {
    fast_.serialize(archive);
    archive("transfer_updates", updates_);
    archive("transfer_next_row", next_row_);
    if (next_row_ >= fast_.rows()) {
        throw InputError("transfer_next_row", next_row_, "must be a row of the array");
    }
}

bool Chopper::turn(std::uint32_t row, std::uint32_t event) {
    const bool turns =
        random_uniform({.seed = seed_, .stream = Stream::chopper, .array = array_, .event = event}, row) <
        probability_;
    if (turns) {
        sign_[row] = -sign_[row];
    }
    return turns;
}

}  // namespace memprop::learning
