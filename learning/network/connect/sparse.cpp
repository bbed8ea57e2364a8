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
    Sparse(std::vector<std::uint64_t> row_begin, std::vector<std::uint32_t> column,
           std::vector<Weight> weights, std::optional<std::uint32_t> bias_row)
        : row_begin_(std::move(row_begin)),
          column_(std::move(column)),
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
std::unique_ptr<Connection<Real>> make_sparse(const Network& network, const Projection& projection,
                                              Slice post) {
    const Connect& connect = projection.connect;
    const SynapseLists lists(connect);
    const bool no_self = !connect.self && projection.from == projection.to;
    const std::optional<std::uint32_t> bias_row =
        projection.bias ? std::optional(network.at(projection.from).size) : std::nullopt;
    return std::visit(
        [&](const auto& numbers) -> std::unique_ptr<Connection<Real>> {
            using Number = typename std::decay_t<decltype(numbers)>::value_type;
            using Weight = std::conditional_t<std::is_same_v<Real, float>, float, Number>;
            const auto synapses =
                static_cast<std::size_t>(std::count_if(connect.column.begin(), connect.column.end(),
                                                       [&](std::uint32_t j) { return post.holds(j); }));
            std::vector<std::uint64_t> row_begin{0};
            std::vector<std::uint32_t> column;
            std::vector<Weight> weights;
            row_begin.reserve(connect.row_begin.size());
            column.reserve(synapses);
            weights.reserve(synapses);
            for (std::uint32_t row = 0; row < lists.rows(); ++row) {
                lists.for_each(row, [&](std::uint64_t s, std::uint32_t j) {
                    if (!post.holds(j)) {
                        return;
                    }
                    column.push_back(j - post.first);
                    weights.push_back(no_self && j == row ? Weight{0}
                                                          : narrow<Weight>(static_cast<double>(numbers[s])));
                });
                row_begin.push_back(column.size());
            }
            return std::make_unique<Sparse<Real, Weight>>(std::move(row_begin), std::move(column),
                                                          std::move(weights), bias_row);
        },
        projection.weights);
}

template std::unique_ptr<Connection<float>> make_sparse(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_sparse(const Network&, const Projection&, Slice);

}  // namespace memprop::network
