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

// As many vectors of columns as leave their sums and variances in registers while the rows pass by.
constexpr std::size_t kMostVectors = hn::MaxLanes(hn::ScalableTag<float>()) >= 16 ? 8 : 4;

template <int kVectors, bool kDriven, bool kNoisy>
HWY_INLINE void SumColumns(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                           const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t first,
                           float* HWY_RESTRICT sum, float* HWY_RESTRICT variance) {
    const hn::ScalableTag<float> d;
    const std::size_t lanes = hn::Lanes(d);
    F32Vec sums[kVectors], squares[kVectors];
    for (int v = 0; v < kVectors; ++v) {
        sums[v] = squares[v] = hn::Zero(d);
    }
    for (std::size_t r = 0; r < row_count; ++r) {
        const float* HWY_RESTRICT values = m.value + rows[r] * m.stride + first;
        const float* HWY_RESTRICT variances = kNoisy ? m.variance + rows[r] * m.stride + first : values;
        const F32Vec x = kDriven ? hn::Set(d, drive[r]) : hn::Zero(d), x2 = hn::Mul(x, x);
        for (int v = 0; v < kVectors; ++v) {
            const F32Vec value = hn::LoadU(d, values + v * lanes);
            sums[v] = hn::Add(sums[v], kDriven ? hn::Mul(x, value) : value);
            if constexpr (kNoisy) {
                const F32Vec square = hn::LoadU(d, variances + v * lanes);
                squares[v] = hn::Add(squares[v], kDriven ? hn::Mul(x2, square) : square);
            }
        }
    }
    for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(sums[v], d, sum + first + v * lanes);
        if constexpr (kNoisy) {
            hn::StoreU(squares[v], d, variance + first + v * lanes);
        }
    }
}

template <bool kDriven, bool kNoisy>
HWY_INLINE void SumBlocks(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows,
                          const float* HWY_RESTRICT drive, std::size_t row_count, std::size_t columns,
                          bool from_last_column, float* HWY_RESTRICT sum, float* HWY_RESTRICT variance) {
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
    const std::size_t vectors = (columns + lanes - 1) / lanes;
    const std::size_t blocks = (vectors + kMostVectors - 1) / kMostVectors;
    for (std::size_t i = 0; i < blocks; ++i) {
        // Blocks of about the same width: sums of one vector alone would wait for each other.
        const std::size_t block = from_last_column ? blocks - 1 - i : i;
        const std::size_t first = block * vectors / blocks, end = (block + 1) * vectors / blocks;
        const auto call = [&]<int kVectors>() HWY_ATTR {
            if constexpr (kVectors <= kMostVectors) {
                SumColumns<kVectors, kDriven, kNoisy>(m, rows, drive, row_count, first * lanes, sum,
                                                      variance);
            }
        };
        switch (end - first) {
            case 1:
                call.template operator()<1>();
                break;
            case 2:
                call.template operator()<2>();
                break;
            case 3:
                call.template operator()<3>();
                break;
            case 4:
                call.template operator()<4>();
                break;
            case 5:
                call.template operator()<5>();
                break;
            case 6:
                call.template operator()<6>();
                break;
            case 7:
                call.template operator()<7>();
                break;
            default:
                call.template operator()<8>();
                break;
        }
    }
}

void SumRows(const ReadMatrices& m, const std::uint32_t* HWY_RESTRICT rows, const float* HWY_RESTRICT drive,
             std::size_t row_count, std::size_t columns, bool from_last_column, float* HWY_RESTRICT sum,
             float* HWY_RESTRICT variance) {
    const auto blocks = [&]<bool kDriven, bool kNoisy>() HWY_ATTR {
        SumBlocks<kDriven, kNoisy>(m, rows, drive, row_count, columns, from_last_column, sum, variance);
    };
    if (drive != nullptr) {
        variance != nullptr ? blocks.template operator()<true, true>()
                            : blocks.template operator()<true, false>();
    } else {
        variance != nullptr ? blocks.template operator()<false, true>()
                            : blocks.template operator()<false, false>();
    }
}

void AddColumnNoise(const DrawKey& key, std::uint32_t first, const float* HWY_RESTRICT sum,
                    const float* HWY_RESTRICT variance, std::size_t columns, float* HWY_RESTRICT out) {
    const hn::ScalableTag<float> d;
    ForNormals(key, first, columns, [&](std::size_t c, F32Vec normals, std::size_t valid) HWY_ATTR {
        const F32Vec noise = hn::Mul(hn::Sqrt(hn::LoadU(d, variance + c)), normals);
        const F32Vec noisy = hn::Add(hn::LoadU(d, sum + c), noise);
        if (valid == hn::Lanes(d)) {
            hn::StoreU(noisy, d, out + c);
        } else {
            hn::BlendedStore(noisy, hn::FirstN(d, valid), d, out + c);
        }
    });
}

std::size_t CollectDriven(float* drive, std::size_t count, std::uint32_t* HWY_RESTRICT rows,
                          std::uint32_t* HWY_RESTRICT reads, double* HWY_RESTRICT squared) {
    const hn::ScalableTag<float> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t i = 0; i < count; ++i) {
        reads[i] += drive[i] != 0.0F ? 1 : 0;
        squared[i] += static_cast<double>(drive[i] * drive[i]);
    }
    std::size_t driven = 0, i = 0;
    for (; i + lanes <= count; i += lanes) {
        const F32Vec x = hn::LoadU(d, drive + i);
        const auto on = hn::Ne(x, hn::Zero(d));
        const auto row = hn::Add(hn::Iota(du, 0), hn::Set(du, static_cast<std::uint32_t>(i)));
        if (hn::AllTrue(d, on)) {
            hn::StoreU(row, du, rows + driven);
            hn::StoreU(x, d, drive + driven);
            driven += lanes;
            continue;
        }
        hn::CompressStore(row, hn::RebindMask(du, on), du, rows + driven);
        driven += hn::CompressStore(x, on, d, drive + driven);
    }
    for (; i < count; ++i) {
        const float x = drive[i];
        rows[driven] = static_cast<std::uint32_t>(i);
        drive[driven] = x;
        driven += x != 0.0F ? 1 : 0;
    }
    return driven;
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
HWY_EXPORT(CollectDriven);
HWY_EXPORT(AddPlane);

void sum_rows(const ReadMatrices& matrices, std::span<const std::uint32_t> rows, std::span<const float> drive,
              std::size_t columns, bool from_last_column, float* sum, float* variance) {
    HWY_DYNAMIC_DISPATCH(SumRows)
    (matrices, rows.data(), drive.empty() ? nullptr : drive.data(), rows.size(), columns, from_last_column,
     sum, variance);
}

void add_column_noise(const DrawKey& key, std::uint32_t first, const float* sum, const float* variance,
                      std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(AddColumnNoise)(key, first, sum, variance, out.size(), out.data());
}

std::size_t collect_driven(std::span<float> drive, std::span<std::uint32_t> rows,
                           std::span<std::uint32_t> reads, std::span<double> squared) {
    return HWY_DYNAMIC_DISPATCH(CollectDriven)(drive.data(), drive.size(), rows.data(), reads.data(),
                                               squared.data());
}

double add_plane(std::span<const float> mean, std::span<const float> sigma, float sign,
                 std::span<float> difference, std::span<float> variance) {
    return HWY_DYNAMIC_DISPATCH(AddPlane)(mean.data(), sigma.data(), sign, mean.size(), difference.data(),
                                          variance.data());
}

}  // namespace memprop::crossbar
#endif  // HWY_ONCE
