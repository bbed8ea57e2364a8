#include "crossbar/array/read_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/array/read_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/base/normal-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

using memprop::HWY_NAMESPACE::F32Vec;
using memprop::HWY_NAMESPACE::ForNormals;
namespace hn = hwy::HWY_NAMESPACE;

// The sums of one vector of columns stay in a register while the rows pass by.
HWY_INLINE F32Vec SumColumn(const float* HWY_RESTRICT matrix, std::size_t stride,
                            const std::uint32_t* HWY_RESTRICT rows, std::size_t row_count) {
    const hn::ScalableTag<float> d;
    auto sum = hn::Zero(d);
    for (std::size_t r = 0; r < row_count; ++r) {
        sum = hn::Add(sum, hn::LoadU(d, matrix + rows[r] * stride));
    }
    return sum;
}

HWY_INLINE void StoreFirst(F32Vec v, std::size_t valid, float* out) {
    const hn::ScalableTag<float> d;
    if (valid == hn::Lanes(d)) {
        hn::StoreU(v, d, out);
    } else {
        hn::BlendedStore(v, hn::FirstN(d, valid), d, out);
    }
}

void ReadRows(const ReadMatrices& m, const std::uint32_t* rows, std::size_t row_count, std::size_t columns,
              float* HWY_RESTRICT out) {
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
    for (std::size_t c = 0; c < columns; c += lanes) {
        StoreFirst(SumColumn(m.value + c, m.stride, rows, row_count), std::min(lanes, columns - c), out + c);
    }
}

void ReadRowsNoisy(const ReadMatrices& m, const std::uint32_t* rows, std::size_t row_count,
                   const DrawKey& key, std::uint32_t first, std::size_t columns, float* HWY_RESTRICT out) {
    ForNormals(key, first, columns, [&](std::size_t c, F32Vec normals, std::size_t valid) HWY_ATTR {
        const F32Vec sum = SumColumn(m.value + c, m.stride, rows, row_count);
        const F32Vec sigma = hn::Sqrt(SumColumn(m.variance + c, m.stride, rows, row_count));
        StoreFirst(hn::Add(sum, hn::Mul(sigma, normals)), valid, out + c);
    });
}

double AddPlane(const float* HWY_RESTRICT mean, const float* HWY_RESTRICT sigma, float sign,
                std::size_t count, float* HWY_RESTRICT difference, float* HWY_RESTRICT variance) {
    for (std::size_t i = 0; i < count; ++i) {
        difference[i] += sign * mean[i];
        variance[i] += sigma[i] * sigma[i];
    }
    // Eight running sums in a fixed order: the same bits at every width, and no chain of dependent additions.
    double sum[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) {
            sum[lane] += static_cast<double>(mean[i + lane]);
        }
    }
    for (std::size_t lane = 0; i + lane < count; ++lane) {
        sum[lane] += static_cast<double>(mean[i + lane]);
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::crossbar {

HWY_EXPORT(ReadRows);
HWY_EXPORT(ReadRowsNoisy);
HWY_EXPORT(AddPlane);

static ReadMatrices from_column(const ReadMatrices& m, std::uint32_t first) {
    return {m.value + first, m.variance + first, m.stride};
}

void read_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, std::uint32_t first,
               std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(ReadRows)
    (from_column(matrices, first), rows.data(), rows.size(), out.size(), out.data());
}

void read_rows_noisy(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, const DrawKey& key,
                     std::uint32_t first, std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(ReadRowsNoisy)
    (from_column(matrices, first), rows.data(), rows.size(), key, first, out.size(), out.data());
}

double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance) {
    return HWY_DYNAMIC_DISPATCH(AddPlane)(mean.data(), sigma.data(), sign, mean.size(), difference.data(),
                                          variance.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
