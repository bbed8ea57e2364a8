#include "learning/update/batch_accumulate.hpp"

#include <algorithm>

#include "crossbar/base/error.hpp"

namespace memprop::learning {

BatchAccumulate::BatchAccumulate(const UpdateConfig& config, const SchemeContext& context)
    : period_(static_cast<std::uint64_t>(config.accumulate_samples)), sum_(context.synapses) {
    const SchemeKind& inner = find_scheme_kind("update.inner_scheme", config.inner_scheme);
    if (inner.make == nullptr || inner.has_array || inner.name == "batch_accumulate") {
        throw InputError("update.inner_scheme", config.inner_scheme,
                         "must be a scheme that writes pulses at once");
    }
    inner_ = inner.make(config, context);
}

bool BatchAccumulate::plan(std::span<const float> delta_weight, std::uint32_t event,
                           std::span<std::int16_t> pulses) {
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        sum_[i] += delta_weight[i];
    }
    if (++gathered_ < period_) {
        return false;
    }
    const bool writes = inner_->plan(sum_, event, pulses);
    std::fill(sum_.begin(), sum_.end(), 0.0F);
    gathered_ = 0;
    return writes;
}

void BatchAccumulate::serialize(StateArchive& archive) {
    archive("sum", sum_);
    archive("gathered", gathered_);
    archive.enter("inner");
    inner_->serialize(archive);
    archive.leave();
}

}  // namespace memprop::learning
