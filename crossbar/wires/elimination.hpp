// Dense kernels of the exact wire solution: elimination of nodes from a network of conductances, and
// products with the matrices that result.
//
// A network is stored by the conductances between its nodes, all >= 0; no diagonal is stored. Node p
// with conductances g_pc to the nodes c that are left, d = sum_c g_pc, disappears by the star-mesh
// transform: g_ab += g_pa g_pb / d. Nothing is ever subtracted, so every conductance keeps its
// relative accuracy (a few hundred rounding errors at 256 x 256) whatever the ratio of wire to device
// conductance. For Markov chains this is the algorithm of Grassmann, Taksar and Heyman, Oper. Res. 33
// (1985) 1107; its entrywise error bound: O'Cinneide, Numer. Math. 65 (1993) 109.
//
// Each element is computed with the same operations in the same order at every vector width.
#pragma once

#include <cstddef>

namespace memprop::crossbar {

/// Strides and column offsets are multiples of this many doubles, so that no kernel has a tail.
inline constexpr std::size_t kColumnGroup = 8;

constexpr std::size_t padded(std::size_t columns) {
    return (columns + kColumnGroup - 1) / kColumnGroup * kColumnGroup;
}

/// Nodes about to be eliminated, one row each: columns [0, eliminated) hold the conductances between
/// them (used above the diagonal), columns from `outer_begin` on those to the outer nodes; the padding is
/// zero.
struct Front {
    double* rows;
    double* weights;  ///< out: row p, columns c > p, g_pc / d: the voltage of p as a mean of the others
    std::size_t eliminated;
    std::size_t outer_begin;  ///< padded(eliminated)
    std::size_t stride;       ///< outer_begin + padded(number of outer nodes); also that of `weights`
};

/// Eliminates the nodes of `front` one after the other and adds what that adds to the conductances
/// between the outer nodes to the upper triangle of the first `result_rows` rows of `result`.
void eliminate(const Front& front, double* result, std::size_t result_stride, std::size_t result_rows);

/// The same without `result`: only rows and weights.
void factorise(const Front& front);

/// out[r][c] += sum_p left[r][p] right[p][c] for r < rows, c < padded columns, p ascending.
struct Product {
    const double* left;
    std::size_t left_stride;
    const double* right;
    std::size_t right_stride;
    double* out;
    std::size_t out_stride;
    std::size_t rows, columns, depth;
};
void add_product(const Product& product);

}  // namespace memprop::crossbar
