// Memory for vectors of doubles, aligned to cache lines.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <new>

namespace memprop::crossbar {

using AlignedDoubles = hwy::AlignedFreeUniquePtr<double[]>;

/// Uninitialised; throws std::bad_alloc when there is not enough memory.
inline AlignedDoubles allocate_doubles(std::size_t count) {
    AlignedDoubles memory = hwy::AllocateAligned<double>(count);
    if (memory == nullptr && count > 0) {
        throw std::bad_alloc();
    }
    return memory;
}

}  // namespace memprop::crossbar
