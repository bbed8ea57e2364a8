// The weights of one projection as a forward pass sees them: it asks for the summed input of every
// postsynaptic neuron, and does not know what stores the weights.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

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
    DenseProjection(std::uint32_t pre, std::uint32_t post)
        : post_(post), weights_(std::size_t{pre} * post, Real{0}) {}

    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t, std::span<Real> out) override {
        std::fill(out.begin(), out.end(), Real{0});
        for (const std::uint32_t pre : active) {
            const Real* row = weights_.data() + std::size_t{pre} * post_;
            for (std::uint32_t j = 0; j < post_; ++j) {
                out[j] += row[j];
            }
        }
    }
    std::vector<Real>& weights() { return weights_; }

private:
    std::uint32_t post_;
    std::vector<Real> weights_;
};

}  // namespace memprop::learning
