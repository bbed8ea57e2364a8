// Parameters of a layer, one value for each of its elements. Files store them for every element, once for all
// of them, or with extents of 1 along axes that share a value: [C, 1, 1] on a layer [C, H, W], as numpy
// broadcasts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host::nir {

/// Whether two shapes differ only in extents of 1.
bool equal_but_for_ones(const Shape& a, const Shape& b);

/// The shape that numpy gives to an operation on arrays of both shapes; nothing if they do not go together.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

/// Whether a parameter of this shape has a value for every element of the layer: one element, the layer's
/// shape but for extents of 1, or a shape that broadcasts to it.
bool fits_layer(const Shape& parameter, const Shape& layer);

/// Value of element i of a layer. Needs fits_layer().
double layer_value(const Dataset& parameter, const Shape& layer, std::uint64_t i);

/// Of all elements, row-major. Needs fits_layer().
std::vector<double> layer_values(const Dataset& parameter, const Shape& layer);

/// Of a parameter of a node that works element by element; `missing` if the file has none.
double layer_value(const FlatNode& node, std::string_view parameter, std::uint64_t i, double missing);
std::vector<double> layer_values(const FlatNode& node, std::string_view parameter, double missing);

/// Whether a weight of a Linear or Affine node is one matrix: two axes, others in front of them only of 1.
bool is_one_matrix(const Shape& weight);

}  // namespace memprop::host::nir
