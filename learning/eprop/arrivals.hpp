// What a learned projection delivers in the steps of a trial.
#pragma once

#include <cstdint>
#include <span>

#include "learning/eprop/plan.hpp"
#include "learning/tape.hpp"

namespace memprop::learning {

/// A view of a tape, looked up once per trial.
template <class Real>
class Arrivals {
public:
    Arrivals(const Tape<Real>& tape, const LearnedProjection& projection)
        : from_(&tape.populations[projection.from]),
          events_(&from_->events()),
          delay_(projection.delay),
          counts_carried_(projection.counts_carried),
          graded_(!from_->values.empty() || !from_->carried_values.empty()) {}

    std::span<const std::uint32_t> at(std::size_t t) const {
        return t >= delay_ ? events_->at(t - delay_) : before(t);
    }
    /// Values of these events; empty: all are 1.
    std::span<const Real> values_at(std::size_t t) const {
        return graded_ && (counts_carried_ || t >= delay_) ? from_->arriving_values(t, delay_)
                                                           : std::span<const Real>();
    }
    bool graded() const { return graded_; }

private:
    std::span<const std::uint32_t> before(std::size_t t) const {
        return counts_carried_ ? from_->arriving(t, delay_) : std::span<const std::uint32_t>();
    }

    const PopulationTape<Real>* from_;
    const SpikeTrain* events_;
    std::size_t delay_;
    bool counts_carried_, graded_;
};

}  // namespace memprop::learning
