// Lists of synapses by presynaptic neuron: an event costs the synapses of its neuron.
#include <algorithm>
#include <optional>
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
    Sparse(const Connect& connect, std::vector<Weight> weights, std::optional<std::uint32_t> bias_row)
        : row_begin_(connect.row_begin),
          column_(connect.column),
          weights_(std::move(weights)),
          bias_row_(bias_row) {
        lists_.row_begin = row_begin_;
        lists_.column = column_;
    }

    bool bias_is_a_line() const override { return false; }

    bool sum(const Signal<Real>& arriving, std::uint32_t, std::span<Real> out) override {
        if (!bias_row_ && arriving.form == Signal<Real>::Form::zero) {
            return false;
        }
        std::fill(out.begin(), out.end(), Real{0});
        if (arriving.form == Signal<Real>::Form::spikes) {
            add_synapses_of(lists_, weights_.data(), arriving.spikes(), out);
        } else {
            for_each_nonzero(arriving, [&](std::uint32_t i, Real value) {
                add_synapses(lists_, weights_.data(), i, value, out);
            });
        }
        if (bias_row_) {
            add_synapses(lists_, weights_.data(), *bias_row_, Real{1}, out);
        }
        return true;
    }

private:
    std::vector<std::uint64_t> row_begin_;
    std::vector<std::uint32_t> column_;
    SynapseLists lists_;
    std::vector<Weight> weights_;  // [synapse]
    std::optional<std::uint32_t> bias_row_;
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_sparse(const Network& network, const Projection& projection) {
    const Connect& connect = projection.connect;
    const SynapseLists lists(connect);
    const bool no_self = !connect.self && projection.from == projection.to;
    const std::optional<std::uint32_t> bias_row =
        projection.bias ? std::optional(network.at(projection.from).size) : std::nullopt;
    return std::visit(
        [&](const auto& numbers) -> std::unique_ptr<Connection<Real>> {
            using Number = typename std::decay_t<decltype(numbers)>::value_type;
            using Weight = std::conditional_t<std::is_same_v<Real, float>, float, Number>;
            std::vector<Weight> weights(numbers.size());
            for (std::uint32_t row = 0; row < lists.rows(); ++row) {
                lists.for_each(row, [&](std::uint64_t s, std::uint32_t j) {
                    weights[s] =
                        no_self && j == row ? Weight{0} : narrow<Weight>(static_cast<double>(numbers[s]));
                });
            }
            return std::make_unique<Sparse<Real, Weight>>(connect, std::move(weights), bias_row);
        },
        projection.weights);
}

template std::unique_ptr<Connection<float>> make_sparse(const Network&, const Projection&);
template std::unique_ptr<Connection<double>> make_sparse(const Network&, const Projection&);

}  // namespace memprop::network
