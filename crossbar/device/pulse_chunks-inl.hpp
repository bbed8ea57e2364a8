// The order in which bursts of pulses are worked off, for inclusion in kernels that Highway compiles once per
// instruction set. Every device sees its pulses in ascending order, which is all that results depend on.
#if defined(MEMPROP_PULSE_CHUNKS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef MEMPROP_PULSE_CHUNKS_INL
#undef MEMPROP_PULSE_CHUNKS_INL
#else
#define MEMPROP_PULSE_CHUNKS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "crossbar/base/normal-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace memprop::crossbar::HWY_NAMESPACE {

constexpr std::size_t kChunk =
    64;  // devices: what one call of the generator gives; skipped if without pulses
constexpr std::size_t kGroup = 12 * kChunk;  // worked off at once as long as every chunk has pulses

HWY_INLINE void Normals(const memprop::HWY_NAMESPACE::PhiloxKey& key, std::uint32_t first, std::size_t count,
                        float* HWY_RESTRICT out) {
    using memprop::HWY_NAMESPACE::F32Vec;
    namespace hn = hwy::HWY_NAMESPACE;
    const hn::ScalableTag<float> d;
    memprop::HWY_NAMESPACE::ForNormals(
        key, first, count, [&](std::size_t offset, F32Vec normals, std::size_t valid) HWY_ATTR {
            if (valid == hn::Lanes(d)) {
                hn::StoreU(normals, d, out + offset);
            } else {
                hn::BlendedStore(normals, hn::FirstN(d, valid), d, out + offset);
            }
        });
}

// Calls pulse(begin, n, k) for ranges of devices of which some want more than k pulses; most(begin, n) is the
// largest number of pulses in a range.
template <class Most, class Pulse>
HWY_INLINE void ForPulses(std::size_t count, const Most& most, const Pulse& pulse) {
    for (std::size_t begin = 0; begin < count; begin += kGroup) {
        const std::size_t end = std::min(begin + kGroup, count);
        std::uint32_t wanted[kGroup / kChunk] = {};
        std::uint32_t together = 0xFFFFFFFF;
        std::size_t chunks = 0;
        for (std::size_t at = begin; at < end; at += kChunk, ++chunks) {
            wanted[chunks] = most(at, std::min(kChunk, end - at));
            together = std::min(together, wanted[chunks]);
        }
        for (std::uint32_t k = 0; k < together; ++k) {
            pulse(begin, end - begin, k);
        }
        for (std::size_t c = 0; c < chunks; ++c) {
            const std::size_t at = begin + c * kChunk;
            for (std::uint32_t k = together; k < wanted[c]; ++k) {
                pulse(at, std::min(kChunk, end - at), k);
            }
        }
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
