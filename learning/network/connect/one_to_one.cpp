// Neuron i to neuron i, with a weight each, or 1.
#include <algorithm>

#include "learning/network/connect/kinds.hpp"
#include "learning/network/models/leak.hpp"

namespace memprop::network {
namespace {

template <class Real>
class OneToOne final : public Connection<Real> {
public:
    explicit OneToOne(std::vector<Real> weights) : weights_(std::move(weights)) {}

    bool sum(const Signal<Real>& arriving, std::uint32_t, std::span<Real> out) override {
        using Form = typename Signal<Real>::Form;
        if (arriving.form == Form::zero) {
            return false;
        }
        if (arriving.form == Form::dense && weights_.empty()) {
            std::copy(arriving.dense.begin(), arriving.dense.end(), out.begin());
        } else if (arriving.form == Form::dense) {
            for (std::size_t i = 0; i < out.size(); ++i) {
                out[i] = weights_[i] * arriving.dense[i];
            }
        } else {
            std::fill(out.begin(), out.end(), Real{0});
            for_each_nonzero(arriving, [&](std::uint32_t i, Real value) {
                out[i] += weights_.empty() ? value : weights_[i] * value;
            });
        }
        return true;
    }

private:
    std::vector<Real> weights_;  // empty: all 1
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_one_to_one(const Network&, const Projection& projection) {
    std::vector<Real> weights;
    for (std::size_t i = 0; i < size_of(projection.weights); ++i) {
        weights.push_back(narrow<Real>(number_at(projection.weights, i)));
    }
    return std::make_unique<OneToOne<Real>>(std::move(weights));
}

template std::unique_ptr<Connection<float>> make_one_to_one(const Network&, const Projection&);
template std::unique_ptr<Connection<double>> make_one_to_one(const Network&, const Projection&);

}  // namespace memprop::network
