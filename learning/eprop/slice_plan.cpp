#include "learning/eprop/slice_plan.hpp"

#include <fmt/format.h>

namespace memprop::learning {
namespace {

/// A vector of one value stays, and so does none.
template <class Real>
void cut(std::vector<Real>& values, std::uint32_t size, network::Slice slice) {
    if (values.size() == size) {
        const auto first = values.begin() + slice.first;
        values = std::vector<Real>(first, first + slice.count);
    }
}

}  // namespace

template <class Real>
LearningPopulation<Real> slice_of(const LearningPopulation<Real>& population, network::Slice slice) {
    check(fmt::format("slice of learning population {}", population.population), slice, population.size);
    LearningPopulation<Real> result = population;
    result.size = slice.count;
    network::Eligibility<Real>& e = result.eligibility;
    for (auto* values : {&e.alpha, &e.gain, &e.beta}) {
        cut(*values, population.size, slice);
    }
    for (auto& receptor : e.receptors) {
        cut(receptor.decay, population.size, slice);
        cut(receptor.gain, population.size, slice);
    }
    for (LearnedProjection& projection : result.projections) {
        projection.columns = slice.count;
    }
    return result;
}

template LearningPopulation<float> slice_of(const LearningPopulation<float>&, network::Slice);
template LearningPopulation<double> slice_of(const LearningPopulation<double>&, network::Slice);

}  // namespace memprop::learning
