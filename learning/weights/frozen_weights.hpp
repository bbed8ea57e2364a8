// A connection whose weights nobody changes, with what a checkpoint has to hold of it.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "learning/network/connect/connections.hpp"

namespace memprop::learning {

template <class Real>
class FrozenWeights final : public network::Connection<Real> {
public:
    FrozenWeights(const network::Network& network, network::Projection projection)
        : network_(network), projection_(std::move(projection)) {
        build();
    }

    bool sum(const network::Signal<Real>& arriving, std::uint32_t step, std::span<Real> out) override {
        return connection_->sum(arriving, step, out);
    }
    bool bias_is_a_line() const override { return connection_->bias_is_a_line(); }
    void serialize(StateArchive& archive) override {
        std::vector<double> values = weights();
        const std::vector<double> before = values;
        archive("weights", values);
        if (values != before) {
            projection_.weights = std::move(values);
            build();
        }
    }
    std::vector<double> weights() const { return network::doubles_of(projection_.weights); }

private:
    void build() { connection_ = network::make_connection<Real>(network_, projection_); }

    const network::Network& network_;
    network::Projection projection_;
    std::unique_ptr<network::Connection<Real>> connection_;
};

}  // namespace memprop::learning
