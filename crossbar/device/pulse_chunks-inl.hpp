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

using memprop::HWY_NAMESPACE::WriteNormals;

constexpr std::size_t kChunk = 64;           // so many devices are skipped if none has pulses
constexpr std::size_t kGroup = 12 * kChunk;  // so many stay in the first cache during their burst

// Calls pulse(begin, n, k) for ranges of devices of which some want more than k pulses; most(begin, n) says
// how many are wanted at most in a range.
template <class Most, class Pulse>
HWY_INLINE void ForPulses(std::size_t count, const Most& most, const Pulse& pulse) {
    for (std::size_t begin = 0; begin < count; begin += kGroup) {
        const std::size_t end = std::min(begin + kGroup, count);
        std::uint32_t wanted[kGroup / kChunk] = {};
        std::uint32_t largest = 0;
        std::size_t chunks = 0;
        for (std::size_t at = begin; at < end; at += kChunk, ++chunks) {
            wanted[chunks] = most(at, std::min(kChunk, end - at));
            largest = std::max(largest, wanted[chunks]);
        }
        for (std::uint32_t k = 0; k < largest; ++k) {
            for (std::size_t c = 0; c < chunks; ++c) {
                const std::size_t first = c;
                while (c < chunks && wanted[c] > k) {
                    ++c;
                }
                if (c > first) {
                    const std::size_t at = begin + first * kChunk;
                    pulse(at, std::min((c - first) * kChunk, end - at), k);
                }
            }
        }
    }
}

}  // namespace memprop::crossbar::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
