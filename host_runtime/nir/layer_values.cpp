#include "host_runtime/nir/layer_values.hpp"

#include <algorithm>
#include <iterator>

namespace memprop::host::nir {
namespace {

Shape without_ones(const Shape& shape) {
    Shape result;
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(result),
                 [](std::uint64_t extent) { return extent != 1; });
    return result;
}

/// Where element i of the layer finds its value; axes are aligned at the last one.
std::uint64_t broadcast_index(const Shape& parameter, const Shape& layer, std::uint64_t i) {
    std::uint64_t index = 0, stride = 1;
    for (std::size_t back = 1; back <= layer.size() && back <= parameter.size(); ++back) {
        const std::uint64_t extent = layer[layer.size() - back], own = parameter[parameter.size() - back];
        index += own == 1 ? 0 : stride * (i % extent);
        stride *= own;
        i /= extent;
    }
    return index;
}

bool one_to_one(const Shape& parameter, const Shape& layer) {
    return h5::element_count(parameter) == 1 || equal_but_for_ones(parameter, layer);
}

}  // namespace

bool equal_but_for_ones(const Shape& a, const Shape& b) {
    return a == b || without_ones(a) == without_ones(b);
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
    Shape result(std::max(a.size(), b.size()));
    for (std::size_t back = 1; back <= result.size(); ++back) {
        const std::uint64_t x = back <= a.size() ? a[a.size() - back] : 1,
                            y = back <= b.size() ? b[b.size() - back] : 1;
        if (x != y && x != 1 && y != 1) {
            return std::nullopt;
        }
        result[result.size() - back] = x == 1 ? y : x;
    }
    return result;
}

bool fits_layer(const Shape& parameter, const Shape& layer) {
    if (one_to_one(parameter, layer)) {
        return true;
    }
    const std::optional<Shape> both = broadcast(parameter, layer);
    return both && equal_but_for_ones(*both, layer);
}

double layer_value(const Dataset& parameter, const Shape& layer, std::uint64_t i) {
    return number_at(parameter,
                     one_to_one(parameter.shape, layer) ? i : broadcast_index(parameter.shape, layer, i));
}

std::vector<double> layer_values(const Dataset& parameter, const Shape& layer) {
    const std::uint64_t count = h5::element_count(layer);
    if (one_to_one(parameter.shape, layer)) {
        return numbers(parameter, count);
    }
    std::vector<double> result(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        result[i] = number_at(parameter, broadcast_index(parameter.shape, layer, i));
    }
    return result;
}

double layer_value(const FlatNode& node, std::string_view parameter, std::uint64_t i, double missing) {
    const Dataset* dataset = node.node->find(parameter);
    return dataset == nullptr ? missing : layer_value(*dataset, node.output_shape, i);
}

std::vector<double> layer_values(const FlatNode& node, std::string_view parameter, double missing) {
    const Dataset* dataset = node.node->find(parameter);
    return dataset == nullptr ? std::vector<double>(node.output_size(), missing)
                              : layer_values(*dataset, node.output_shape);
}

bool is_one_matrix(const Shape& weight) {
    return weight.size() >= 2 &&
           std::all_of(weight.begin(), weight.end() - 2, [](std::uint64_t extent) { return extent == 1; });
}

}  // namespace memprop::host::nir
