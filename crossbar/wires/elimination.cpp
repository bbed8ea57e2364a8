#include "crossbar/wires/elimination.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/wires/elimination.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<double, kColumnGroup>;
using Vec = hn::Vec<Tag>;
constexpr std::size_t kLanes = hn::MaxLanes(Tag());
// A tile of the output stays in registers: 8 x 2 of 32 vectors, or 4 x 2 of 16.
constexpr std::size_t kTileRows = kLanes == 8 ? 8 : 4;

// Where a product takes its factors from: element (p, r) of the left one, (p, c) of the right one.
struct Factors {
    const double* left;
    std::size_t left_p, left_r;
    const double* right;
    std::size_t right_p;
    std::size_t depth;
};

template <std::size_t Rows, std::size_t Vectors>
HWY_INLINE void AddTile(const Factors& f, std::size_t r, std::size_t c, double* out, std::size_t out_stride) {
    const Tag d;
    Vec sum[Rows][Vectors];
    for (std::size_t i = 0; i < Rows; ++i) {
        for (std::size_t v = 0; v < Vectors; ++v) {
            sum[i][v] = hn::LoadU(d, out + i * out_stride + c + v * kLanes);
        }
    }
    const double* left = f.left + r * f.left_r;
    const double* right = f.right + c;
    for (std::size_t p = 0; p < f.depth; ++p, left += f.left_p, right += f.right_p) {
        Vec b[Vectors];
        for (std::size_t v = 0; v < Vectors; ++v) {
            b[v] = hn::LoadU(d, right + v * kLanes);
        }
        for (std::size_t i = 0; i < Rows; ++i) {
            const Vec a = hn::Set(d, left[i * f.left_r]);
            for (std::size_t v = 0; v < Vectors; ++v) {
                sum[i][v] = hn::Add(sum[i][v], hn::Mul(a, b[v]));
            }
        }
    }
    for (std::size_t i = 0; i < Rows; ++i) {
        for (std::size_t v = 0; v < Vectors; ++v) {
            hn::StoreU(sum[i][v], d, out + i * out_stride + c + v * kLanes);
        }
    }
}

template <std::size_t Rows>
HWY_INLINE void AddRows(const Factors& f, std::size_t r, std::size_t begin, std::size_t end, double* out,
                        std::size_t out_stride) {
    std::size_t c = begin;
    for (; c + 2 * kLanes <= end; c += 2 * kLanes) {
        AddTile<Rows, 2>(f, r, c, out, out_stride);
    }
    for (; c < end; c += kLanes) {
        AddTile<Rows, 1>(f, r, c, out, out_stride);
    }
}

// out[r][c] += sum_p left(p, r) right(p, c) for r in [r_begin, r_end); c < end, from 0 or, if `upper`,
// from the group of columns that holds the diagonal.
void AddProductRows(const Factors& f, std::size_t r_begin, std::size_t r_end, std::size_t end, bool upper,
                    double* out, std::size_t out_stride) {
    std::size_t r = r_begin;
    const auto begin = [&](std::size_t row) { return upper ? row / kColumnGroup * kColumnGroup : 0; };
    for (; r + kTileRows <= r_end; r += kTileRows) {
        AddRows<kTileRows>(f, r, begin(r), end, out + r * out_stride, out_stride);
    }
    for (; r < r_end; ++r) {
        AddRows<1>(f, r, begin(r), end, out + r * out_stride, out_stride);
    }
}

// In a fixed order: eight sums, of every eighth element, then the sum of these.
HWY_INLINE double Sum(const double* row, std::size_t begin, std::size_t end) {
    const Tag d;
    constexpr std::size_t kVectors = kColumnGroup / kLanes;
    Vec sum[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
        sum[v] = hn::Zero(d);
    }
    for (std::size_t c = begin; c < end; c += kColumnGroup) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            sum[v] = hn::Add(sum[v], hn::LoadU(d, row + c + v * kLanes));
        }
    }
    double lane[kColumnGroup];
    for (std::size_t v = 0; v < kVectors; ++v) {
        hn::StoreU(sum[v], d, lane + v * kLanes);
    }
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

void Factorise(const Front& front) {
    const Tag d;
    const std::size_t k = front.eliminated;
    const std::size_t stride = front.stride;
    constexpr std::size_t kPanel = kColumnGroup;
    for (std::size_t begin = 0; begin < k; begin += kPanel) {
        const std::size_t end = std::min(begin + kPanel, k);
        Factors f{front.weights + begin * stride, stride, 1, front.rows + begin * stride, stride, 0};
        for (std::size_t p = begin; p < end; ++p) {
            double* row = front.rows + p * stride;
            f.depth = p - begin;
            AddRows<1>(f, p, begin, stride, row, stride);
            std::fill(row + begin, row + p + 1, 0.0);
            const double sum = Sum(row, begin, stride);
            const Vec scale = hn::Set(d, sum > 0.0 ? 1.0 / sum : 0.0);  // a node joined to nothing
            double* weights = front.weights + p * stride;
            for (std::size_t c = begin; c < stride; c += kLanes) {
                hn::StoreU(hn::Mul(hn::LoadU(d, row + c), scale), d, weights + c);
            }
        }
        f.depth = end - begin;
        AddProductRows(f, end, k, stride, true, front.rows, stride);
    }
}

void Eliminate(const Front& front, double* result, std::size_t result_stride, std::size_t result_rows) {
    Factorise(front);
    const Factors f{front.weights + front.outer_begin, front.stride, 1,
                    front.rows + front.outer_begin,    front.stride, front.eliminated};
    AddProductRows(f, 0, result_rows, front.stride - front.outer_begin, true, result, result_stride);
}

void AddProduct(const Product& p) {
    const Factors f{p.left, 1, p.left_stride, p.right, p.right_stride, p.depth};
    AddProductRows(f, 0, p.rows, padded(p.columns), false, p.out, p.out_stride);
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace memprop::crossbar {

HWY_EXPORT(Factorise);
HWY_EXPORT(Eliminate);
HWY_EXPORT(AddProduct);

void factorise(const Front& front) {
    HWY_DYNAMIC_DISPATCH(Factorise)(front);
}

void eliminate(const Front& front, double* result, std::size_t result_stride, std::size_t result_rows) {
    HWY_DYNAMIC_DISPATCH(Eliminate)(front, result, result_stride, result_rows);
}

void add_product(const Product& product) {
    HWY_DYNAMIC_DISPATCH(AddProduct)(product);
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
