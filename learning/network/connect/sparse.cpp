// Lists of synapses by presynaptic neuron: an event costs the synapses of its neuron.
#include <algorithm>
#include <type_traits>
#include <variant>

#include "learning/network/connect/kinds.hpp"
#include "learning/network/connect/sparse_sums.hpp"
#include "learning/network/models/leak.hpp"

namespace memprop::network {
namespace {

template <class Real, class Weight>
class Sparse final : public Connection<Real> {
public:
    Sparse(SynapseLists lists, std::vector<Weight> weights, std::optional<std::uint32_t> bias_row)
        : lists_(std::move(lists)), weights_(std::move(weights)), bias_row_(bias_row) {}

    bool bias_is_a_line() const override { return false; }

    bool sum(const Signal<Real>& arriving, std::uint32_t, std::span<Real> out) override {
        if (!bias_row_ && arriving.form == Signal<Real>::Form::zero) {
            return false;
        }
        std::fill(out.begin(), out.end(), Real{0});
        for_each_nonzero(arriving, [&](std::uint32_t i, Real value) {
            add_synapses<Real, Weight>(lists_, weights_, i, value, out);
        });
        if (bias_row_) {
            add_synapses<Real, Weight>(lists_, weights_, *bias_row_, Real{1}, out);
        }
        return true;
    }

private:
    SynapseLists lists_;
    std::vector<Weight> weights_;  // [synapse]
    std::optional<std::uint32_t> bias_row_;
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_sparse(const Network& network, const Projection& projection) {
    const Connect& connect = projection.connect;
    SynapseLists lists{connect.row_begin, connect.column};
    const bool no_self = !connect.self && projection.from == projection.to;
    const std::optional<std::uint32_t> bias_row =
        projection.bias ? std::optional(network.at(projection.from).size) : std::nullopt;
    return std::visit(
        [&](const auto& numbers) -> std::unique_ptr<Connection<Real>> {
            using Number = typename std::decay_t<decltype(numbers)>::value_type;
            using Weight = std::conditional_t<std::is_same_v<Real, float>, float, Number>;
            std::vector<Weight> weights(numbers.size());
            for (std::size_t row = 0; row + 1 < lists.row_begin.size(); ++row) {
                for (std::size_t s = lists.row_begin[row]; s < lists.row_begin[row + 1]; ++s) {
                    weights[s] = no_self && lists.column[s] == row
                                     ? Weight{0}
                                     : narrow<Weight>(static_cast<double>(numbers[s]));
                }
            }
            return std::make_unique<Sparse<Real, Weight>>(std::move(lists), std::move(weights), bias_row);
        },
        projection.weights);
}

template std::unique_ptr<Connection<float>> make_sparse(const Network&, const Projection&);
template std::unique_ptr<Connection<double>> make_sparse(const Network&, const Projection&);

}  // namespace memprop::network
