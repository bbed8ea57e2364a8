// Neuron i to neuron i, with a weight each, or 1.
#include <algorithm>

#include "learning/network/connect/kinds.hpp"
#include "learning/network/models/leak.hpp"

namespace memprop::network {
namespace {

template <class Real>
class OneToOne final : public Connection<Real> {
public:
    OneToOne(std::vector<Real> weights, Slice slice) : weights_(std::move(weights)), slice_(slice) {}

    bool sum(const Signal<Real>& arriving, std::uint32_t, std::span<Real> out) override {
        using Form = typename Signal<Real>::Form;
        if (arriving.form == Form::zero) {
            return false;
        }
        if (arriving.form == Form::dense) {
            const std::span<const Real> x =
                std::span<const Real>(arriving.dense).subspan(slice_.first, slice_.count);
            if (weights_.empty()) {
                std::copy(x.begin(), x.end(), out.begin());
                return true;
            }
            for (std::size_t i = 0; i < x.size(); ++i) {
                out[i] = weights_[i] * x[i];
            }
            return true;
        }
        std::fill(out.begin(), out.end(), Real{0});
        for_each_nonzero(arriving, [&](std::uint32_t i, Real value) {
            if (slice_.holds(i)) {
                const std::uint32_t at = i - slice_.first;
                out[at] += weights_.empty() ? value : weights_[at] * value;
            }
        });
        return true;
    }

private:
    std::vector<Real> weights_;  // [neuron of the slice]; empty: all 1
    Slice slice_;
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_one_to_one(const Network&, const Projection& projection, Slice post) {
    std::vector<Real> weights;
    const std::size_t count = size_of(projection.weights) == 0 ? 0 : post.count;
    for (std::size_t i = 0; i < count; ++i) {
        weights.push_back(narrow<Real>(number_at(projection.weights, post.first + i)));
    }
    return std::make_unique<OneToOne<Real>>(std::move(weights), post);
}

template std::unique_ptr<Connection<float>> make_one_to_one(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_one_to_one(const Network&, const Projection&, Slice);

}  // namespace memprop::network
