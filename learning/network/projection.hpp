// The weights of one projection as a forward pass sees them: it asks for the summed input of every
// postsynaptic neuron, and does not know what stores the weights.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "learning/network/row_sums.hpp"

namespace memprop::learning {

template <class Real>
class Projection {
public:
    virtual ~Projection() = default;

    /// out[post] = sum over the active presynaptic neurons (ascending) of their weights to `post`.
    virtual void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t step,
                            std::span<Real> out) = 0;
};

/// Weights as plain numbers, [pre][post].
template <class Real>
class DenseProjection final : public Projection<Real> {
public:
    DenseProjection(std::uint32_t pre, std::uint32_t post) : weights_(std::size_t{pre} * post, Real{0}) {}

    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t, std::span<Real> out) override {
        sum_rows(std::span<const Real>(weights_), active, out);
    }
    std::vector<Real>& weights() { return weights_; }

private:
    std::vector<Real> weights_;
};

}  // namespace memprop::learning
