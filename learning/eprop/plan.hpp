// What e-prop learns in a network: which projections, onto which populations, from which errors.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "learning/network/neurons.hpp"
#include "learning/tape.hpp"

namespace memprop::learning {

/// A projection that learns.
struct LearnedProjection {
    network::ProjectionId id{};
    std::size_t from = 0;  ///< population
    std::uint32_t rows = 0,
                  columns = 0;  ///< of its weights, [row][column]; the bias, if any, is the last row
    std::uint32_t delay = 0;    ///< steps from an event to the sum that it enters
    std::uint32_t receptor = 0;
    bool bias = false;
    /// Whether events from before the trial count (PopulationTape::carried): those of axonal delays do.
    bool counts_carried = true;
    bool self = true;  ///< false: the synapses of neurons onto themselves do not exist
    /// Whether the bias arrives in the steps before `delay`, too.
    bool bias_before_arrival = true;
    /// Lists of its synapses: gradients are then [synapse], and only the factorised form has them. Outlive
    /// the plan; null: a matrix.
    const network::Connect* sparse = nullptr;

    std::uint32_t bias_row() const { return rows - 1; }
    bool bias_arrives(std::size_t t) const { return bias && (bias_before_arrival || t >= delay); }
};

/// Errors of an objective on their way to a population, by a feedback matrix [neuron of the
/// objective][neuron].
struct ErrorSource {
    std::size_t objective = 0;
    std::uint32_t size = 0;   ///< neurons of the objective
    std::uint32_t delay = 0;  ///< the error of step t belongs to the events of step t - delay

    /// The error of neuron k that the events of step t bear.
    template <class Real>
    Real error(const Tape<Real>& tape, std::size_t t, std::size_t k) const {
        return t + delay < tape.steps ? tape.objectives[objective].error[(t + delay) * size + k] : Real{0};
    }
};

/// A population onto which synapses learn.
template <class Real>
struct LearningPopulation {
    std::size_t population = 0;
    std::uint32_t size = 0;
    network::Eligibility<Real> eligibility;
    std::vector<LearnedProjection> projections;
    std::vector<ErrorSource> sources;
    /// The objective that looks at this population: its error is the learning signal of each neuron, beside
    /// what the sources bring.
    std::optional<std::size_t> objective;
    /// eb = decay eb + gain e, the low-pass filter of the eligibility trace; decay 0, gain 1 for populations
    /// that are read themselves (no pseudo-derivative, no filter, no regulariser).
    Real eligibility_decay = 0, eligibility_gain = 1;
    bool regularized = false;  ///< the firing-rate regulariser acts on it
};

template <class Real>
using EpropPlan = std::vector<LearningPopulation<Real>>;

/// Feedback matrices, [learning population][source]: [neuron of the objective][neuron].
template <class Real>
using FeedbackWeights = std::vector<std::vector<std::vector<Real>>>;

/// Gradients in the layout of the weights, by position of the projection; empty for those that do not learn.
template <class Real>
using Gradients = std::vector<std::vector<Real>>;

}  // namespace memprop::learning
