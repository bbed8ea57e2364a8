// What a trial leaves behind: enough for any rule that learns after it, and for recording.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/network/spike_train.hpp"

namespace memprop::learning {

using network::SpikeTrain;

/// Of one population.
template <class Real>
struct PopulationTape {
    const SpikeTrain* given = nullptr;  ///< events from outside, not owned; valid while the trial lives
    SpikeTrain own;                     ///< else the events it put out
    std::vector<Real> values;           ///< of graded events, one for each of `own`; empty: all are 1
    /// [k]: events of the step k + 1 before the trial, if state is kept.
    std::vector<std::vector<std::uint32_t>> carried;
    std::vector<std::vector<Real>> carried_values;  ///< of graded events, as `carried`; empty: all are 1
    std::vector<Real> pseudo_derivative;            ///< [step][neuron]; empty: no rule asks for it
    std::vector<std::uint32_t> spike_count;         ///< [neuron]; empty: no rule asks for it
    /// Neurons whose synapses miss the error of the last step (learning.early_spikes_lose_last_error).
    std::vector<std::uint32_t> late;

    const SpikeTrain& events() const { return given != nullptr ? *given : own; }
    /// The events that a projection with this delay delivers in step t.
    std::span<const std::uint32_t> arriving(std::size_t t, std::size_t delay) const {
        if (t >= delay) {
            return events().at(t - delay);
        }
        const std::size_t before = delay - t - 1;
        return before < carried.size() ? std::span<const std::uint32_t>(carried[before])
                                       : std::span<const std::uint32_t>();
    }
    /// Their values; empty: all are 1.
    std::span<const Real> arriving_values(std::size_t t, std::size_t delay) const {
        if (t < delay) {
            const std::size_t before = delay - t - 1;
            return before < carried_values.size() ? std::span<const Real>(carried_values[before])
                                                  : std::span<const Real>();
        }
        if (values.empty()) {
            return {};
        }
        const auto at = events().at(t - delay);
        return std::span<const Real>(values).subspan(events().first_of(t - delay), at.size());
    }
};

/// Of one objective.
template <class Real>
struct ObjectiveTape {
    std::vector<Real> output;        ///< [step][neuron]: y
    std::vector<Real> error;         ///< [step][neuron]: dE/dy, 0 outside the learning window
    double loss = 0.0;               ///< summed over the window: squared errors, or cross-entropy
    std::uint32_t window_steps = 0;  ///< steps of the learning window
};

template <class Real>
struct Tape {
    std::vector<PopulationTape<Real>> populations;  ///< by PopulationId
    std::vector<ObjectiveTape<Real>> objectives;    ///< in the order of Network::objectives
    std::size_t steps = 0;
};

}  // namespace memprop::learning
