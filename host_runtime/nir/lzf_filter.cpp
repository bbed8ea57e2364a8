#include <hdf5.h>
#include <lzf.h>

#include <cstdlib>
#include <limits>

#include "host_runtime/nir/read_tree.hpp"

namespace memprop::host::nir {
namespace {

constexpr H5Z_filter_t kLzfFilter = 32000;  // registered with The HDF Group by h5py

// Decompression only. cd_values[2], if present, is the size of a chunk.
std::size_t lzf_filter(unsigned flags, std::size_t value_count, const unsigned* values, std::size_t bytes,
                       std::size_t* buffer_bytes, void** buffer) {
    if ((flags & H5Z_FLAG_REVERSE) == 0 || bytes > std::numeric_limits<unsigned>::max()) {
        return 0;
    }
    std::size_t room = value_count >= 3 && values[2] != 0 ? values[2] : *buffer_bytes;
    constexpr std::size_t kMaxChunkBytes = 1U << 30;
    while (room > 0 && room <= kMaxChunkBytes) {
        void* out = std::malloc(room);
        if (out == nullptr) {
            return 0;
        }
        const unsigned size =
            lzf_decompress(*buffer, static_cast<unsigned>(bytes), out, static_cast<unsigned>(room));
        if (size != 0) {
            std::free(*buffer);
            *buffer = out;
            *buffer_bytes = room;
            return size;
        }
        std::free(out);
        if (errno != E2BIG) {
            return 0;
        }
        room *= 2;
    }
    return 0;
}

}  // namespace

void register_lzf_filter() {
    const H5Z_class2_t filter{H5Z_CLASS_T_VERS, kLzfFilter, 1, 1, "lzf", nullptr, nullptr, lzf_filter};
    H5Zregister(&filter);
}

}  // namespace memprop::host::nir
