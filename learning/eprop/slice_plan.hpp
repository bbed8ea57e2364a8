// E-prop onto a slice of a population: what the core of a chip that holds it needs to know of the plan.
#pragma once

#include <span>
#include <vector>

#include "learning/eprop/plan.hpp"
#include "learning/network/network.hpp"

namespace memprop::learning {

/// The slice as a learning population: coefficients and columns of its neurons alone. Errors come from the
/// same objectives. Projections keep their rows; `self` stays false where row slice.first + j is neuron j
/// itself. Throws InputError for a slice that is not within the population.
template <class Real>
LearningPopulation<Real> slice_of(const LearningPopulation<Real>& population, network::Slice slice);

/// The columns of a slice out of a matrix [row][column] of `columns` columns: weights, feedback, gradients,
/// masks.
template <class T>
std::vector<T> columns_of(std::span<const T> matrix, std::size_t columns, network::Slice slice) {
    std::vector<T> cut;
    cut.reserve(matrix.size() / columns * slice.count);
    for (std::size_t row = 0; row + columns <= matrix.size(); row += columns) {
        const auto first = matrix.begin() + static_cast<std::ptrdiff_t>(row + slice.first);
        cut.insert(cut.end(), first, first + slice.count);
    }
    return cut;
}

}  // namespace memprop::learning
