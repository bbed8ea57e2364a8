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

void SumRows(const float* HWY_RESTRICT value, const float* HWY_RESTRICT variance, std::size_t stride,
             const std::uint32_t* HWY_RESTRICT rows, std::size_t row_count, std::size_t columns,
             float* HWY_RESTRICT out, float* HWY_RESTRICT out_variance) {
    const hn::ScalableTag<float> d;
    const std::size_t lanes = hn::Lanes(d);
    // Two vectors of columns stay in registers while the rows pass by; stride is a multiple of any width.
    for (std::size_t c = 0; c < columns; c += lanes) {
        auto sum = hn::Zero(d);
        auto sum_variance = hn::Zero(d);
        for (std::size_t r = 0; r < row_count; ++r) {
            const std::size_t at = rows[r] * stride + c;
            sum = hn::Add(sum, hn::LoadU(d, value + at));
            sum_variance = hn::Add(sum_variance, hn::LoadU(d, variance + at));
        }
        if (c + lanes <= columns) {
            hn::StoreU(sum, d, out + c);
            hn::StoreU(sum_variance, d, out_variance + c);
        } else {
            const auto valid = hn::FirstN(d, columns - c);
            hn::BlendedStore(sum, valid, d, out + c);
            hn::BlendedStore(sum_variance, valid, d, out_variance + c);
        }
    }
}

void AddColumnNoise(const DrawKey& key, std::uint32_t first_column, const float* HWY_RESTRICT variance,
                    std::size_t columns, float* HWY_RESTRICT out) {
    const hn::ScalableTag<float> d;
    ForNormals(
        key, first_column, columns, [&](std::size_t offset, F32Vec normals, std::size_t valid) HWY_ATTR {
            if (valid == hn::Lanes(d)) {
                const auto noise = hn::Mul(hn::Sqrt(hn::LoadU(d, variance + offset)), normals);
                hn::StoreU(hn::Add(hn::LoadU(d, out + offset), noise), d, out + offset);
            } else {
                const auto mask = hn::FirstN(d, valid);
                const auto noise = hn::Mul(hn::Sqrt(hn::MaskedLoad(mask, d, variance + offset)), normals);
                hn::BlendedStore(hn::Add(hn::MaskedLoad(mask, d, out + offset), noise), mask, d,
                                 out + offset);
            }
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

HWY_EXPORT(SumRows);
HWY_EXPORT(AddColumnNoise);
HWY_EXPORT(AddPlane);

void sum_rows(const float* value, const float* variance, std::size_t stride,
              std::span<const std::uint32_t> rows, std::span<float> out, std::span<float> out_variance) {
    HWY_DYNAMIC_DISPATCH(SumRows)
    (value, variance, stride, rows.data(), rows.size(), out.size(), out.data(), out_variance.data());
}

void add_column_noise(const DrawKey& key, std::uint32_t first_column, std::span<const float> variance,
                      std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(AddColumnNoise)(key, first_column, variance.data(), out.size(), out.data());
}

double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance) {
    return HWY_DYNAMIC_DISPATCH(AddPlane)(mean.data(), sigma.data(), sign, mean.size(), difference.data(),
                                          variance.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
