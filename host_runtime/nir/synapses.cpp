// Synapses and weights of the linear maps of a graph.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/layer_values.hpp"
#include "host_runtime/nir/node_values.hpp"
#include "host_runtime/nir/window.hpp"

namespace memprop::host {
namespace {

using network::Connect;
using network::ConnectKind;
using network::Numbers;
using network::Projection;
using nir::NodeType;

bool all_zero(const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double v) { return v == 0.0; });
}

/// Metadata comes from a file like everything else.
double checked(const nir::FlatNode& node, std::string_view name, double missing, double low, double high,
               const std::string& place) {
    const double value = node_metadata(*node.node, name).value_or(missing);
    if (!(value >= low && value <= high)) {
        throw InputError(
            fmt::format("{}: metadata memprop/{} = {}: must be in [{}, {}]", place, name, value, low, high));
    }
    return value;
}

/// Values beyond Real's range become its limits.
template <class Real>
Real narrow(double value) {
    constexpr auto kMost = static_cast<double>(std::numeric_limits<Real>::max());
    return static_cast<Real>(std::clamp(value, -kMost, kMost));
}

bool is_float(const nir::Dataset& dataset) {
    return dataset.type == nir::ElementType::float32;
}

/// [matrix][out][in] of a file as [matrix][in][out], each value by `convert`.
template <class Real, class Convert>
std::vector<Real> transposed(const nir::Dataset& weight, std::uint64_t in, std::uint64_t out,
                             Convert&& convert) {
    const std::uint64_t matrices = h5::element_count(weight.shape) / (in * out);
    std::vector<Real> result(matrices * in * out);
    for (std::uint64_t m = 0; m < matrices; ++m) {
        for (std::uint64_t o = 0; o < out; ++o) {
            for (std::uint64_t i = 0; i < in; ++i) {
                result[(m * in + i) * out + o] = convert(nir::number_at(weight, (m * out + o) * in + i));
            }
        }
    }
    return result;
}

template <class Real>
void append(std::vector<Real>& weights, const std::vector<double>& bias) {
    for (const double b : bias) {
        weights.push_back(narrow<Real>(b));
    }
}

/// As training computes with them, in units.
template <class Real>
Numbers trained_weights(Projection& p, const nir::FlatNode& node, const std::vector<double>& bias,
                        const std::string& place) {
    const std::uint64_t in = node.input_size();
    const auto unit = narrow<Real>(checked(node, "weight_unit", 1.0, 1e-30, 1e30, place));
    const auto rows = static_cast<std::uint64_t>(checked(node, "tile_rows", 0.0, 0.0, 1e9, place));
    p.unit = static_cast<double>(unit);
    p.rows_at_once = rows >= in ? 0 : rows;
    std::vector<Real> weights =
        transposed<Real>(*node.node->find("weight"), in, node.output_size(),
                         [&](double w) { return narrow<Real>(w / static_cast<double>(unit)); });
    append(weights, bias);
    return weights;
}

/// As the file has them: single precision stays single, unless a bias needs more.
Numbers plain_weights(const nir::FlatNode& node, std::uint64_t in, std::uint64_t out,
                      const std::vector<double>& bias) {
    const nir::Dataset& weight = *node.node->find("weight");
    const bool exact = std::all_of(bias.begin(), bias.end(),
                                   [](double b) { return static_cast<double>(narrow<float>(b)) == b; });
    if (is_float(weight) && exact) {
        auto weights = transposed<float>(weight, in, out, [](double w) { return static_cast<float>(w); });
        append(weights, bias);
        return weights;
    }
    auto weights = transposed<double>(weight, in, out, [](double w) { return w; });
    append(weights, bias);
    return weights;
}

/// Leading axes of a weight are separate matrices, side by side: most synapses do not exist.
void set_blocks(Connect& connect, std::uint64_t matrices, std::uint64_t in, std::uint64_t out, bool bias) {
    connect.kind = ConnectKind::sparse;
    connect.row_begin.push_back(0);
    const auto add_row = [&](std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t o = first; o < first + count; ++o) {
            connect.column.push_back(static_cast<std::uint32_t>(o));
        }
        connect.row_begin.push_back(connect.column.size());
    };
    for (std::uint64_t row = 0; row < matrices * in; ++row) {
        add_row(row / in * out, out);
    }
    if (bias) {
        add_row(0, matrices * out);
    }
}

void set_linear(Projection& p, const nir::FlatNode& node, const Discretisation& d, WeightForm form,
                const std::string& place) {
    const nir::Shape& shape = node.node->find("weight")->shape;
    const std::uint64_t in = shape.back(), out = shape[shape.size() - 2],
                        matrices = h5::element_count(shape) / (in * out);
    const std::vector<double> bias = linear_bias(node);
    p.bias = !bias.empty();
    p.bias_first = d.arithmetic == Arithmetic::graph || !nir::is_one_matrix(shape);
    if (!nir::is_one_matrix(shape)) {
        set_blocks(p.connect, matrices, in, out, p.bias);
    }
    if (form == WeightForm::devices) {
        return;
    }
    if (d.arithmetic == Arithmetic::graph || !nir::is_one_matrix(shape)) {
        p.weights = plain_weights(node, in, out, bias);
    } else if (d.arithmetic == Arithmetic::single) {
        p.weights = trained_weights<float>(p, node, bias, place);
    } else {
        p.weights = trained_weights<double>(p, node, bias, place);
    }
}

void set_convolution(Projection& p, const nir::FlatNode& node, WeightForm form, const std::string& place) {
    p.connect.kind = ConnectKind::convolution;
    p.connect.window = nir::window_of(*node.node, node.input_shape, place);
    const std::vector<double> bias = channel_bias(node, p.connect.window.channels_out);
    p.bias = !bias.empty();
    if (form == WeightForm::devices) {
        return;
    }
    const nir::Dataset& weight = *node.node->find("weight");
    std::vector<double> weights = nir::numbers(weight, h5::element_count(weight.shape));
    append(weights, bias);
    p.weights = std::move(weights);
}

void set_pool(Projection& p, const nir::FlatNode& node, const std::string& place) {
    p.connect.kind = ConnectKind::pool;
    p.connect.window = nir::window_of(*node.node, node.input_shape, place);
    const auto size = static_cast<double>(p.connect.window.kernel_height * p.connect.window.kernel_width);
    p.connect.factor = node.node->type == NodeType::avg_pool2d ? 1.0 / size : 1.0;
}

}  // namespace

bool is_linear_map(NodeType type) {
    switch (type) {
        case NodeType::linear:
        case NodeType::affine:
        case NodeType::scale:
        case NodeType::conv1d:
        case NodeType::conv2d:
        case NodeType::sum_pool2d:
        case NodeType::avg_pool2d:
            return true;
        default:
            return false;
    }
}

void set_synapses(Projection& projection, const nir::FlatNode& node, const Discretisation& discretisation,
                  WeightForm form, const std::string& place) {
    switch (node.node->type) {
        case NodeType::conv1d:
        case NodeType::conv2d:
            return set_convolution(projection, node, form, place);
        case NodeType::sum_pool2d:
        case NodeType::avg_pool2d:
            return set_pool(projection, node, place);
        case NodeType::scale:
            projection.connect.kind = ConnectKind::one_to_one;
            projection.weights = nir::layer_values(node, "scale", 1.0);
            return;
        default:
            return set_linear(projection, node, discretisation, form, place);
    }
}

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
        if (all_zero(bias)) {
            bias.clear();
        }
    }
    return bias;
}

std::vector<double> channel_bias(const nir::FlatNode& node, std::uint64_t channels) {
    std::vector<double> bias;
    if (const nir::Dataset* stored = node.node->find("bias")) {
        bias = nir::numbers(*stored, channels);
        if (all_zero(bias)) {
            bias.clear();
        }
    }
    return bias;
}

std::vector<double> delay_steps_of(const nir::FlatNode& node, double dt_seconds) {
    std::vector<double> steps = nir::layer_values(node, "delay", 0.0);
    for (double& delay : steps) {
        delay = std::nearbyint(delay / dt_seconds);
    }
    return steps;
}

}  // namespace memprop::host
