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

// Adds kRows rows to the sums. Memory is walked along the rows, several at a time: wide arrays do not fit
// into the nearer caches, and sums of one row more per step cost an own load and store.
template <int kRows>
HWY_INLINE void AddRows(const ReadMatrices& m, const std::uint32_t* rows, const float* drive,
                        std::size_t columns, float* HWY_RESTRICT out, float* HWY_RESTRICT variance) {
    const hn::ScalableTag<float> d;
    const float* HWY_RESTRICT value[kRows];
    const float* HWY_RESTRICT var[kRows];
    F32Vec x[kRows], x2[kRows];
    for (int r = 0; r < kRows; ++r) {
        value[r] = m.value + rows[r] * m.stride;
        var[r] = m.variance + rows[r] * m.stride;
        x[r] = hn::Set(d, drive[r]);
        x2[r] = hn::Set(d, drive[r] * drive[r]);
    }
    for (std::size_t c = 0; c < columns; c += hn::Lanes(d)) {
        F32Vec sum = hn::LoadU(d, out + c), squares = hn::LoadU(d, variance + c);
        for (int r = 0; r < kRows; ++r) {
            sum = hn::Add(sum, hn::Mul(x[r], hn::LoadU(d, value[r] + c)));
            squares = hn::Add(squares, hn::Mul(x2[r], hn::LoadU(d, var[r] + c)));
        }
        hn::StoreU(sum, d, out + c);
        hn::StoreU(squares, d, variance + c);
    }
}

// Sums of kVectors vectors of columns over all rows, kept in registers: for arrays that lie in the nearer
// caches, where the loads and stores of sums are what costs.
template <int kVectors>
HWY_INLINE void SumColumns(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                           const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t first,
                           float* HWY_RESTRICT out, float* HWY_RESTRICT variance) {
    const hn::ScalableTag<float> d;
    const std::size_t lanes = hn::Lanes(d);
    F32Vec sum[kVectors], squares[kVectors];
    for (int v = 0; v < kVectors; ++v) {
        sum[v] = squares[v] = hn::Zero(d);
    }
    for (std::size_t r = 0; r < row_count; ++r) {
        const float* HWY_RESTRICT value = m.value + rows[r] * m.stride + first;
        const float* HWY_RESTRICT var = m.variance + rows[r] * m.stride + first;
        const F32Vec x = hn::Set(d, drive[r]), x2 = hn::Mul(x, x);
        for (int v = 0; v < kVectors; ++v) {
            sum[v] = hn::Add(sum[v], hn::Mul(x, hn::LoadU(d, value + v * lanes)));
            squares[v] = hn::Add(squares[v], hn::Mul(x2, hn::LoadU(d, var + v * lanes)));
        }
    }
    for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(sum[v], d, out + first + v * lanes);
        hn::StoreU(squares[v], d, variance + first + v * lanes);
    }
}

// As many vectors as leave all sums in registers.
constexpr std::size_t kMostVectors = hn::MaxLanes(hn::ScalableTag<float>()) >= 16 ? 8 : 4;

HWY_INLINE void SumSomeColumns(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                               const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t vectors,
                               std::size_t first, float* HWY_RESTRICT out, float* HWY_RESTRICT variance) {
    switch (vectors) {
        case 1:
            return SumColumns<1>(m, rows, drive, row_count, first, out, variance);
        case 2:
            return SumColumns<2>(m, rows, drive, row_count, first, out, variance);
        case 3:
            return SumColumns<3>(m, rows, drive, row_count, first, out, variance);
        case 4:
            return SumColumns<4>(m, rows, drive, row_count, first, out, variance);
        case 5:
            return SumColumns<5>(m, rows, drive, row_count, first, out, variance);
        case 6:
            return SumColumns<6>(m, rows, drive, row_count, first, out, variance);
        case 7:
            return SumColumns<7>(m, rows, drive, row_count, first, out, variance);
        default:
            return SumColumns<8>(m, rows, drive, row_count, first, out, variance);
    }
}

void ReadGraded(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t columns,
                float* HWY_RESTRICT out, float* HWY_RESTRICT variance) {
    constexpr std::size_t kNearCacheBytes = 256U << 10U;  // well within common second-level caches
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
    if (2 * row_count * m.stride * sizeof(float) <= kNearCacheBytes) {
        std::size_t vectors = (columns + lanes - 1) / lanes;
        for (std::size_t c = 0; vectors > 0;) {
            const std::size_t taken = std::min(vectors, kMostVectors);
            SumSomeColumns(m, rows, drive, row_count, taken, c, out, variance);
            c += taken * lanes;
            vectors -= taken;
        }
        return;
    }
    std::fill_n(out, m.stride, 0.0F);
    std::fill_n(variance, m.stride, 0.0F);
    std::size_t r = 0;
    for (; r + 8 <= row_count; r += 8) {
        AddRows<8>(m, rows + r, drive + r, columns, out, variance);
    }
    for (; r + 2 <= row_count; r += 2) {
        AddRows<2>(m, rows + r, drive + r, columns, out, variance);
    }
    if (r < row_count) {
        AddRows<1>(m, rows + r, drive + r, columns, out, variance);
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
