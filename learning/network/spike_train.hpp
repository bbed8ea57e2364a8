// Spikes of a population over time: for each step the ascending indices of the neurons that spike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace memprop::network {

class SpikeTrain {
public:
    void clear() {
        indices_.clear();
        ends_.clear();
    }
    void reserve(std::size_t steps, std::size_t spikes) {
        ends_.reserve(steps);
        indices_.reserve(spikes);
    }
    /// Adds a spike to the step being filled; indices ascend within a step.
    void add(std::uint32_t neuron) { indices_.push_back(neuron); }
    void end_step() { ends_.push_back(static_cast<std::uint32_t>(indices_.size())); }

    std::size_t steps() const { return ends_.size(); }
    std::size_t spikes() const { return indices_.size(); }
    /// Spikes before the step.
    std::size_t first_of(std::size_t step) const { return step == 0 ? 0 : ends_[step - 1]; }
    std::span<const std::uint32_t> at(std::size_t step) const {
        const std::uint32_t begin = step == 0 ? 0 : ends_[step - 1];
        return std::span(indices_).subspan(begin, ends_[step] - begin);
    }

private:
    std::vector<std::uint32_t> indices_;
    std::vector<std::uint32_t> ends_;
};

}  // namespace memprop::network
