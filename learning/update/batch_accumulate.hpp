// Weight changes are summed digitally over `accumulate_samples` updates; then the inner scheme writes
// the sum in one go. Fewer, larger writes. Costs per synapse: one accumulator.
#pragma once

#include <memory>
#include <vector>

#include "learning/update/scheme.hpp"

namespace memprop::learning {

class BatchAccumulate final : public UpdateScheme {
public:
    /// Throws InputError if the inner scheme is vanilla or another batch_accumulate.
    BatchAccumulate(const UpdateConfig& config, const SchemeContext& context);

    bool plan(std::span<const float> delta_weight, std::uint32_t event,
              std::span<std::int16_t> pulses) override;
    void serialize(StateArchive& archive) override;

private:
    std::uint64_t period_;
    std::unique_ptr<UpdateScheme> inner_;
    std::uint64_t gathered_ = 0;
    std::vector<float> sum_;
};

}  // namespace memprop::learning
