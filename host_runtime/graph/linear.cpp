// Linear and Affine: y = W x (+ b), W of shape [..., out, in]; leading axes are separate matrices.
#include <optional>
#include <variant>

#include "host_runtime/graph/operators.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

/// Weight is float where the file holds float32: half the memory, the same values.
template <class Weight>
class LinearOperator final : public Operator {
public:
    LinearOperator(const nir::Dataset& weight, std::vector<double> bias)
        : in_(weight.shape.back()), out_(weight.shape[weight.shape.size() - 2]), bias_(std::move(bias)) {
        const std::uint64_t matrices = h5::element_count(weight.shape) / (in_ * out_);
        size_ = matrices * out_;
        weight_.resize(matrices * in_ * out_);
        std::visit(
            [&](const auto& values) {
                using V = std::decay_t<decltype(values)>;
                if constexpr (!std::is_same_v<V, std::monostate> &&
                              !std::is_same_v<V, std::vector<std::string>>) {
                    for (std::uint64_t m = 0; m < matrices; ++m) {
                        for (std::uint64_t o = 0; o < out_; ++o) {
                            for (std::uint64_t i = 0; i < in_; ++i) {
                                weight_[(m * in_ + i) * out_ + o] =
                                    static_cast<Weight>(values[(m * out_ + o) * in_ + i]);
                            }
                        }
                    }
                }
            },
            weight.values);
    }

    void step(const Signal& x, Signal& y) override {
        if (bias_.empty() && x.form == Signal::Form::zero) {
            y.set_zero();
            return;
        }
        if (bias_.empty()) {
            y.start_dense(size_, 0.0);
        } else {
            y.form = Signal::Form::dense;
            y.dense = bias_;
        }
        double* sums = y.dense.data();
        for_each_nonzero(x, [&](std::uint32_t i, double value) {
            double* to = sums + (i / in_) * out_;
            const Weight* column = weight_.data() + i * out_;
            for (std::uint64_t o = 0; o < out_; ++o) {
                to[o] += static_cast<double>(column[o]) * value;
            }
        });
    }

private:
    std::uint64_t in_, out_, size_ = 0;
    std::vector<Weight> weight_;  // [matrix][in][out]
    std::vector<double> bias_;    // of all outputs; empty: none
};

}  // namespace

std::vector<double> linear_bias(const nir::FlatNode& node) {
    std::vector<double> bias;
    if (const nir::Dataset* stored = node.node->find("bias")) {
        if (nir::fits_layer(stored->shape, node.output_shape)) {
            bias = nir::layer_values(*stored, node.output_shape);
        } else {  // one for every output, or for every output of a matrix
            const std::vector<double> one = nir::numbers(*stored, h5::element_count(stored->shape));
            bias.resize(node.output_size());
            for (std::size_t i = 0; i < bias.size(); ++i) {
                bias[i] = one[i % one.size()];
            }
        }
        if (std::all_of(bias.begin(), bias.end(), [](double b) { return b == 0.0; })) {
            bias.clear();
        }
    }
    return bias;
}

std::unique_ptr<Operator> make_linear(const nir::FlatNode& node) {
    const nir::Dataset& weight = *node.node->find("weight");
    if (weight.type == nir::ElementType::float32) {
        return std::make_unique<LinearOperator<float>>(weight, linear_bias(node));
    }
    return std::make_unique<LinearOperator<double>>(weight, linear_bias(node));
}

}  // namespace memprop::host
