// Weights as floating-point numbers, optionally limited to a range: the `vanilla` baseline.
#pragma once

#include <algorithm>
#include <vector>

#include "learning/network/row_sums.hpp"
#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

/// Kept in +-limit unless that is 0.
template <class Real>
Real limited(Real weight, Real limit) {
    return limit > Real{0} ? std::clamp(weight, -limit, limit) : weight;
}

template <class Real>
void add_limited(std::span<Real> weights, std::span<const Real> changes, Real limit) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = limited(weights[i] + changes[i], limit);
    }
}

template <class Real>
class DigitalWeights final : public BasicWeightStore<Real> {
public:
    /// `limit` 0 means none.
    DigitalWeights(const WeightStoreShape& shape, Real limit)
        : shape_(shape), limit_(limit), weights_(std::size_t{shape.pre} * shape.post) {}

    void load(std::span<const Real> initial) override {
        std::transform(initial.begin(), initial.end(), weights_.begin(),
                       [this](Real w) { return limited(w, limit_); });
    }

    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t, std::span<Real> out) override {
        network::sum_rows(std::span<const Real>(weights_), active, out);
    }
    void sum_graded(std::span<const std::uint32_t> active, std::span<const Real> values, std::uint32_t,
                    std::span<Real> out) override {
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t k = 0; k < active.size(); ++k) {
            const Real* row = weights_.data() + std::size_t{active[k]} * out.size();
            for (std::size_t j = 0; j < out.size(); ++j) {
                out[j] += row[j] * values[k];
            }
        }
    }
    void begin_sample(std::uint32_t, std::int32_t) override {}
    void end_sample() override {}
    void update(std::span<const Real> delta, std::uint32_t, std::int32_t) override {
        add_limited(std::span(weights_), delta, limit_);
    }
    void measure(std::uint32_t, std::int32_t, std::span<Real> weights) override {
        std::copy(weights_.begin(), weights_.end(), weights.begin());
    }
    void snapshot(std::int32_t, std::span<Real> weights) override {
        std::copy(weights_.begin(), weights_.end(), weights.begin());
    }
    const WeightStoreShape& shape() const override { return shape_; }
    void serialize(StateArchive& archive) override { archive("weights", weights_); }
    void load_weights(StateArchive& archive, const DonorDevices&, std::int32_t) override {
        serialize(archive);
    }

    /// The memory itself, [pre][post].
    std::vector<Real>& memory() { return weights_; }
    Real limit() const { return limit_; }

private:
    WeightStoreShape shape_;
    Real limit_;
    std::vector<Real> weights_;
};

}  // namespace memprop::learning
