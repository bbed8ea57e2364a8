// Weights as floating-point numbers, optionally limited to a range: the `vanilla` baseline.
#pragma once

#include <algorithm>
#include <vector>

#include "learning/weights/weight_store.hpp"

namespace memprop::learning {

template <class Real>
class DigitalWeights final : public BasicWeightStore<Real> {
public:
    /// `limit` 0 means none.
    DigitalWeights(const WeightStoreShape& shape, std::span<const Real> initial, Real limit)
        : shape_(shape), limit_(limit), weights_(initial.begin(), initial.end()) {
        clip();
    }

    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t, std::span<Real> out) override {
        std::fill(out.begin(), out.end(), Real{0});
        for (const std::uint32_t pre : active) {
            const Real* row = weights_.data() + std::size_t{pre} * shape_.post;
            for (std::uint32_t j = 0; j < shape_.post; ++j) {
                out[j] += row[j];
            }
        }
    }
    void begin_sample(std::uint32_t, std::int32_t) override {}
    void end_sample() override {}
    void update(std::span<const Real> delta, std::uint32_t, std::int32_t) override {
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            weights_[i] += delta[i];
        }
        clip();
    }
    void measure(std::uint32_t, std::int32_t, std::span<Real> weights) override {
        std::copy(weights_.begin(), weights_.end(), weights.begin());
    }
    void snapshot(std::int32_t, std::span<Real> weights) override {
        std::copy(weights_.begin(), weights_.end(), weights.begin());
    }
    const WeightStoreShape& shape() const override { return shape_; }
    void serialize(StateArchive& archive) override { archive("weights", weights_); }
    void load_weights(StateArchive& archive) override { serialize(archive); }

private:
    void clip() {
        if (limit_ > Real{0}) {
            for (Real& w : weights_) {
                w = std::clamp(w, -limit_, limit_);
            }
        }
    }

    WeightStoreShape shape_;
    Real limit_;
    std::vector<Real> weights_;
};

}  // namespace memprop::learning
