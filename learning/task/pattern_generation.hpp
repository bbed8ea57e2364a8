// Pattern generation (Bellec et al., Nat. Commun. 11, 3625, 2020): each sample pairs a frozen Poisson
// input with a target, a sum of sinusoids of 1, 2, 3 and 5 Hz with amplitudes U(0.5, 2) and phases
// U(0, 2 pi), divided by its peak absolute value. Readouts have a target each.
#pragma once

#include "learning/task/task.hpp"

namespace memprop::learning {

class PatternGeneration final : public Task {
public:
    /// Throws InputError if an input line would have to spike more than once per step.
    explicit PatternGeneration(const ExperimentConfig& config);
    std::uint32_t trials(Split split) const override {
        return split == Split::training ? static_cast<std::uint32_t>(trials_.size()) : 0;
    }
    const Trial& trial(Split, std::uint64_t index, Trial&) const override {
        return trials_[index % trials_.size()];
    }

private:
    std::vector<Trial> trials_;
};

}  // namespace memprop::learning
