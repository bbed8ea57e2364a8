#include "learning/network/row_sums.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/network/row_sums.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memprop::network::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kRowsAhead = 6;  // rows are far apart, and fetched ahead

/// kVectors vectors of columns from `first` on.
template <std::size_t kVectors, class Real>
HWY_INLINE void SumBlock(const Real* HWY_RESTRICT weights, std::span<const std::uint32_t> rows,
                         std::size_t first, std::span<Real> out) {
    const hn::ScalableTag<Real> tag;
    const std::size_t lanes = hn::Lanes(tag), n = out.size();
    hn::Vec<decltype(tag)> sum[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
        sum[v] = hn::Zero(tag);
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (r + kRowsAhead < rows.size()) {
            const Real* ahead = weights + rows[r + kRowsAhead] * n + first;
            for (std::size_t v = 0; v < kVectors; ++v) {
                hwy::Prefetch(ahead + v * lanes);
            }
        }
        const Real* row = weights + rows[r] * n + first;
        for (std::size_t v = 0; v < kVectors; ++v) {
            sum[v] = hn::Add(sum[v], hn::LoadU(tag, row + v * lanes));
        }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
        hn::StoreU(sum[v], tag, out.data() + first + v * lanes);
    }
}

template <class Real>
HWY_INLINE void SumRows(std::span<const Real> weights, std::span<const std::uint32_t> rows,
                        std::span<Real> out) {
    const std::size_t lanes = hn::Lanes(hn::ScalableTag<Real>()), n = out.size();
    std::size_t first = 0;
    for (; first + 8 * lanes <= n; first += 8 * lanes) {
        SumBlock<8>(weights.data(), rows, first, out);
    }
    for (; first + lanes <= n; first += lanes) {
        SumBlock<1>(weights.data(), rows, first, out);
    }
    Real* HWY_RESTRICT rest = out.data();
    std::fill(rest + first, rest + n, Real{0});
    for (const std::uint32_t r : rows) {
        const Real* HWY_RESTRICT row = weights.data() + r * n;
        for (std::size_t j = first; j < n; ++j) {
            rest[j] += row[j];
        }
    }
}

/// A plain loop: the compiler vectorises it for every instruction set.
template <class Real>
HWY_INLINE void AddTo(const Real* HWY_RESTRICT more, std::size_t count, Real* HWY_RESTRICT sums) {
    for (std::size_t j = 0; j < count; ++j) {
        sums[j] += more[j];
    }
}

void AddToFloat(std::span<const float> more, float* sums) {
    AddTo(more.data(), more.size(), sums);
}
void AddToDouble(std::span<const double> more, double* sums) {
    AddTo(more.data(), more.size(), sums);
}

void SumRowsFloat(std::span<const float> weights, std::span<const std::uint32_t> rows, std::span<float> out) {
    SumRows(weights, rows, out);
}
void SumRowsDouble(std::span<const double> weights, std::span<const std::uint32_t> rows,
                   std::span<double> out) {
    SumRows(weights, rows, out);
}

}  // namespace memprop::network::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memprop::network {

HWY_EXPORT(SumRowsFloat);
HWY_EXPORT(SumRowsDouble);
HWY_EXPORT(AddToFloat);
HWY_EXPORT(AddToDouble);

void add_to(std::span<const float> more, std::span<float> sums) {
    HWY_DYNAMIC_DISPATCH(AddToFloat)(more, sums.data());
}
void add_to(std::span<const double> more, std::span<double> sums) {
    HWY_DYNAMIC_DISPATCH(AddToDouble)(more, sums.data());
}

void sum_rows(std::span<const float> weights, std::span<const std::uint32_t> rows, std::span<float> out) {
    HWY_DYNAMIC_DISPATCH(SumRowsFloat)(weights, rows, out);
}
void sum_rows(std::span<const double> weights, std::span<const std::uint32_t> rows, std::span<double> out) {
    HWY_DYNAMIC_DISPATCH(SumRowsDouble)(weights, rows, out);
}

}  // namespace memprop::network
#endif  // HWY_ONCE
