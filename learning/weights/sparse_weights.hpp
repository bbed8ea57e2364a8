// Weights of a sparse projection as floating-point numbers, one for each synapse that exists: memory, sums
// and updates go with the synapses, not with the neurons they could connect.
#pragma once

#include <algorithm>
#include <vector>

#include "learning/network/connect/sparse_sums.hpp"
#include "learning/weights/digital_weights.hpp"

namespace memprop::learning {

/// Values and changes are [synapse], in the order of the lists of `shape.sparse`. A synapse of a neuron onto
/// itself keeps the weight 0 with shape.no_diagonal.
template <class Real>
class SparseWeights final : public BasicWeightStore<Real> {
public:
    /// `limit` 0 means none.
    SparseWeights(const WeightStoreShape& shape, Real limit)
        : shape_(shape), lists_(*shape.sparse), limit_(limit), weights_(shape.weights()) {}

    void load(std::span<const Real> initial) override {
        std::transform(initial.begin(), initial.end(), weights_.begin(),
                       [this](Real w) { return limited(w, limit_); });
        cut_diagonal();
    }

    void sum_inputs(std::span<const std::uint32_t> active, std::uint32_t, std::span<Real> out) override {
        std::fill(out.begin(), out.end(), Real{0});
        network::add_synapses_of(lists_, weights_.data(), active, out);
    }
    void sum_graded(std::span<const std::uint32_t> active, std::span<const Real> values, std::uint32_t,
                    std::span<Real> out) override {
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t k = 0; k < active.size(); ++k) {
            network::add_synapses(lists_, weights_.data(), active[k], values[k], out);
        }
    }
    void begin_sample(std::uint32_t, std::int32_t) override {}
    void end_sample() override {}
    void update(std::span<const Real> delta, std::uint32_t, std::int32_t) override {
        add_limited(std::span(weights_), delta, limit_);
        cut_diagonal();
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

private:
    void cut_diagonal() {
        for (std::uint32_t row = 0; shape_.no_diagonal && row < lists_.rows(); ++row) {
            lists_.for_each(row, [&](std::uint64_t s, std::uint32_t j) {
                weights_[s] = j == row ? Real{0} : weights_[s];
            });
        }
    }

    WeightStoreShape shape_;
    network::SynapseLists lists_;
    Real limit_;
    std::vector<Real> weights_;
};

}  // namespace memprop::learning
