#include "crossbar/array/graded_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crossbar/array/graded_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include "crossbar/base/normal-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

using memprop::HWY_NAMESPACE::F32Vec;
using memprop::HWY_NAMESPACE::ForNormals;
namespace hn = hwy::HWY_NAMESPACE;

// kVectors vectors of columns, their sums and variances in registers while the rows pass by.
template <int kVectors>
HWY_INLINE void GradedColumns(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                              const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t column,
                              float* HWY_RESTRICT out, float* HWY_RESTRICT variance) {
    const hn::ScalableTag<float> d;
    const std::size_t lanes = hn::Lanes(d);
    F32Vec sum[kVectors], squares[kVectors];
    for (int v = 0; v < kVectors; ++v) {
        sum[v] = squares[v] = hn::Zero(d);
    }
    for (std::size_t r = 0; r < row_count; ++r) {
        const float* value = m.value + rows[r] * m.stride + column;
        const float* var = m.variance + rows[r] * m.stride + column;
        const F32Vec x = hn::Set(d, drive[r]), x2 = hn::Set(d, drive[r] * drive[r]);
        for (int v = 0; v < kVectors; ++v) {
            sum[v] = hn::Add(sum[v], hn::Mul(x, hn::LoadU(d, value + v * lanes)));
            squares[v] = hn::Add(squares[v], hn::Mul(x2, hn::LoadU(d, var + v * lanes)));
        }
    }
    for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(sum[v], d, out + column + v * lanes);
        hn::StoreU(squares[v], d, variance + column + v * lanes);
    }
}

void ReadGraded(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t columns,
                float* HWY_RESTRICT out, float* HWY_RESTRICT variance) {
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
    std::size_t c = 0;
    for (; c + 3 * lanes < columns && c + 4 * lanes <= m.stride; c += 4 * lanes) {
        GradedColumns<4>(m, rows, drive, row_count, c, out, variance);
    }
    for (; c < columns; c += lanes) {
        GradedColumns<1>(m, rows, drive, row_count, c, out, variance);
    }
}

void AddColumnNoise(const DrawKey& key, const float* HWY_RESTRICT variance, std::size_t columns,
                    float* HWY_RESTRICT out) {
    const hn::ScalableTag<float> d;
    ForNormals(key, 0, columns, [&](std::size_t c, F32Vec normals, std::size_t valid) HWY_ATTR {
        if (valid == hn::Lanes(d)) {
            const F32Vec noise = hn::Mul(hn::Sqrt(hn::LoadU(d, variance + c)), normals);
            hn::StoreU(hn::Add(hn::LoadU(d, out + c), noise), d, out + c);
        } else {
            const auto mask = hn::FirstN(d, valid);
            const F32Vec noise = hn::Mul(hn::Sqrt(hn::MaskedLoad(mask, d, variance + c)), normals);
            hn::BlendedStore(hn::Add(hn::MaskedLoad(mask, d, out + c), noise), mask, d, out + c);
        }
    });
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::crossbar {

HWY_EXPORT(ReadGraded);
HWY_EXPORT(AddColumnNoise);

void read_graded_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows,
                      std::span<const float> drive, std::size_t columns, float* out, float* variance) {
    HWY_DYNAMIC_DISPATCH(ReadGraded)
    (matrices, rows.data(), drive.data(), rows.size(), columns, out, variance);
}

void add_column_noise(const DrawKey& key, std::span<const float> variance, std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(AddColumnNoise)(key, variance.data(), out.size(), out.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
