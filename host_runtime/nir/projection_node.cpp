#include "host_runtime/nir/projection_node.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/build.hpp"

namespace memprop::host {
namespace {

using network::ConnectKind;
using network::Network;
using network::Population;
using network::PopulationId;
using network::Projection;
using network::ProjectionId;
using nir::NodeType;

constexpr std::uint64_t kMostWeights = 1ULL << 28;  // of a matrix that a list of synapses becomes

nir::Dataset numbers(std::string name, nir::Shape shape, std::vector<double> all, bool single) {
    if (single) {
        return nir::floats(std::move(name), std::move(shape), std::vector<float>(all.begin(), all.end()));
    }
    return nir::doubles(std::move(name), std::move(shape), std::move(all));
}

/// [row][column] of a matrix or of lists of synapses, the bias as the last row.
std::vector<double> matrix_of(const Network& net, const Projection& p, const std::vector<double>& weights,
                              const std::string& place) {
    if (p.connect.kind != ConnectKind::sparse) {
        return weights;
    }
    const std::uint64_t rows = rows_of(net, p), columns = columns_of(net, p);
    if (rows * columns > kMostWeights) {
        throw InputError(
            fmt::format("{}: projection {}: NIR has no lists of synapses, and {} x {} weights are too many",
                        place, p.name, rows, columns));
    }
    std::vector<double> matrix(rows * columns, 0.0);
    for (std::uint64_t row = 0; row < rows; ++row) {
        for (std::uint64_t s = p.connect.row_begin[row]; s < p.connect.row_begin[row + 1]; ++s) {
            matrix[row * columns + p.connect.column[s]] += weights[s];
        }
    }
    return matrix;
}

nir::Node convolution(const Network& net, const Projection& p, const std::string& name,
                      const std::vector<double>& weights, bool single) {
    const network::Window& w = p.connect.window;
    const bool flat = is_flat(net, p);
    const std::uint64_t in = w.channels_in / w.groups;
    const std::uint64_t count = w.channels_out * in * w.kernel_height * w.kernel_width;
    const auto pair = [&](const char* what, std::uint64_t y, std::uint64_t x) {
        return flat ? nir::whole_numbers(what, {1}, {std::int64_t(x)})
                    : nir::whole_numbers(what, {2}, {std::int64_t(y), std::int64_t(x)});
    };
    const nir::Shape shape = flat ? nir::Shape{w.channels_out, in, w.kernel_width}
                                  : nir::Shape{w.channels_out, in, w.kernel_height, w.kernel_width};
    std::vector<double> bias(w.channels_out, 0.0);
    if (p.bias) {
        std::copy(weights.begin() + std::ptrdiff_t(count), weights.end(), bias.begin());
    }
    return nir::node(
        name, flat ? NodeType::conv1d : NodeType::conv2d,
        {numbers("weight", shape,
                 std::vector<double>(weights.begin(), weights.begin() + std::ptrdiff_t(count)), single),
         numbers("bias", {w.channels_out}, std::move(bias), single), pair("stride", w.stride_y, w.stride_x),
         pair("padding", w.padding_top, w.padding_left), pair("dilation", w.dilation_y, w.dilation_x),
         nir::whole_numbers("groups", {}, {std::int64_t(w.groups)}),
         flat ? nir::whole_numbers("input_shape", {}, {std::int64_t(w.width_in)})
              : nir::whole_numbers("input_shape", {2},
                                   {std::int64_t(w.height_in), std::int64_t(w.width_in)})});
}

}  // namespace

bool slides(const Projection& p) {
    return p.connect.kind == ConnectKind::convolution || p.connect.kind == ConnectKind::pool;
}

bool is_flat(const Network& net, const Projection& p) {
    return net.at(p.from).shape.size() == 2;
}

nir::Shape shape_of(const Network& net, PopulationId id) {
    const Population& p = net.at(id);
    const nir::Shape given(p.shape.begin(), p.shape.end());
    const std::vector<ProjectionId> from = net.from(id), to = net.to(id);
    const auto window = [&](ProjectionId at) { return slides(net.at(at)); };
    if (const auto slid = std::find_if(from.begin(), from.end(), window); slid != from.end()) {
        const network::Window& w = net.at(*slid).connect.window;
        return given.empty() ? nir::Shape{w.channels_in, w.height_in, w.width_in} : given;
    }
    if (const auto led = std::find_if(to.begin(), to.end(), window); led != to.end()) {
        const network::Window& w = net.at(*led).connect.window;
        return is_flat(net, net.at(*led)) ? nir::Shape{w.channels_out, w.width_out}
                                          : nir::Shape{w.channels_out, w.height_out, w.width_out};
    }
    return p.model == "input" && to.empty() && !given.empty() ? given : nir::Shape{p.size};
}

bool keeps_shape(const Network& net, const Projection& p) {
    return p.connect.kind == ConnectKind::one_to_one && shape_of(net, p.from) == shape_of(net, p.to);
}

nir::Node projection_node(const Network& net, const Projection& p, const std::string& name,
                          const GraphWeights& given, bool single, const std::string& place) {
    const bool single_matrix = single && given.tile_rows == 0;  // products of conductances need double
    const std::uint64_t pre = net.at(p.from).size, post = net.at(p.to).size;
    const network::Window& w = p.connect.window;
    std::vector<nir::Dataset> parameters;
    NodeType type = NodeType::linear;
    switch (p.connect.kind) {
        case ConnectKind::one_to_one:
            parameters.push_back(numbers("scale", shape_of(net, p.to),
                                         given.values.empty() ? std::vector<double>(post, 1.0) : given.values,
                                         single));
            return nir::node(name, NodeType::scale, std::move(parameters));
        case ConnectKind::convolution:
            return convolution(net, p, name, given.values, single);
        case ConnectKind::pool: {
            const auto pair = [](const char* what, std::uint64_t y, std::uint64_t x) {
                return nir::whole_numbers(what, {2}, {std::int64_t(y), std::int64_t(x)});
            };
            parameters = {pair("kernel_size", w.kernel_height, w.kernel_width),
                          pair("stride", w.stride_y, w.stride_x),
                          pair("padding", w.padding_top, w.padding_left)};
            return nir::node(name, p.connect.factor == 1.0 ? NodeType::sum_pool2d : NodeType::avg_pool2d,
                             std::move(parameters));
        }
        default:
            break;
    }
    const std::vector<double> matrix = matrix_of(net, p, given.values, place);
    std::vector<double> weight(pre * post);
    for (std::uint64_t r = 0; r < pre; ++r) {
        for (std::uint64_t c = 0; c < post; ++c) {
            weight[c * pre + r] = matrix[r * post + c];
        }
    }
    parameters.push_back(numbers("weight", {post, pre}, std::move(weight), single_matrix));
    if (p.bias) {
        type = NodeType::affine;
        parameters.push_back(numbers(
            "bias", {post}, std::vector<double>(matrix.begin() + std::ptrdiff_t(pre * post), matrix.end()),
            single_matrix));
    }
    return nir::node(name, type, std::move(parameters));
}

}  // namespace memprop::host
