// out[o] = unit * (sums of w[i][o] x[i] over ascending i, block of rows by block) + bias[o]; or, with
// bias_first, bias[o] + w[i][o] x[i] + ... in the order in which x is listed.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <variant>

#include "crossbar/base/error.hpp"
#include "learning/network/connect/arrivals.hpp"
#include "learning/network/connect/kinds.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/row_sums.hpp"

namespace memprop::network {
namespace {

/// Weight is float where the numbers are: half the memory, the same values.
template <class Real, class Weight>
class Dense final : public Connection<Real> {
public:
    Dense(std::vector<Weight> weights, std::vector<Real> bias, const Projection& projection, std::size_t pre)
        : weights_(std::move(weights)),
          bias_(std::move(bias)),
          unit_(narrow<Real>(projection.unit)),
          bias_first_(projection.bias_first),
          rows_at_once_(projection.rows_at_once == 0 ? pre
                                                     : std::min<std::size_t>(projection.rows_at_once, pre)),
          one_block_(rows_at_once_ == pre) {}

    bool bias_is_a_line() const override { return false; }

    bool sum(const Signal<Real>& arriving, std::uint32_t, std::span<Real> out) override {
        if (bias_.empty() && arriving.form == Signal<Real>::Form::zero) {
            return false;
        }
        if (bias_first_) {
            sum_as_listed(arriving, out);
            return true;
        }
        const Arrivals<Real> x(arriving);
        if (one_block_) {
            sum_rows_of(x, 0, x.index().size(), out);
        } else {
            sum_by_blocks(x, out);
        }
        for (std::size_t o = 0; o < out.size() && unit_ != Real{1}; ++o) {
            out[o] *= unit_;
        }
        for (std::size_t o = 0; o < bias_.size(); ++o) {
            out[o] += bias_[o];
        }
        return true;
    }

private:
    void add_row(std::uint32_t row, Real value, std::span<Real> out) const {
        const Weight* weights = weights_.data() + row * out.size();
        Real* to = out.data();
        for (std::size_t o = 0; o < out.size(); ++o) {
            to[o] += static_cast<Real>(weights[o]) * value;
        }
    }

    void sum_as_listed(const Signal<Real>& arriving, std::span<Real> out) const {
        if constexpr (std::is_same_v<Real, Weight>) {
            if (bias_.empty() && arriving.form == Signal<Real>::Form::spikes) {
                sum_rows(std::span<const Real>(weights_), arriving.spikes(), out);
                return;
            }
        }
        if (bias_.empty()) {
            std::fill(out.begin(), out.end(), Real{0});
        } else {
            std::copy(bias_.begin(), bias_.end(), out.begin());
        }
        for_each_nonzero(arriving, [&](std::uint32_t i, Real value) { add_row(i, value, out); });
    }

    /// Of the entries [first, end) of x.
    void sum_rows_of(const Arrivals<Real>& x, std::size_t first, std::size_t end, std::span<Real> out) const {
        if constexpr (std::is_same_v<Real, Weight>) {
            if (x.all_ones()) {
                sum_rows(std::span<const Real>(weights_), x.index().subspan(first, end - first), out);
                return;
            }
        }
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t k = first; k < end; ++k) {
            add_row(x.index()[k], x.value(k), out);
        }
    }

    void sum_by_blocks(const Arrivals<Real>& x, std::span<Real> out) const {
        static thread_local std::vector<Real> block;
        block.resize(std::max(block.size(), out.size()));
        const std::span<Real> sums = std::span(block).first(out.size());
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t first = 0, end = 0; first < x.index().size(); first = end) {
            const std::size_t at = x.index()[first] / rows_at_once_;
            while (end < x.index().size() && x.index()[end] / rows_at_once_ == at) {
                ++end;
            }
            sum_rows_of(x, first, end, sums);
            for (std::size_t o = 0; o < out.size(); ++o) {
                out[o] += sums[o];
            }
        }
    }

    std::vector<Weight> weights_;  // [pre][post]
    std::vector<Real> bias_;       // [post]; empty: none, or all 0
    Real unit_;
    bool bias_first_;
    std::size_t rows_at_once_;
    bool one_block_;
};

}  // namespace

template <class Real>
std::unique_ptr<Connection<Real>> make_dense(const Network& network, const Projection& projection,
                                             Slice post) {
    const Connect& connect = projection.connect;
    const auto refuse = [&](std::string_view key, auto value, std::string_view rule) {
        throw InputError(fmt::format("projection.{}.{}", projection.name, key), value, rule);
    };
    if (connect.density < 1.0 && connect.mask.empty()) {
        refuse("density", connect.density, "needs the mask that was drawn with it");
    }
    if (projection.bias_first && (projection.unit != 1.0 || projection.rows_at_once != 0)) {
        refuse("bias_first", "true", "goes with unit = 1 and rows_at_once = 0");
    }
    const std::size_t pre = network.at(projection.from).size, columns = columns_of(network, projection);
    const bool no_self = !connect.self && projection.from == projection.to;
    return std::visit(
        [&](const auto& numbers) -> std::unique_ptr<Connection<Real>> {
            using Number = typename std::decay_t<decltype(numbers)>::value_type;
            using Weight = std::conditional_t<std::is_same_v<Real, float>, float, Number>;
            std::vector<Weight> weights;
            weights.reserve(pre * post.count);
            for (std::size_t i = 0; i < pre; ++i) {
                for (std::size_t j = post.first; j < std::size_t{post.first} + post.count; ++j) {
                    const std::size_t at = i * columns + j;
                    const bool exists =
                        (connect.mask.empty() || connect.mask[at] != 0) && !(no_self && i == j);
                    weights.push_back(exists ? narrow<Weight>(static_cast<double>(numbers[at])) : Weight{0});
                }
            }
            std::vector<Real> bias;
            bool any_bias = false;  // of the whole: whether something arrives is asked of all alike
            for (std::size_t at = pre * columns; at < numbers.size(); ++at) {
                const bool exists = connect.mask.empty() || connect.mask[at] != 0;
                const Real b = exists ? narrow<Real>(static_cast<double>(numbers[at])) : Real{0};
                any_bias = any_bias || b != Real{0};
                if (post.holds(static_cast<std::uint32_t>(at - pre * columns))) {
                    bias.push_back(b);
                }
            }
            if (!any_bias) {
                bias.clear();
            }
            return std::make_unique<Dense<Real, Weight>>(std::move(weights), std::move(bias), projection,
                                                         pre);
        },
        projection.weights);
}

template std::unique_ptr<Connection<float>> make_dense(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_dense(const Network&, const Projection&, Slice);

}  // namespace memprop::network
