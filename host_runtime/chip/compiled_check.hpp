// Whether a chip has what a compiled network needs.
#pragma once

#include <cstdint>

#include "host_runtime/chip/compile.hpp"

namespace memprop::host {

/// Of a resource of [chip]; 0 there: as many as the mapping needs.
inline std::uint32_t limit_of(std::int64_t value) {
    return value == 0 ? UINT32_MAX : static_cast<std::uint32_t>(value);
}

/// Throws InputError naming the resource of which a core, or the host interface, has too little, the need and
/// the limit.
void check_fits(const CompiledNetwork& compiled, const CompileRequest& request,
                const hw::chip::ChipConfig& chip);

}  // namespace memprop::host
